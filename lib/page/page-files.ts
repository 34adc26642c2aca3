import { readFileSync } from "node:fs";
import { readdir } from "node:fs/promises";
import { createRequire, stripTypeScriptTypes } from "node:module";
import { dirname, join, relative, sep } from "node:path";

/** A file of the page as a browser gets it. */
export interface SourceFile {
  readonly type: string;
  readonly bytes: Buffer;
}

const types: Readonly<Record<string, string>> = {
  ".ts": "text/javascript; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".css": "text/css; charset=utf-8",
  ".svg": "image/svg+xml",
  ".png": "image/png",
  ".woff2": "font/woff2",
};

/**
 * The packages that the page uses: the imported name, the package's file, the name under which it
 * is served.
 */
const packages = [
  ["preact", "preact/dist/preact.mjs", "vendor/preact.js"],
  ["preact/hooks", "preact/hooks/dist/hooks.mjs", "vendor/hooks.js"],
  ["htm", "htm/dist/htm.module.js", "vendor/htm.js"],
  ["@preact/signals", "@preact/signals/dist/signals.module.js", "vendor/signals.js"],
  [
    "@preact/signals-core",
    "@preact/signals-core/dist/signals-core.module.js",
    "vendor/signals-core.js",
  ],
  ["uplot", "uplot/dist/uPlot.iife.min.js", "vendor/uplot.js"],
] as const;

/**
 * The export that a script lacks to be a module. uPlot's own module is not minified: it is three
 * times as long.
 */
const exported: Readonly<Record<string, string>> = {
  "vendor/uplot.js": "export default uPlot;\n",
};

/**
 * What a script makes as it is loaded, though the page never uses it, and what stands in its place:
 * the first two objects of Intl take a browser a tenth of a first load. Numbers and times are written
 * by the page, and its charts have no zone of their own.
 */
const spared: Readonly<Record<string, readonly (readonly [made: string, instead: string])[]>> = {
  "vendor/uplot.js": [
    ['new Intl.NumberFormat(_?k.language:"en-US")', "{format:String}"],
    ["(new Intl.DateTimeFormat).resolvedOptions().timeZone", '""'],
  ],
};

const plainFiles = [
  [
    "@fontsource-variable/inter/files/inter-latin-wght-normal.woff2",
    "vendor/inter-latin-wght.woff2",
  ],
] as const;

const packaged = [...packages.map(([, file, served]) => [file, served] as const), ...plainFiles];

/** Imported names of packages, and where they are served, relative to the page's folder. */
export const importedNames: Readonly<Record<string, string>> = Object.fromEntries(
  packages.map(([name, , served]) => [name, served]),
);

/**
 * The files of the page by their path within it: those of its own folder and those of packages.
 * @param folder the page's folder
 */
export async function pageSources(folder: string): Promise<ReadonlyMap<string, string>> {
  const files = new Map<string, string>();
  for (const path of await namesIn(folder)) files.set(path, join(folder, path));
  const nodeModules = packagesFolder();
  for (const [file, name] of packaged) files.set(name, join(nodeModules, file));
  return files;
}

/**
 * All files of the page by their path within it, the modules without their types, comments (a sixth
 * of their bytes) and indentation. Takes half a second of CPU: not for the thread that answers.
 * @param folder the page's folder
 */
export async function pageFiles(folder: string): Promise<ReadonlyMap<string, SourceFile>> {
  const files = new Map<string, SourceFile>();
  for (const [path, file] of await pageSources(folder)) {
    const bytes = readSource(path, file);
    const whole = Buffer.concat([bytes, Buffer.from(exported[path] ?? "")]);
    files.set(path, { type: typeOf(path), bytes: whole });
  }
  return files;
}

async function namesIn(folder: string): Promise<readonly string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile() && typeOf(entry.name) !== "")
    .map((entry) => relative(folder, join(entry.parentPath, entry.name)).split(sep).join("/"))
    .sort();
}

function typeOf(path: string): string {
  return types[/\.[a-z0-9]+$/.exec(path)?.[0] ?? ""] ?? "";
}

function readSource(path: string, file: string): Buffer {
  const bytes = readFileSync(file);
  if (path.startsWith("vendor/")) {
    return path.endsWith(".js") ? spreadOut(withoutSpared(path, bytes)) : bytes;
  }
  if (!path.endsWith(".ts")) return bytes;
  const source = bytes.toString("utf8");
  const text = quietly(() => stripTypeScriptTypes(source, { mode: "transform" }));
  return Buffer.from(text.replaceAll(indentation, ""));
}

/**
 * Blanks that begin a line: a twentieth of what is sent. Only texts of `html` have lines, and there
 * a browser shows a line's end and the blanks behind it as one blank.
 */
const indentation = /^ +/gm;

/** @throws Error where a package has changed, and no longer has what is to be replaced */
function withoutSpared(path: string, bytes: Buffer): Buffer {
  let text = bytes.toString("utf8");
  for (const [made, instead] of spared[path] ?? []) {
    if (!text.includes(made)) throw new Error(`${path} has no ${made}`);
    text = text.replace(made, instead);
  }
  return Buffer.from(text);
}

/** Suppresses Node's one warning that stripping types as a function is experimental. */
function quietly<Result>(work: () => Result): Result {
  const emitWarning = process.emitWarning.bind(process) as (...args: unknown[]) => void;
  function passOn(...args: unknown[]): void {
    const isExperimental =
      args[1] === "ExperimentalWarning" && String(args[0]).includes("stripTypeScriptTypes");
    if (!isExperimental) emitWarning(...args);
  }
  const { emitWarning: own } = process as { emitWarning: typeof passOn };
  process.emitWarning = passOn;
  try {
    return work();
  } finally {
    process.emitWarning = own;
  }
}

/** `node_modules`, the folder of the page's packages. */
export function packagesFolder(): string {
  const { resolve } = createRequire(import.meta.url);
  return dirname(dirname(resolve("preact/package.json")));
}

/**
 * Writes the imports and exports of a package's minified module as lines of the form that ours
 * have, so that they are joined alike. The comment that names a source map is removed: the map is
 * not served, and browsers would get a 404.
 */
function spreadOut(bytes: Buffer): Buffer {
  const text = bytes
    .toString("utf8")
    .replace(/\n?\/\/# sourceMappingURL=.*\s*$/, "\n")
    .replaceAll(/(?<=^|[;}])import(\{[^}]*\})from("[^"]+");/g, "import $1 from $2;\n")
    .replaceAll(/(?<=^|[;}\n])export(\{[^}]*\})from("[^"]+");/g, "\nexport $1 from $2;\n")
    .replace(/(?<=[;}\n])export(\{[^}]*\});?\s*$/, "\nexport $1;\n")
    .replace(/(?<=^|[;}\n])export default function\(/, "\nexport default function exported(");
  return Buffer.from(text);
}

const staticImport = /^import [^"(]*"([^"]+)";$/gm;

/** A module and all modules that it imports before it runs, each once, as paths within the page. */
export function modulesOf(
  entry: string,
  files: ReadonlyMap<string, SourceFile>,
): ReadonlySet<string> {
  const found = new Set<string>();
  function visit(path: string): void {
    const file = files.get(path);
    if (file === undefined || found.has(path)) return;
    found.add(path);
    for (const [, specifier = ""] of file.bytes.toString("utf8").matchAll(staticImport)) {
      visit(join(dirname(path), specifier).split(sep).join("/"));
    }
  }
  visit(entry);
  return found;
}
