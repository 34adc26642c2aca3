import { execFile } from "node:child_process";
import { mkdir, mkdtemp, readdir, readFile, rm, rmdir, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { promisify } from "node:util";
import { eventually } from "../support/eventually.ts";
import { ServiceProcess } from "../service-process.ts";

const scripts = join(import.meta.dirname, "../../docs/deploy");
const runIn = (cwd: string, script: string, ...parameters: readonly string[]) =>
  promisify(execFile)(process.execPath, [join(scripts, script), ...parameters], { cwd });
const run = (script: string, ...parameters: readonly string[]) => runIn(".", script, ...parameters);
const backUp = (from: string, to: string) => run("backup.mjs", from, to);
const restore = (from: string, to: string) => run("restore.mjs", from, to);

const getJson = async <T>(service: ServiceProcess, path: string) =>
  (await (await fetch(service.url + path)).json()) as T;

/** Posts batches without a pause. @returns the ids answered 202 so far, and how to stop */
function collecting(service: ServiceProcess) {
  const accepted: string[] = [];
  let running = true;
  let made = 0;
  const post = async (size: number) => {
    while (running) {
      const ids = Array.from({ length: size }, () => `e${(made += 1)}`);
      const { status } = await fetch(`${service.url}/api/v1/events/batch`, {
        method: "POST",
        headers: { "Content-Type": "application/json" },
        body: JSON.stringify(ids.map((id) => ({ id, type: "backup.test", source: "test" }))),
      });
      expect([202, 503]).toContain(status);
      if (status === 202) accepted.push(...ids);
    }
  };
  const done = Promise.all([1, 5, 50].map(post));
  return {
    accepted,
    async stop() {
      running = false;
      await done;
    },
  };
}

interface Page {
  readonly data: readonly { readonly id: string }[];
  readonly page: { readonly nextCursor: string | null };
}

async function idsOf(service: ServiceProcess): Promise<ReadonlySet<string>> {
  const ids = new Set<string>();
  for (let cursor: string | null = ""; cursor !== null;) {
    const path: string = `/api/v1/events?limit=1000&fields=id${cursor && `&cursor=${cursor}`}`;
    const { data, page } = await getJson<Page>(service, path);
    for (const { id } of data) ids.add(id);
    cursor = page.nextCursor;
  }
  return ids;
}

test("a backup of a busy service holds all that was accepted before it, each counted once", async () => {
  const folder = await mkdtemp(join(tmpdir(), "analytics-backup-"));
  const service = await ServiceProcess.create();
  try {
    await service.start();
    const load = collecting(service);
    const backups: { readonly target: string; readonly before: readonly string[] }[] = [];
    for (const name of ["first", "second.tar.gz"]) {
      const enough = load.accepted.length + 500;
      await eventually(() => expect(load.accepted.length).toBeGreaterThan(enough));
      const before = [...load.accepted];
      const target = join(folder, name);
      await backUp(service.dataDir, target);
      backups.push({ target, before });
    }
    await load.stop();
    await service.stop();

    for (const { target, before } of backups) {
      const isArchive = target.endsWith(".gz");
      const dataDir = isArchive ? join(folder, "restored") : target;
      if (isArchive) await restore(target, dataDir);
      const restored = await ServiceProcess.create({ DATA_DIR: dataDir });
      try {
        await restored.start();
        await eventually(async () => {
          const { stages } = await getJson<{ stages: Record<string, { backlog?: number }> }>(
            restored,
            "/health",
          );
          expect(stages["processor"]?.backlog).toBe(0);
          expect(stages["aggregator"]?.backlog).toBe(0);
        });
        const stored = await idsOf(restored);
        expect(before.filter((id) => !stored.has(id))).toEqual([]);
        const { total } = await getJson<{ total: number }>(restored, "/api/v1/events/counts");
        expect(total).toBe(stored.size);
      } finally {
        await restored.kill();
      }
    }
  } finally {
    await service.dispose();
    await rm(folder, { recursive: true, force: true });
  }
}, 180_000);

test("an archive that was changed, or would come beside something, is not restored", async () => {
  const folder = await mkdtemp(join(tmpdir(), "analytics-backup-"));
  const service = await ServiceProcess.create();
  try {
    await service.start();
    await service.stop();
    const archive = join(folder, "backup.tar");
    await backUp(service.dataDir, archive);
    const refused = (reason: string) => ({
      code: 1,
      stderr: expect.stringMatching(new RegExp(`^Nothing was restored: .*${reason}`)) as string,
    });
    await expect(restore(archive, service.dataDir)).rejects.toMatchObject(refused("is not empty"));

    const target = join(folder, "target");
    const bytes = await readFile(archive);
    for (const at of [bytes.indexOf("SQLite format 3") + 5_000, bytes.length - 20_000]) {
      const changed = Buffer.from(bytes);
      changed[at]! ^= 1;
      await writeFile(archive, changed);
      await expect(restore(archive, target)).rejects.toMatchObject(refused("is not what was"));
      expect(await readdir(target)).toEqual([]);
    }
    await writeFile(archive, bytes.subarray(0, bytes.length >> 1));
    await expect(restore(archive, target)).rejects.toMatchObject(refused(""));
    expect(await readdir(target)).toEqual([]);

    await writeFile(archive, bytes);
    await restore(archive, target);
    expect(await readdir(target)).toEqual(["queue.sqlite", "store.sqlite"]);

    // To tar such a name without a folder is one of another machine.
    const named = "2026-11-27T10:00.tar";
    await runIn(folder, "backup.mjs", service.dataDir, named);
    await runIn(folder, "restore.mjs", named, "again");
    expect(await readdir(join(folder, "again"))).toEqual(["queue.sqlite", "store.sqlite"]);
  } finally {
    await service.dispose();
    await rm(folder, { recursive: true, force: true });
  }
}, 180_000);

test("a backup is refused, and nothing is left, where something is missing, damaged or in the way", async () => {
  const folder = await mkdtemp(join(tmpdir(), "analytics-backup-"));
  const data = join(folder, "data");
  const target = join(folder, "target.tgz");
  const refused = (reason: string) => ({
    code: 1,
    stderr: expect.stringMatching(new RegExp(`^No backup was made: .*${reason}`)) as string,
  });
  try {
    await expect(backUp(data, target)).rejects.toMatchObject(refused("queue.sqlite is missing"));

    await mkdir(data);
    for (const name of ["queue.sqlite", "store.sqlite"]) {
      using database = new DatabaseSync(join(data, name));
      database.exec("CREATE TABLE rows (text TEXT); CREATE INDEX byText ON rows (text)");
      const insert = database.prepare("INSERT INTO rows VALUES (?)");
      for (let row = 0; row < 1_000; row += 1) insert.run(`text ${row}`);
    }
    await expect(backUp(data, join(folder, "none", "target.tar"))).rejects.toMatchObject(
      refused("none is missing"),
    );
    await mkdir(`${target}.partial`);
    await expect(backUp(data, target)).rejects.toMatchObject(refused("is under way, or one was"));
    await rmdir(`${target}.partial`);

    const store = await readFile(join(data, "store.sqlite"));
    await writeFile(join(data, "store.sqlite"), Buffer.from(store).fill(7, 4_096, 8_192));
    await expect(backUp(data, target)).rejects.toMatchObject(refused(""));
    expect(await readdir(folder)).toEqual(["data"]);

    await writeFile(join(data, "store.sqlite"), store);
    await backUp(data, target);
    expect((await readFile(target)).subarray(0, 2)).toEqual(Buffer.from([0x1f, 0x8b]));
    expect((await readdir(folder)).toSorted()).toEqual(["data", "target.tgz"]);
  } finally {
    await rm(folder, { recursive: true });
  }
});
