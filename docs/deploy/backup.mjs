// A copy of the embedded queue and store, taken while the service runs or while it is stopped:
//
//   node backup.mjs DATA_DIR TARGET
//
// TARGET does not exist yet: one archive where its name ends in .tar, .tar.gz or .tgz (restore.mjs puts
// it back), else a folder. It appears once the copy is whole and checked; until then it is called
// TARGET.partial, which a failure removes. An archive needs the room of the folder beside it while it is made, and `tar`.
//
// The two files are copied as they were at one moment. That matters: an event leaves the queue only
// when it is stored and counted, so a queue that is younger than the store lacks events, and an older
// one lacks batches that are stored and not yet counted. Nothing is locked: the service goes on as ever.

import { randomUUID } from "node:crypto";
import { existsSync, mkdirSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { performance } from "node:perf_hooks";
import process from "node:process";
import { backup, DatabaseSync } from "node:sqlite";
import {
  checkArchive,
  dataFiles as names,
  isArchive,
  manifestName,
  packFolder,
  sumOf,
} from "./archive.mjs";

const pagesAtATime = 1_000;
const busyMs = 5_000;
const snapshotWithinMs = 60_000;

/**
 * Both files at one moment, each as a connection with a read transaction open: the queue did not change
 * from before its transaction began until after the store's had begun. Tried until that is so.
 */
function snapshots(folder) {
  const open = (name) => new DatabaseSync(join(folder, name), { readOnly: true, timeout: busyMs });
  const files = names.map((name) => ({ name, database: open(name) }));
  const watch = open(names[0]);
  // Another one whenever somebody else has committed.
  const version = watch.prepare("PRAGMA data_version");
  const until = performance.now() + snapshotWithinMs;
  for (;;) {
    const before = version.get().data_version;
    for (const { database } of files) {
      database.exec("BEGIN");
      // The transaction begins with the first read.
      database.prepare("SELECT count(*) FROM sqlite_schema").get();
    }
    if (version.get().data_version === before) break;
    for (const { database } of files) database.exec("ROLLBACK");
    if (performance.now() > until) throw new Error("the queue did not hold still");
  }
  watch.close();
  return files;
}

/**
 * Leaves the copy as one file, without a log beside it, and says in it to which backup it belongs: a file of
 * another one, or of the service as it goes on, is refused beside it.
 * @throws where SQLite finds anything wrong with it
 */
function finish(file, backupId) {
  const database = new DatabaseSync(file);
  try {
    const found = database.prepare("PRAGMA quick_check").all();
    const verdict = String(found[0]?.quick_check);
    if (verdict !== "ok") throw new Error(`${file} is damaged: ${verdict}`);
    database.exec("PRAGMA journal_mode = DELETE");
    const table = database.prepare("SELECT 1 FROM sqlite_schema WHERE name = 'identity'").get();
    if (table !== undefined) database.prepare("UPDATE identity SET epoch = ?").run(backupId);
  } finally {
    database.close();
  }
}

async function main(folder, target) {
  if (folder === undefined || target === undefined) {
    throw new Error("usage: node backup.mjs DATA_DIR TARGET");
  }
  for (const name of names) {
    if (!existsSync(join(folder, name))) throw new Error(`${join(folder, name)} is missing`);
  }
  if (existsSync(target)) throw new Error(`${target} exists`);
  if (!existsSync(dirname(resolve(target)))) throw new Error(`${dirname(target)} is missing`);
  const partial = `${target}.partial`;
  if (existsSync(partial)) {
    throw new Error(
      `${partial} exists: another backup is under way, or one was killed; then remove it`,
    );
  }
  process.umask(0o077);
  mkdirSync(partial, { mode: 0o700 });
  try {
    await copy(folder, partial, target);
  } catch (error) {
    for (const left of [partial, `${target}.packing`])
      rmSync(left, { recursive: true, force: true });
    throw error;
  }
}

/** Copies the files into a folder, and gives the whole its name. */
async function copy(folder, partial, target) {
  const backupId = randomUUID();
  for (const { name, database } of snapshots(folder)) {
    await backup(database, join(partial, name), { rate: pagesAtATime });
    database.close();
    finish(join(partial, name), backupId);
    const { size } = statSync(join(partial, name));
    process.stdout.write(`${name} ${size} bytes\n`);
  }
  if (isArchive(target)) await archive(partial, target, backupId);
  else renameSync(partial, target);
}

/** Make one file of the folder, read it again, and remove the folder. */
async function archive(folder, target, backupId) {
  const files = {};
  for (const name of names) files[name] = await sumOf(join(folder, name));
  const manifest = { format: 1, backup: backupId, createdAt: new Date().toISOString(), files };
  writeFileSync(join(folder, manifestName), `${JSON.stringify(manifest, null, 2)}\n`);
  const packed = `${target}.packing`;
  await packFolder(folder, packed, target);
  await checkArchive(packed);
  rmSync(folder, { recursive: true });
  renameSync(packed, target);
}

try {
  await main(...process.argv.slice(2));
} catch (error) {
  process.stderr.write(`No backup was made: ${error.message}\n`);
  process.exitCode = 1;
}
