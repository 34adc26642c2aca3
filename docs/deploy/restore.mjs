// Puts a backup in one file (backup.mjs) into an empty data folder, while no service runs on it:
//
//   node restore.mjs FILE DATA_DIR
//
// What it unpacks is checked before it is put in place; where anything is wrong the folder stays empty.

import {
  closeSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
} from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { checkSum, dataFiles, manifestName, readManifest, sumOf, unpack } from "./archive.mjs";

/** What may be there all the same: a new volume's own, and what was moved aside in one. */
const besides = new Set(["lost+found", "before"]);

async function main(file, folder) {
  if (file === undefined || folder === undefined) {
    throw new Error("usage: node restore.mjs FILE DATA_DIR");
  }
  process.umask(0o077);
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const there = readdirSync(folder).filter((name) => !besides.has(name));
  if (there.length > 0) {
    throw new Error(
      `${folder} is not empty: stop the service, and move ${there.join(", ")} away (into ${join(folder, "before")}, if need be)`,
    );
  }
  // In the folder itself: it may be a volume of its own.
  const unpacked = join(folder, "restoring");
  mkdirSync(unpacked, { mode: 0o700 });
  try {
    await unpack(file, unpacked);
    const manifest = readManifest(readFileSync(join(unpacked, manifestName), "utf8"));
    for (const name of dataFiles) checkSum(manifest, name, await sumOf(join(unpacked, name)));
    for (const name of dataFiles) sync(join(unpacked, name));
    for (const name of dataFiles) renameSync(join(unpacked, name), join(folder, name));
    process.stdout.write(`${folder} is the backup of ${manifest.createdAt}\n`);
  } finally {
    rmSync(unpacked, { recursive: true });
    sync(folder);
  }
}

function sync(path) {
  const descriptor = openSync(path, "r");
  fsyncSync(descriptor);
  closeSync(descriptor);
}

try {
  await main(...process.argv.slice(2));
} catch (error) {
  process.stderr.write(`Nothing was restored: ${error.message}\n`);
  process.exitCode = 1;
}
