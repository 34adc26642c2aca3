import { execFileSync } from "node:child_process";
import { mkdtemp, rm, statfs, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { EventStore } from "../../lib/store/store.ts";
import { eventually } from "../support/eventually.ts";
import { SqliteHarness } from "../fixtures/sqlite-store.ts";
import { event, ids, unavailable } from "./store-harness.ts";

/** Run a test on a file system of a few MB, made for it. */
async function onSmallDisk(test: (harness: SqliteHarness) => Promise<void>): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), "store-disk-"));
  execFileSync("mount", ["-t", "tmpfs", "-o", "size=24m", "tmpfs", folder]);
  const harness = new SqliteHarness(folder);
  try {
    await test(harness);
  } finally {
    await harness.close();
    execFileSync("umount", [folder]);
    await rm(folder, { recursive: true });
  }
}

const asRoot = process.getuid?.() === 0 && process.platform === "linux" ? test : test.skip;

/** Store batches of 100 KB until one is refused. @returns the ids of those that were stored */
async function storeUntilFull(store: EventStore): Promise<string[]> {
  const stored: string[] = [];
  for (let n = 0; n < 1_000; n += 1) {
    const events = [event(`e${1_000 + n}`, { data: "x".repeat(100_000) })];
    try {
      await store.append(`b${n}`, events);
    } catch (error) {
      expect(error).toMatchObject(unavailable);
      return stored;
    }
    stored.push(...ids(events));
  }
  throw new Error("the disk did not become full");
}

describe("on a full disk (skipped where this user may not mount a file system)", () => {
  asRoot("what was stored stays and can be read, the rest is refused, and room made is used", () =>
    onSmallDisk(async (harness) => {
      const ballast = join(harness.folder, "ballast");
      await writeFile(ballast, Buffer.alloc(8 * 2 ** 20));
      const store = await harness.open();
      const stored = await storeUntilFull(store);
      expect(stored.length).toBeGreaterThan(20);
      const all = { project: "p", order: "asc", limit: 1_000 } as const;
      expect(ids(await store.events(all))).toEqual(stored);
      await rm(ballast);
      await eventually(() => store.append("after", [event("z", { data: "x".repeat(100_000) })]));
      expect(ids(await store.events(all))).toEqual([...stored, "z"]);
      expect(harness.logged).toEqual(["error: store is away", "info: store is back"]);
    }),
  );

  asRoot("writes that share a commit are refused together, and nothing of them is kept", () =>
    onSmallDisk(async (harness) => {
      const store = await harness.open();
      await store.append("before", [event("a")]);
      await fill(harness.folder);
      const results = await Promise.allSettled(
        Array.from({ length: 32 }, (_, n) =>
          store.append(`b${n}`, [event(`e${n}`, { data: "x".repeat(60_000) })]),
        ),
      );
      for (const result of results) {
        expect(result).toMatchObject({ status: "rejected", reason: unavailable });
      }
      expect(await store.countEvents({ project: "p" })).toBe(1);
      await rm(join(harness.folder, "ballast"));
      await eventually(() => store.append("after", [event("b")]));
    }),
  );

  asRoot("it opens, refuses, and works once there is room", () =>
    onSmallDisk(async (harness) => {
      await fill(harness.folder);
      const store = await harness.open();
      await expect(store.ping()).rejects.toMatchObject(unavailable);
      await expect(store.event("p", "a")).rejects.toMatchObject(unavailable);
      await rm(join(harness.folder, "ballast"));
      await eventually(() => store.ping());
      await store.append("b", [event("a")]);
      expect(await store.event("p", "a")).toBeDefined();
    }),
  );
});

/** Use up what is left of a file system. */
async function fill(folder: string): Promise<void> {
  const { bavail, bsize } = await statfs(folder);
  await writeFile(join(folder, "ballast"), Buffer.alloc(bavail * bsize));
  expect((await statfs(folder)).bavail).toBe(0);
}
