import { mkdir, mkdtemp, readdir, readFile, rm, stat, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { CachedColumns } from "../../../../lib/store/columns/cached-columns.ts";
import { DiskCache } from "../../../../lib/store/columns/disk-cache.ts";
import type { ColumnKey, SegmentColumns } from "../../../../lib/store/columns/segment.ts";
import type { Segment } from "../../../../lib/store/manifest.ts";

let folder: string;
const warned: unknown[] = [];
const log = { warn: (...told: unknown[]) => void warned.push(told) };

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "segments-"));
  warned.length = 0;
});
afterEach(async () => {
  await rm(folder, { recursive: true, force: true });
});

const cacheOf = (maxBytes = 1_000_000) => new DiskCache({ folder, maxBytes, log });
const keyOf = (id: string, version = "1", column = "type"): ColumnKey => ({ id, version, column });
const bytesOf = (text: string) => new Uint8Array(Buffer.from(text));
const textOf = (bytes: Uint8Array | undefined) => bytes && Buffer.from(bytes).toString();

/** All files of the folder, by their whole names. */
async function files(): Promise<string[]> {
  const found = await readdir(folder, { recursive: true, withFileTypes: true }).catch(() => []);
  return found.filter((one) => one.isFile()).map((one) => join(one.parentPath, one.name));
}

/** Several thousand bytes, so that each file takes three blocks. */
const large = (name: string) => bytesOf(name.padEnd(9_000, "."));

/** Puts, and waits until it is on the disk. */
async function kept(cache: DiskCache, key: ColumnKey, bytes: Uint8Array): Promise<void> {
  cache.put(key, bytes);
  await cache.close();
}

test("what was kept is found again, also by the next process, each under its own key", async () => {
  const cache = cacheOf();
  const keys = [
    keyOf("p|1"),
    keyOf("p|1", "1", '["data","a/b"]'),
    keyOf("p|1", "2"),
    keyOf("../..", ".."),
    keyOf("p", "|1"),
  ];
  for (const key of keys) await kept(cache, key, bytesOf(JSON.stringify(key)));
  for (const one of [cache, cacheOf()]) {
    for (const key of keys) expect(textOf(await one.get(key))).toBe(JSON.stringify(key));
    expect(await one.get(keyOf("p|2"))).toBeUndefined();
    await one.close();
    expect([...one.segments].sort()).toEqual(["../..", "p", "p|1"]);
  }
  expect((await readdir(folder)).every((shelf) => /^[0-9a-f]{2}$/.test(shelf))).toBe(true);
});

test("a file that is damaged, cut, longer or another's counts as missing and is removed (any damage)", async () => {
  const cache = cacheOf();
  const key = keyOf("p|1");
  await kept(cache, keyOf("p|2"), bytesOf("of another segment"));
  const [other] = await files();
  const another = await readFile(other!);
  await fc.assert(
    fc.asyncProperty(
      fc.uint8Array({ maxLength: 60 }),
      fc.nat(),
      fc.nat(),
      fc.constantFrom("flip", "cut", "grow", "another's"),
      async (bytes, at, bit, damage) => {
        await kept(cache, key, bytes);
        const path = (await files()).find((one) => one !== other)!;
        const whole = await readFile(path);
        expect(await cache.get(key)).toEqual(bytes);
        const place = at % whole.length;
        if (damage === "flip") whole[place]! ^= 1 << (bit % 8);
        const cut = damage === "cut" ? whole.subarray(0, place) : whole;
        const grown = damage === "grow" ? Buffer.concat([whole, Buffer.alloc(1 + (bit % 9))]) : cut;
        await writeFile(path, damage === "another's" ? another : grown);
        expect(await cache.get(key)).toBeUndefined();
        expect(await files()).toEqual([other]);
      },
    ),
    { numRuns: 100 },
  );
  expect(warned.length).toBeGreaterThan(0);
});

test("the least recently used goes where there is no more room", async () => {
  const cache = cacheOf(3 * 12_288);
  for (const id of ["a", "b", "c"]) await kept(cache, keyOf(id), large(id));
  expect(textOf(await cache.get(keyOf("a")))).toContain("a");
  await kept(cache, keyOf("d"), large("d"));
  expect(await cache.get(keyOf("b"))).toBeUndefined();
  for (const id of ["a", "c", "d"]) expect(textOf(await cache.get(keyOf(id)))).toContain(id);
  expect(cache.sizeBytes).toBe(3 * 12_288);
  expect(await files()).toHaveLength(3);
});

test("a process that begins knows what was used last before it, and keeps to its own limit", async () => {
  const before = cacheOf();
  for (const id of ["a", "b", "c"]) await kept(before, keyOf(id), large(id));
  for (const [path, ago] of [
    ["b", 1],
    ["c", 2],
    ["a", 3],
  ] as const) {
    const file = (await files()).find((one) => one.includes(`/s${path}/`))!;
    const at = Date.now() / 1_000 - 3_600 * ago;
    await utimes(join(file, ".."), at, at);
  }
  const cache = cacheOf(2 * 12_288);
  await cache.close();
  expect(await files()).toHaveLength(2);
  expect(await cache.get(keyOf("a"))).toBeUndefined();
  expect(textOf(await cache.get(keyOf("c")))).toContain("c");
});

test("what was marked before the clock was set back is marked anew, and what was half written then is removed", async () => {
  await kept(cacheOf(), keyOf("a"), bytesOf("a"));
  const [path] = await files();
  const stray = join(path!, "..", "5b0e0f0e-0000-4000-8000-000000000000.tmp");
  await writeFile(stray, "half");
  const ahead = Date.now() / 1_000 + 86_400;
  for (const one of [stray, join(path!, "..")]) await utimes(one, ahead, ahead);
  const cache = cacheOf();
  await cache.close();
  await expect(stat(stray)).rejects.toThrow("ENOENT");
  expect(textOf(await cache.get(keyOf("a")))).toBe("a");
  await cache.close();
  expect((await stat(join(path!, ".."))).mtimeMs).toBeLessThan(Date.now() + 3_600_000);
});

test("what two processes keep in one folder is bounded, and right for both (any order)", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.tuple(fc.boolean(), fc.constantFrom("get", "put", "drop"), fc.nat(30)), {
        maxLength: 60,
      }),
      async (steps) => {
        const maxBytes = 10 * 12_288;
        const caches = [cacheOf(maxBytes), cacheOf(maxBytes)] as const;
        const under = steps.map(async ([first, step, n]) => {
          const cache = caches[first ? 0 : 1];
          if (step === "put") return kept(cache, keyOf(`s${n}`), large(`s${n}`));
          if (step === "drop") return cache.drop(`s${n}`);
          const found = await cache.get(keyOf(`s${n}`));
          if (found !== undefined) expect(found).toEqual(large(`s${n}`));
        });
        await Promise.all(under);
        for (const cache of caches) await cache.close();
        // Each knows of what the other wrote after an eighth of the limit at the latest.
        expect((await files()).length).toBeLessThanOrEqual(13);
        await rm(folder, { recursive: true, force: true });
      },
    ),
    { numRuns: 25 },
  );
});

test("what waits to be written is found, and leaves no file once it is dropped", async () => {
  const cache = cacheOf();
  for (const key of [keyOf("a"), keyOf("b"), keyOf("b", "2"), keyOf("c"), keyOf("c", "2")]) {
    cache.put(key, bytesOf(JSON.stringify(key)));
    expect(textOf(await cache.get(key))).toBe(JSON.stringify(key));
  }
  expect([...cache.segments].sort()).toEqual(["a", "b", "c"]);
  await cache.drop("a");
  await cache.drop("b", "2");
  cache.replace("c", "2");
  for (const key of [keyOf("a"), keyOf("b"), keyOf("c")]) {
    expect(await cache.get(key)).toBeUndefined();
  }
  await cache.close();
  const left = (await files()).map((path) => path.split("/").slice(-3, -1).join("/"));
  expect(left.sort()).toEqual(["sb/v2", "sc/v2"]);
});

test("the folder may be deleted while it is used, and need not be one", async () => {
  const cache = cacheOf();
  await kept(cache, keyOf("a"), bytesOf("a"));
  await rm(folder, { recursive: true });
  expect(await cache.get(keyOf("a"))).toBeUndefined();
  await kept(cache, keyOf("a"), bytesOf("again"));
  expect(textOf(await cache.get(keyOf("a")))).toBe("again");
  expect(warned).toEqual([]);

  await rm(folder, { recursive: true });
  await writeFile(folder, "no folder");
  expect(await cache.get(keyOf("a"))).toBeUndefined();
  await kept(cache, keyOf("a"), bytesOf("a"));
  expect(await cache.get(keyOf("a"))).toBeUndefined();
  expect(warned).toHaveLength(1);
});

test("what a killed process left half written is removed, what is not the cache's own is left", async () => {
  const cache = cacheOf();
  await kept(cache, keyOf("a"), bytesOf("a"));
  const [path] = await files();
  const stray = join(path!, "..", "5b0e0f0e-0000-4000-8000-000000000000.tmp");
  const young = join(path!, "..", "5b0e0f0e-0000-4000-8000-000000000001.tmp");
  await writeFile(stray, "half");
  await writeFile(young, "under way");
  const longAgo = Date.now() / 1_000 - 7_200;
  await utimes(stray, longAgo, longAgo);
  await mkdir(join(folder, "ab", "s%"), { recursive: true });
  await writeFile(join(folder, "mine"), "text");
  await cacheOf().close();
  await expect(stat(stray)).rejects.toThrow("ENOENT");
  expect(await readFile(young, "utf8")).toBe("under way");
  expect(await readFile(join(folder, "mine"), "utf8")).toBe("text");
});

describe("columns from the disk", () => {
  const segmentOf = (id: string, version: string) => ({ id, version }) as Segment;

  /** A source whose segments have a version each, and columns that tell whose they are. */
  class Source implements SegmentColumns {
    readonly versions = new Map<string, string>();
    readonly asked: string[] = [];

    fetch({ id, version }: Segment, names: readonly string[]) {
      this.asked.push(`${id} ${version} ${names.join()}`);
      if (this.versions.get(id) !== version) return Promise.resolve(undefined);
      const there = names.filter((name) => !name.startsWith("no "));
      return Promise.resolve(
        new Map(there.map((name) => [name, bytesOf(`${id} ${version} ${name}`)])),
      );
    }
  }

  const opened = (source: Source) =>
    new CachedColumns(source, { folder, maxBytes: 1_000_000, log });
  const told = async (columns: SegmentColumns, segment: Segment, ...names: string[]) => {
    const found = await columns.fetch(segment, names);
    return found && [...found].map(([name, bytes]) => `${name}=${textOf(bytes)}`).sort();
  };

  test("are asked for once, those that a segment does not have too", async () => {
    const source = new Source();
    source.versions.set("s", "1");
    const columns = opened(source);
    const segment = segmentOf("s", "1");
    expect(await told(columns, segment, "a", "no b")).toEqual(["a=s 1 a"]);
    await columns.close();
    expect(await told(columns, segment, "c", "a", "no b")).toEqual(["a=s 1 a", "c=s 1 c"]);
    await columns.close();
    expect(await told(opened(source), segment, "a", "c", "no b")).toEqual(["a=s 1 a", "c=s 1 c"]);
    expect(source.asked).toEqual(["s 1 a,no b", "s 1 c"]);
  });

  test("of a version that was replaced go with the first question about the new one, or of none", async () => {
    const source = new Source();
    source.versions.set("s", "1").set("t", "1");
    const columns = opened(source);
    for (const id of ["s", "t"]) await told(columns, segmentOf(id, "1"), "a");
    await columns.close();
    source.versions.set("s", "2");
    source.versions.delete("t");
    expect(await told(columns, segmentOf("s", "2"), "a")).toEqual(["a=s 2 a"]);
    expect(await told(columns, segmentOf("t", "1"), "a", "b")).toBeUndefined();
    await columns.close();
    const left = (await files()).map((path) => path.split("/").slice(-3, -1).join("/"));
    expect(left).toEqual(["ss/v2"]);
  });

  test.each([
    ["that are on the disk", true],
    ["that wait to be written", false],
  ])("of versions that nobody asks about any more are swept: those %s", async (_, isWritten) => {
    const source = new Source();
    for (let n = 0; n < 20; n++) source.versions.set(`s${n}`, "1");
    const columns = opened(source);
    for (const id of source.versions.keys()) await told(columns, segmentOf(id, "1"), "a");
    if (isWritten) await columns.close();
    for (let n = 0; n < 20; n += 2) source.versions.set(`s${n}`, "2");
    source.versions.delete("s1");
    await columns.sweep((ids) =>
      Promise.resolve(new Map([...source.versions].filter(([id]) => ids.includes(id)))),
    );
    await columns.close();
    expect(await files()).toHaveLength(9);
    await columns.sweep(() => Promise.reject(new Error("away"))).catch(() => undefined);
    expect(await files()).toHaveLength(9);
  });
});
