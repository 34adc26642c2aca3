import { execFileSync, spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rename, rm, statfs, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { DataDirInUse, holdDataDir } from "../../../lib/runtime/data-dir.ts";

const program = fileURLToPath(new URL("../../fixtures/data-dir-holder.ts", import.meta.url));

interface Holder {
  readonly child: ChildProcess;
  /** What it printed. */
  readonly result: { readonly status: string; readonly message?: string; readonly pid?: number };
}

const children: ChildProcess[] = [];
let folder: string;
let file: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "data-dir-"));
  file = join(folder, "data", "lock.sqlite");
});

afterEach(async () => {
  for (const child of children.splice(0)) await kill(child);
  await rm(folder, { recursive: true });
});

async function startHolder(): Promise<Holder> {
  const child = spawn(process.execPath, ["--expose-gc", program, file], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  children.push(child);
  const [line] = (await once(createInterface({ input: child.stdout }), "line")) as [string];
  return { child, result: JSON.parse(line) as Holder["result"] };
}

async function kill(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exited = once(child, "exit");
  child.kill("SIGKILL");
  await exited;
}

test("one process holds a folder; the next one is told the folder and who holds it", async () => {
  const first = await startHolder();
  expect(first.result).toEqual({ status: "held" });
  const second = await startHolder();
  expect(second.result).toMatchObject({ status: "in use", pid: first.child.pid });
  expect(second.result.message).toContain(dirname(file));
  expect(second.result.message).toContain(`process ${first.child.pid} `);
  await expect(holdDataDir(file)).rejects.toThrow(DataDirInUse);
});

test("a holder that was killed leaves the folder free", async () => {
  for (let round = 0; round < 3; round += 1) {
    const { child, result } = await startHolder();
    expect(result).toEqual({ status: "held" });
    await kill(child);
  }
  const lock = await holdDataDir(file);
  expect(lock.status).toBe("held");
  if (lock.status === "held") lock.release();
});

test("of several that come at once exactly one holds it, and the others name that one", async () => {
  const holders = await Promise.all(Array.from({ length: 6 }, () => startHolder()));
  const winners = holders.filter(({ result }) => result.status === "held");
  expect(winners).toHaveLength(1);
  for (const { result } of holders.filter((holder) => holder !== winners[0])) {
    expect(result).toMatchObject({ status: "in use", pid: winners[0]?.child.pid });
  }
});

test("a lock file that cannot be looked at for a while is not lost; one that is missing is", async () => {
  const lock = await holdDataDir(file);
  if (lock.status !== "held") throw new Error(lock.reason);
  const [data, aside] = [dirname(file), join(folder, "aside")];
  await rename(data, aside);
  await symlink(data, data);
  expect(lock.isLost()).toBe(false);
  await rm(data);
  expect(lock.isLost()).toBe(true);
  await rename(aside, data);
  expect(lock.isLost()).toBe(false);
  lock.release();
});

test("a process that holds it already is refused a second time, until it releases", async () => {
  const first = await holdDataDir(file);
  if (first.status !== "held") throw new Error(first.reason);
  await expect(holdDataDir(file)).rejects.toMatchObject({ holder: { pid: process.pid } });
  // The refused try must not have given the lock away.
  expect((await startHolder()).result).toMatchObject({ status: "in use", pid: process.pid });
  first.release();
  first.release();
  expect((await startHolder()).result).toEqual({ status: "held" });
});

test("a folder that cannot be written is no error but an outcome, and may be tried again", async () => {
  await writeFile(join(folder, "data"), "a file where the folder should be");
  const lock = await holdDataDir(file);
  if (lock.status !== "unwritable") throw new Error("it was held");
  expect(lock.reason).toMatch(/EEXIST|ENOTDIR/);
  await rm(join(folder, "data"));
  const again = await holdDataDir(file);
  if (again.status !== "held") throw new Error(again.reason);
  again.release();
});

const asRoot = process.getuid?.() === 0 && process.platform === "linux" ? test : test.skip;

asRoot("so is a full disk (skipped where this user may not mount a file system)", async () => {
  execFileSync("mount", ["-t", "tmpfs", "-o", "size=1m", "tmpfs", folder]);
  try {
    const { bavail, bsize } = await statfs(folder);
    await writeFile(join(folder, "ballast"), Buffer.alloc(bavail * bsize));
    expect((await holdDataDir(file)).status).toBe("unwritable");
    await rm(join(folder, "ballast"));
    const lock = await holdDataDir(file);
    if (lock.status !== "held") throw new Error(lock.reason);
    lock.release();
  } finally {
    execFileSync("umount", [folder]);
  }
});
