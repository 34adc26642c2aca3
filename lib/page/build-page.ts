import { createHash } from "node:crypto";
import { promisify } from "node:util";
import { brotliCompress, constants, gzip } from "node:zlib";
import { joinModules } from "./join-modules.ts";
import { modulesOf, pageFiles, type SourceFile } from "./page-files.ts";
import { pageViews, type PageView } from "./page-paths.ts";

/** The bytes of a file, by encoding. A font and a picture are compressed in themselves: they have only one. */
export interface Encoded {
  readonly type: string;
  readonly identity: Uint8Array;
  readonly br?: Uint8Array;
  readonly gzip?: Uint8Array;
}

/** The page, ready to be sent. */
export interface BuiltPage {
  /** The hash of all files: a file below it never changes. */
  readonly hash: string;
  /** By path below `/page/<hash>/`. */
  readonly files: ReadonlyMap<string, Encoded>;
  /** The document of each view. They differ only in the modules that they preload. */
  readonly documents: ReadonlyMap<PageView, Encoded>;
}

/**
 * Reads, strips and compresses the page's files. It takes a second or two of CPU, so it runs on a
 * thread of its own.
 */
export async function buildPage(folder: string): Promise<BuiltPage> {
  const sources = joinModules(await pageFiles(folder));
  const hash = hashOf(sources);
  const base = `/page/${hash}/`;
  const views = [...new Set(Object.values(pageViews))];
  const [files, documents] = await Promise.all([
    encodeAll(sources),
    encodeAll(new Map(views.map((view) => [view, documentOf(base, view, ahead(view, sources))]))),
  ]);
  return { hash, files, documents };
}

function hashOf(files: ReadonlyMap<string, SourceFile>): string {
  const hash = createHash("sha256");
  for (const [path, { bytes }] of files) hash.update(`${path}\0${bytes.length}\0`).update(bytes);
  return hash.digest("hex").slice(0, 16);
}

/** The modules of the frame and of a view, for preloading. */
function ahead(view: PageView, files: ReadonlyMap<string, SourceFile>): readonly string[] {
  const needed = new Set([...modulesOf("main.ts", files), ...modulesOf(`views/${view}.ts`, files)]);
  needed.delete("main.ts");
  return [...needed];
}

function documentOf(base: string, view: PageView, modules: readonly string[]): SourceFile {
  const lines = [
    "<!doctype html>",
    '<html lang="en">',
    '<meta charset="utf-8">',
    "<title>Maily analytics</title>",
    '<meta name="viewport" content="width=device-width, initial-scale=1, viewport-fit=cover">',
    '<meta name="color-scheme" content="light dark">',
    '<meta name="theme-color" content="#F5F6F8" media="(prefers-color-scheme: light)">',
    '<meta name="theme-color" content="#0F1115" media="(prefers-color-scheme: dark)">',
    `<link rel="icon" href="${base}icon.png">`,
    `<link rel="preload" href="${base}vendor/inter-latin-wght.woff2" as="font" type="font/woff2" crossorigin>`,
    `<link rel="stylesheet" href="${base}page.css">`,
    `<link rel="stylesheet" href="${base}views/${view}.css">`,
    ...modules.map((path) => `<link rel="modulepreload" href="${base}${path}">`),
    `<script type="module" src="${base}main.ts"></script>`,
    '<div id="page"></div>',
    "<noscript>This page needs JavaScript. The API at /api/v1 does not.</noscript>",
    "",
  ];
  return { type: "text/html; charset=utf-8", bytes: Buffer.from(lines.join("\n")) };
}

const compressed = { br: promisify(brotliCompress), gzip: promisify(gzip) };
const best = {
  params: {
    [constants.BROTLI_PARAM_QUALITY]: 11,
    [constants.BROTLI_PARAM_MODE]: constants.BROTLI_MODE_TEXT,
  },
};

async function encodeAll<Name extends string>(
  files: ReadonlyMap<Name, SourceFile>,
): Promise<ReadonlyMap<Name, Encoded>> {
  const encoded = new Map<Name, Encoded>();
  // Files are compressed one after the other, which leaves the other threads of the pool to
  // requests.
  for (const [name, { type, bytes }] of files) {
    if (type === "font/woff2" || type === "image/png") {
      encoded.set(name, { type, identity: bytes });
      continue;
    }
    const br = await compressed.br(bytes, best);
    encoded.set(name, { type, identity: bytes, br, gzip: await compressed.gzip(bytes) });
  }
  return encoded;
}
