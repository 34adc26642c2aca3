// The form of a backup in one file, for backup.mjs and restore.mjs: a tar archive with the two files of a
// data folder and a manifest that has their sizes and SHA-256 sums.

import { spawn } from "node:child_process";
import { Buffer } from "node:buffer";
import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { resolve } from "node:path";
import { pipeline } from "node:stream/promises";

export const dataFiles = ["queue.sqlite", "store.sqlite"];
export const manifestName = "manifest.json";
export const archiveFiles = [manifestName, ...dataFiles];

export function isArchive(name) {
  return /\.(tar|tar\.gz|tgz)$/.test(name);
}

/** @param named what the archive will be called: .gz and .tgz mean that it is compressed */
export async function packFolder(folder, file, named) {
  const how = named.endsWith("gz") ? "-czf" : "-cf";
  await finished(spawnTar(how, file, ["-C", folder, ...archiveFiles], "ignore"));
}

/** Unpacks the files of a backup, and no others. */
export async function unpack(file, folder) {
  await finished(
    spawnTar("-xf", file, ["-C", folder, "--no-same-owner", ...archiveFiles], "ignore"),
  );
}

/**
 * Reads an archive to its end.
 * @throws where a file is not what the manifest says
 */
export async function checkArchive(file) {
  const manifest = await manifestOf(file);
  for (const name of dataFiles) {
    const tar = spawnTar("-xOf", file, [name], "pipe");
    const [sum] = await Promise.all([sumOfStream(tar.stdout), finished(tar)]);
    checkSum(manifest, name, sum);
  }
}

/** @throws where a file is not what the manifest says */
export function checkSum({ files }, name, { bytes, sha256 }) {
  const expected = files?.[name];
  if (expected?.bytes === bytes && expected.sha256 === sha256) return;
  throw new Error(`${name} is not what was backed up`);
}

async function manifestOf(file) {
  const tar = spawnTar("-xOf", file, [manifestName], "pipe");
  const chunks = [];
  const read = pipeline(tar.stdout, async (source) => {
    for await (const chunk of source) chunks.push(chunk);
  });
  await Promise.all([read, finished(tar)]);
  return readManifest(Buffer.concat(chunks).toString());
}

/** @throws where it is none, or of a later form */
export function readManifest(text) {
  const manifest = JSON.parse(text);
  if (manifest?.format !== 1) throw new Error("this is no backup, or one of a later version");
  return manifest;
}

export async function sumOf(file) {
  return sumOfStream(createReadStream(file));
}

async function sumOfStream(stream) {
  const hash = createHash("sha256");
  let bytes = 0;
  for await (const chunk of stream) {
    bytes += chunk.length;
    hash.update(chunk);
  }
  return { bytes, sha256: hash.digest("hex") };
}

/** Of a name with a colon and without a slash tar would ask another machine. */
function spawnTar(how, file, parameters, stdout) {
  return spawn("tar", [how, resolve(file), ...parameters], { stdio: ["ignore", stdout, "pipe"] });
}

/** @throws with what tar said */
function finished(tar) {
  return new Promise((resolve, reject) => {
    let said = "";
    tar.stderr.on("data", (text) => (said += text));
    tar.on("error", (error) => reject(new Error(`tar: ${error.message}`)));
    tar.on("close", (code) => (code === 0 ? resolve() : reject(new Error(said.trim()))));
  });
}
