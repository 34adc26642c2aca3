import {
  copyFileSync,
  openSync,
  closeSync,
  readFileSync,
  statSync,
  truncateSync,
  writeSync,
} from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { isUntouched, lostCommits, runOf } from "../../../lib/sqlite/wal.ts";

const pageBytes = 4_096;
const commits = 900;

let folder: string;
let file: string;
let log: string;

/** A file as a killed process leaves it, with a log of some megabytes. */
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "wal-"));
  const working = join(folder, "working.sqlite");
  const db = new DatabaseSync(working);
  db.exec(`PRAGMA page_size = ${pageBytes}; PRAGMA journal_mode = WAL; PRAGMA synchronous = OFF`);
  db.exec("PRAGMA wal_autocheckpoint = 0; CREATE TABLE t (x)");
  for (let n = 0; n < commits; n++) db.exec("INSERT INTO t VALUES (zeroblob(3000))");
  file = join(folder, "killed.sqlite");
  log = `${file}-wal`;
  for (const end of ["", "-wal", "-shm"]) copyFileSync(working + end, file + end);
  db.close();
});
afterEach(() => rm(folder, { recursive: true }));

/** Changes a byte of a frame, counted from 0. */
function flip(frame: number): void {
  const at = 32 + frame * (24 + pageBytes) + 100;
  const byte = readFileSync(log)[at]!;
  const descriptor = openSync(log, "r+");
  writeSync(descriptor, Buffer.of(byte ^ 1), 0, 1, at);
  closeSync(descriptor);
}

test("a log of any length is checked to its end", () => {
  expect(statSync(log).size).toBeGreaterThan(3 * 1_048_576);
  expect(lostCommits(file, true)).toBeUndefined();
  expect(isUntouched(file)).toBe(true);
  truncateSync(log, statSync(log).size - 1);
  expect(lostCommits(file, true)).toBe(`${log} lacks its end`);
});

test.each([10, 600])("a damaged frame before durable commits is found: %s", (frame) => {
  flip(frame);
  for (const isIndexCurrent of [true, false]) {
    expect(lostCommits(file, isIndexCurrent)).toBe(`${log} is damaged`);
  }
});

test("a last frame that is damaged is one that was not synced, where no index is current", () => {
  flip(Math.floor(statSync(log).size / (24 + pageBytes)) - 1);
  expect(lostCommits(file, true)).toBe(`${log} lacks its end`);
  expect(lostCommits(file, false)).toBeUndefined();
});

test("a log that cannot be read at once is no error", () => {
  truncateSync(log, 0);
  truncateSync(log, 2 ** 31 + 1);
  expect(lostCommits(file, false)).toBeUndefined();
  expect(lostCommits(file, true)).toBe(`${log} is not the one of ${file}`);
  expect(isUntouched(file)).toBe(false);
});

test("the run of a folder is the same while the system runs, and unknown where there is none", () => {
  expect(runOf(folder)).toEqual(expect.any(String));
  expect(runOf(folder)).toBe(runOf(tmpdir()));
  expect(runOf(join(folder, "absent"))).toBeUndefined();
});
