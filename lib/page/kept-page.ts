import { createHash } from "node:crypto";
import { mkdir, readdir, readFile, rename, rm, stat, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { deserialize, serialize } from "node:v8";
import type { BuiltPage } from "./build-page.ts";
import { packagesFolder, pageSources } from "./page-files.ts";

/**
 * How many built pages are kept: of this version, of the one before it, and of mixtures of both.
 */
const maxKept = 4;

const extension = import.meta.url.endsWith(".ts") ? ".ts" : ".js";
/** Files that decide, besides the sources, how the page is built. */
const makers = ["build-page", "join-modules", "page-files", "page-paths"].map(
  (name) => [name, fileURLToPath(new URL(`${name}${extension}`, import.meta.url))] as const,
);

const digestBytes = 32;
const digest = (bytes: Uint8Array): Buffer => createHash("sha256").update(bytes).digest();

/**
 * The file of a folder's built page: beside the packages, where other tools keep what they can make
 * again, under a name that follows from everything it is made of.
 */
export async function keptPageFile(folder: string): Promise<string> {
  const sources = [...(await pageSources(folder)), ...makers];
  const contents = await Promise.all(sources.map(([, file]) => readFile(file)));
  const hash = createHash("sha256").update(process.version);
  for (const [index, [name]] of sources.entries()) {
    const bytes = contents[index]!;
    hash.update(`\0${name}\0${bytes.length}\0`).update(bytes);
  }
  const name = `page-${hash.digest("hex").slice(0, 32)}`;
  return join(packagesFolder(), ".cache", "maily-analytics", name);
}

/** Reads a kept page; `undefined` where there is none, or where it is damaged. */
export async function readKeptPage(file: string): Promise<BuiltPage | undefined> {
  const whole = await readFile(file).catch(() => undefined);
  if (whole === undefined) return undefined;
  const page = whole.subarray(digestBytes);
  if (!digest(page).equals(whole.subarray(0, digestBytes))) return undefined;
  return deserialize(page) as BuiltPage;
}

/**
 * Keeps a page for later processes, as a whole or not at all.
 * @throws where the folder cannot be written, as in a container
 */
export async function keepPage(file: string, page: BuiltPage): Promise<void> {
  const bytes = serialize(page);
  await mkdir(dirname(file), { recursive: true });
  const written = `${file}.${process.pid}`;
  await writeFile(written, Buffer.concat([digest(bytes), bytes]));
  await rename(written, file);
  await removeOld(dirname(file));
}

async function removeOld(folder: string): Promise<void> {
  const files = (await readdir(folder)).map((name) => join(folder, name));
  const dated = await Promise.all(
    files.map(async (file) => ({ file, at: (await stat(file)).mtimeMs })),
  );
  dated.sort((a, b) => b.at - a.at);
  await Promise.all(dated.slice(maxKept).map(({ file }) => rm(file, { force: true })));
}
