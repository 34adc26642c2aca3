import { cp, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { openFolder, sealFolder } from "../../../lib/runtime/data-folder.ts";
import { readRecord, writeRecord, type FolderRecord } from "../../../lib/sqlite/folder-record.ts";
import { countOpening } from "../../../lib/sqlite/opened.ts";
import type { FolderPart } from "../../../lib/sqlite/folder-part.ts";
import { prepareFile, queueSchema } from "../../../lib/queue/embedded/schema.ts";
import { prepareStore, storeSchema } from "../../../lib/store/sqlite/schema.ts";
import { unpackFolder } from "../../fixtures/old-folder.ts";

let root: string;

/** Folders of one installation after an orderly stop and after a kill, the same a day before, and those of another one. */
type Source = "stopped" | "killed" | "yesterday" | "elsewhere";
const at = (source: Source) => join(root, source);

function partsOf(folder: string): readonly FolderPart[] {
  return [
    {
      name: "store",
      file: join(folder, "store.sqlite"),
      steps: storeSchema,
      prepare: prepareStore,
    },
    { name: "queue", file: join(folder, "queue.sqlite"), steps: queueSchema, prepare: prepareFile },
  ];
}

const start = (folder: string) => openFolder(folder, partsOf(folder));
const stop = (folder: string) => sealFolder(folder, partsOf(folder));

/** What a process does between start and stop: both files are opened, written to, and stay open until `close`. */
function work(folder: string, day: number): { close(): void } {
  const open = partsOf(folder).map(({ file, ...part }) => {
    countOpening(file);
    const db = new DatabaseSync(file);
    part.prepare(db, file);
    db.exec("PRAGMA wal_checkpoint(TRUNCATE)");
    return db;
  });
  for (let n = 0; n < 20; n += 1) {
    const id = day * 1_000 + n;
    open[0]!
      .exec(`INSERT INTO events VALUES (NULL, 'default', 'day-${id}', 'b', ${id}, ${id}, 't', 's', NULL, NULL, 'h', '{}');
      INSERT INTO deltas VALUES ('default', ${id}, 'b', '{"t":${id}}', '{}', '{}')`);
    open[1]!.exec(`INSERT INTO messages VALUES (${id}, ${id}, 1, 1, NULL, x'00')`);
  }
  return { close: () => open.forEach((db) => db.close()) };
}

/** All rows of both files, without who they are. */
function contentOf(folder: string): unknown {
  return partsOf(folder).map(({ file }) => {
    const db = new DatabaseSync(file);
    const tables = db
      .prepare(
        "SELECT name FROM sqlite_schema WHERE type = 'table' AND name <> 'identity' ORDER BY 1",
      )
      .all();
    const rows = tables.map(({ name }) => [
      name,
      db
        .prepare(`SELECT * FROM ${String(name)}`)
        .all()
        .map((row) => JSON.stringify(row)),
    ]);
    db.close();
    return rows;
  });
}

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "folder-"));
  const folder = join(root, "original");
  await unpackFolder("f624f84", folder);
  for (const day of [1, 2]) {
    start(folder);
    work(folder, day).close();
    stop(folder);
    await cp(folder, at(day === 1 ? "yesterday" : "stopped"), { recursive: true });
  }
  start(folder);
  const working = work(folder, 3);
  await cp(folder, at("killed"), { recursive: true });
  working.close();
  await mkdir(at("elsewhere"));
  start(at("elsewhere"));
  work(at("elsewhere"), 1).close();
  stop(at("elsewhere"));
  // The log of a day before, as a copy that was taken while it ran.
  await cp(at("yesterday"), join(root, "copy"), { recursive: true });
  start(join(root, "copy"));
  const copying = work(join(root, "copy"), 1_000);
  for (const name of await readdir(join(root, "copy"))) {
    if (name.endsWith("-wal")) await cp(join(root, "copy", name), join(at("yesterday"), name));
  }
  copying.close();
});
afterAll(() => rm(root, { recursive: true }));

/** How many times 40 bytes of each file are flipped; more by hand. */
const flips = Number(process.env["FLIPS"] ?? 2);

/** Change 40 bytes. */
function flip(bytes: Buffer, seed: number): Buffer {
  const flipped = Buffer.from(bytes);
  let state = seed * 2_654_435_761 + 1;
  for (let n = 0; n < 40; n += 1) {
    state = (state * 1_103_515_245 + 12_345) % 2 ** 31;
    flipped[state % flipped.length]! ^= 1 + (state % 255);
  }
  return flipped;
}

/** What is there instead of a file, `null` for nothing. */
const fates: Readonly<Record<string, (bytes: Buffer, name: string) => Promise<Buffer | null>>> = {
  missing: () => Promise.resolve(null),
  empty: () => Promise.resolve(Buffer.alloc(0)),
  "of another folder": (_, name) => readFile(join(at("elsewhere"), name)).catch(() => null),
  "of yesterday": (_, name) => readFile(join(at("yesterday"), name)).catch(() => null),
  "cut at half": (bytes) => Promise.resolve(bytes.subarray(0, bytes.length / 2)),
  ...Object.fromEntries(
    Array.from({ length: flips }, (_, seed) => [
      `with 40 bytes flipped (${seed})`,
      (bytes: Buffer) => Promise.resolve(flip(bytes, seed)),
    ]),
  ),
};

const files = ["store.sqlite", "queue.sqlite", "folder.json"];
const logs = ["store.sqlite-wal", "queue.sqlite-wal", "store.sqlite-shm", "queue.sqlite-shm"];
const cases = (["stopped", "killed"] as const).flatMap((source) =>
  [...files, ...(source === "killed" ? logs : [])].flatMap((name) =>
    Object.keys(fates).map((fate) => ({ source, name, fate })),
  ),
);

/** What a start makes of a folder: the message, or all that it holds. */
function outcomeOf(folder: string): unknown {
  try {
    start(folder);
  } catch (error) {
    const { name, message } = error as Error;
    if (name === "UnfitFolder") return message;
    throw error;
  }
  return contentOf(folder);
}

async function copyOf(source: string): Promise<string> {
  const folder = await mkdtemp(join(root, "case-"));
  await cp(join(root, source), folder, { recursive: true });
  return folder;
}

test.each(["stopped", "killed"] as const)(
  "a folder that was left alone opens: %s",
  async (source) => {
    const folder = await copyOf(source);
    start(folder);
    expect(JSON.stringify(contentOf(folder))).toContain(
      source === "killed" ? "day-3019" : "day-2019",
    );
    start(folder);
  },
);

test.each(cases)("$source: $name $fate", async ({ source, name, fate }) => {
  const folder = await copyOf(source);
  const file = join(folder, name);
  const right = outcomeOf(await copyOf(source));
  const bytes = await fates[fate]!(await readFile(file), name);
  await rm(file);
  if (bytes !== null) await writeFile(file, bytes);
  const before = await readdir(folder);
  const outcome = outcomeOf(folder);
  if (typeof outcome === "string") {
    expect(outcome).toContain(/-(wal|shm)$/.test(name) ? name.slice(0, -4) : folder);
    // SQLite may have tidied up after the other file; nothing that holds data is gone.
    const left = await readdir(folder);
    expect(left).toEqual(expect.arrayContaining(before.filter((one) => one.endsWith(".sqlite"))));
  } else {
    expect(outcome).toEqual(right);
  }
});

const message = /cannot be used:[^]*accept-as-is/;

test("what is missing is made anew where somebody says that it is meant so, once, and a lone log is kept", async () => {
  const folder = await copyOf("killed");
  await rm(join(folder, "queue.sqlite"));
  expect(() => start(folder)).toThrow(message);
  await writeFile(join(folder, "accept-as-is"), "");
  expect(start(folder)).toMatchObject({ accepted: true });
  expect(JSON.stringify(contentOf(folder))).toContain("day-3019");
  expect((await readdir(folder)).join()).toMatch(/queue\.sqlite-wal\.\d+\.aside/);
  expect(start(folder)).toMatchObject({ accepted: false });
  await rm(join(folder, "store.sqlite"));
  expect(() => start(folder)).toThrow(message);
});

test.each([
  ["of a newer version", "PRAGMA user_version = 99", /was written by a newer version/],
  ["damaged", "PRAGMA writable_schema = ON; UPDATE sqlite_schema SET sql = 'x'", /is damaged/],
])("nobody is told to accept a file that is %s: that would not help", async (_, change, reason) => {
  const folder = await copyOf("stopped");
  const db = new DatabaseSync(join(folder, "store.sqlite"));
  db.enableDefensive(false);
  db.exec(change);
  db.close();
  stop(folder);
  for (let round = 0; round < 2; round++) {
    const outcome = outcomeOf(folder);
    expect(outcome).toMatch(reason);
    expect(outcome).toMatch(/move everything in .* away \(docs/);
    await writeFile(join(folder, "accept-as-is"), "");
  }
});

test("files of a backup open in an empty folder, with or without the log they were copied with", async () => {
  for (const source of ["stopped", "killed"] as const) {
    const folder = await copyOf(source);
    const right = outcomeOf(await copyOf(source));
    for (const name of await readdir(folder)) {
      if (!/^(store|queue)\.sqlite(-wal)?$/.test(name)) await rm(join(folder, name));
    }
    expect(outcomeOf(folder)).toEqual(right);
  }
});

test("one file of a backup beside the other as it is now is refused, also without the record", async () => {
  for (const name of ["store.sqlite", "queue.sqlite"]) {
    const folder = await copyOf("stopped");
    await cp(join(at("yesterday"), name), join(folder, name));
    expect(() => start(folder)).toThrow(message);
    await rm(join(folder, "folder.json"));
    expect(() => start(folder)).toThrow(/are not of the same folder and time/);
  }
});

test("a start that is cut off at any step leaves a folder that opens", async () => {
  const right = outcomeOf(await copyOf("stopped"));
  for (let steps = 0; steps <= 2; steps += 1) {
    const folder = await copyOf("stopped");
    let left = steps;
    const cutOff = partsOf(folder).map((part) => ({
      ...part,
      prepare(db: DatabaseSync, file: string) {
        if (left-- === 0) throw new Error("cut off");
        part.prepare(db, file);
      },
    }));
    if (steps < 2) expect(() => openFolder(folder, cutOff)).toThrow("cut off");
    else openFolder(folder, cutOff);
    expect(outcomeOf(folder)).toEqual(right);
  }
});

test("a file that was opened, closed and opened again is no damage after a kill", async () => {
  const folder = await copyOf("stopped");
  start(folder);
  work(folder, 5).close();
  const working = work(folder, 6);
  const killed = await mkdtemp(join(root, "case-"));
  await cp(folder, killed, { recursive: true });
  working.close();
  start(killed);
  expect(JSON.stringify(contentOf(killed))).toContain("day-6019");
});

test("a file that a process was copying its log into when it was killed is no damage", async () => {
  const folder = await mkdtemp(join(root, "case-"));
  start(folder);
  const working = work(folder, 1);
  const killed = await copyOf(basename(folder));
  for (const { file } of partsOf(folder)) {
    const db = new DatabaseSync(file);
    db.exec("PRAGMA wal_checkpoint(PASSIVE)");
    db.close();
    const name = basename(file);
    await cp(file, join(killed, name));
    // SQLite notes in the index how many frames it will copy, then copies them, then notes that it has.
    const index = await readFile(join(killed, `${name}-shm`));
    index.copy(index, 128, 16, 20);
    await writeFile(join(killed, `${name}-shm`), index);
  }
  working.close();
  start(killed);
  expect(JSON.stringify(contentOf(killed))).toContain("day-1019");
});

/** Makes a folder one that was used before the system was started anew. */
function powerCut(folder: string): void {
  const file = join(folder, "folder.json");
  const record = readRecord(file) as FolderRecord;
  const entries = Object.entries(record.parts).map(([name, part]) => [name, { ...part, run: "x" }]);
  writeRecord(file, { ...record, parts: Object.fromEntries(entries) as FolderRecord["parts"] });
}

test("an index that is older than its log is no damage after a power cut", async () => {
  const folder = await mkdtemp(join(root, "case-"));
  start(folder);
  const working = work(folder, 1);
  const old = await copyOf(basename(folder));
  // The log begins anew, as it does when it is full.
  const more = partsOf(folder).map(({ file }) => new DatabaseSync(file));
  for (const db of more) db.exec("PRAGMA wal_checkpoint(RESTART)");
  for (let n = 0; n < 3; n++)
    more[1]!.exec(`INSERT INTO messages VALUES (${n}, 0, 1, 1, NULL, x'00')`);
  more[0]!.exec("INSERT INTO deltas VALUES ('default', 9, 'b9', '{}', '{}', '{}')");
  const cut = await copyOf(basename(folder));
  for (const db of more) db.close();
  working.close();
  for (const name of ["store.sqlite-shm", "queue.sqlite-shm"]) {
    await cp(join(old, name), join(cut, name));
  }
  const right = await copyOf(basename(cut));
  for (const name of ["store.sqlite-shm", "queue.sqlite-shm"]) await rm(join(right, name));
  expect(() => start(cut)).toThrow(/-wal is not the one of/);
  powerCut(cut);
  const outcome = outcomeOf(cut);
  expect(JSON.stringify(outcome)).toContain("b9");
  expect(outcome).toEqual(outcomeOf(right));
});

test("a log that was emptied, or a file into which it was copied, is no damage after a power cut", async () => {
  const folder = await mkdtemp(join(root, "case-"));
  start(folder);
  const working = work(folder, 1);
  const cut = await copyOf(basename(folder));
  for (const { file } of partsOf(folder)) {
    const db = new DatabaseSync(file);
    db.exec("PRAGMA wal_checkpoint(TRUNCATE)");
    db.close();
    for (const name of [basename(file), `${basename(file)}-wal`]) {
      await cp(join(folder, name), join(cut, name));
    }
  }
  working.close();
  powerCut(cut);
  start(cut);
  expect(JSON.stringify(contentOf(cut))).toContain("day-1019");
});

test("a start that is cut off after a power cut does not take the index for a current one", async () => {
  const folder = await copyOf("killed");
  powerCut(folder);
  const cutOff = partsOf(folder).map((part) => ({
    ...part,
    prepare() {
      throw new Error("cut off");
    },
  }));
  expect(() => openFolder(folder, cutOff)).toThrow("cut off");
  const { parts } = readRecord(join(folder, "folder.json")) as FolderRecord;
  expect(Object.values(parts).map(({ run }) => run)).toEqual(["x", "x"]);
  start(folder);
  expect(Object.values((readRecord(join(folder, "folder.json")) as FolderRecord).parts)).toEqual(
    [parts.store, parts.queue].map(() => ({
      epoch: expect.any(String) as string,
      run: expect.stringMatching(/^[0-9a-f-]{36} \d+$/) as string,
    })),
  );
});
