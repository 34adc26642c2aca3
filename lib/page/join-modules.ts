import { dirname, posix } from "node:path";
import { importedNames, type SourceFile } from "./page-files.ts";

/** A module of the page as it is joined with others. */
interface Module {
  /** The names it exports, and what gives their values within it. */
  readonly exports: readonly (readonly [exported: string, local: string])[];
  /** The paths of the modules that it imports before it runs. */
  readonly imports: readonly string[];
  /** Its text without `import` and `export`, in a file at a path. */
  readonly bodyFor: (file: string) => string;
}

/**
 * Asks a browser that knows it (Chrome 136) to compile all functions of a file on the thread that
 * reads it, in place of each one on the main thread as it is first called: a fifth of a first load.
 * To others it is a comment.
 */
const compileAhead = "//# allFunctionsCalledOnLoad";

/** Holds the exports of modules by their paths; `main.ts` gives it to the other files. */
const table = "$page";

const importLine = /^import (?:(?:(\w+)|\* as (\w+)|\{([^}]*)\}) from )?"([^"]+)";$/;
const exportLine = /^export (default )?((?:async )?function|class|const) (\w+)/;
const exportedNames = /^export (?:default (\w+)|\{([^}]*)\}(?: from "([^"]+)")?);$/;
const anyImport = /^(?:import|export)\b/;
const laterImport = /\bimport\("(\.[^"]+)"\)/g;

/**
 * Joins modules and those of packages into few files: a browser spends two milliseconds or more of
 * its main thread on each file. There is one file for `main.ts`, and one for each module that is
 * imported later (a view, the chart); a module that two of these need is in the first. Within a
 * file each module is a function that runs once and returns its exports, so its names stay its own.
 * It reads the regular text that the removal of types leaves, and accepts no circles.
 * @returns the joined files at the paths of their first modules, and all files that are no modules
 * @throws Error where a module has another form of import or export
 */
export function joinModules(
  files: ReadonlyMap<string, SourceFile>,
): ReadonlyMap<string, SourceFile> {
  const modules = new Map<string, Module>();
  const entries = new Set(["main.ts"]);
  for (const [path, { bytes }] of files) {
    if (!/\.(?:ts|js)$/.test(path)) continue;
    const text = bytes.toString("utf8");
    modules.set(path, readModule(path, text));
    for (const [, target = ""] of text.matchAll(laterImport)) entries.add(resolve(path, target));
  }
  const places = placesOf(entries, modules);
  const joined = new Map([...files].filter(([path]) => !modules.has(path)));
  for (const entry of entries) {
    // Modules that other entries share are in the first file, which does not import the entries
    // itself.
    const others = [...modules.keys()].filter((path) => path !== entry);
    const roots = entry === "main.ts" ? [...others, entry] : [entry];
    const order = [...inOrder(roots, modules)].filter((path) => places.get(path) === entry);
    const bytes = Buffer.from(textOf(entry, order, modules));
    joined.set(entry, { type: files.get(entry)!.type, bytes });
  }
  return joined;
}

/** The file of each module. */
function placesOf(
  entries: ReadonlySet<string>,
  modules: ReadonlyMap<string, Module>,
): ReadonlyMap<string, string> {
  const places = new Map<string, string>();
  for (const entry of entries) {
    for (const path of inOrder([entry], modules)) {
      places.set(path, places.has(path) || entry === "main.ts" ? "main.ts" : entry);
    }
  }
  for (const entry of entries) {
    if (entry !== "main.ts" && places.get(entry) === "main.ts") {
      throw new Error(`${entry} is imported both before others run and later`);
    }
  }
  return places;
}

/** Modules and all that they import before they run, each after its imports. */
function inOrder(
  roots: readonly string[],
  modules: ReadonlyMap<string, Module>,
): ReadonlySet<string> {
  const order = new Set<string>();
  const open = new Set<string>();
  function visit(path: string): void {
    const module = modules.get(path);
    if (module === undefined || order.has(path)) return;
    if (open.has(path)) throw new Error(`${path} imports itself by way of others`);
    open.add(path);
    for (const imported of module.imports) visit(imported);
    order.add(path);
  }
  for (const path of roots) visit(path);
  return order;
}

function textOf(
  entry: string,
  order: readonly string[],
  modules: ReadonlyMap<string, Module>,
): string {
  const lines = [
    compileAhead,
    entry === "main.ts"
      ? `export const ${table} = {};`
      : `import { ${table} } from "${relativePath(entry, "main.ts")}";`,
  ];
  for (const path of order) {
    const { exports, bodyFor } = modules.get(path)!;
    const given = exports.map(([exported, local]) => `${exported}: ${local}`).join(", ");
    lines.push(`${table}["${path}"] = (() => {`, bodyFor(entry), `return { ${given} };`, "})();");
  }
  const own = modules.get(entry)!.exports.map(([exported]) => exported);
  for (const name of own) {
    const value = `${table}["${entry}"].${name}`;
    lines.push(
      name === "default" ? `export default ${value};` : `export const ${name} = ${value};`,
    );
  }
  return `${lines.join("\n")}\n`;
}

function readModule(path: string, text: string): Module {
  const exports: [string, string][] = [];
  const imports: string[] = [];
  const sourceOf = (from: string): string => {
    const name = from.startsWith(".") ? resolve(path, from) : (importedNames[from] ?? from);
    imports.push(name);
    return `${table}["${name}"]`;
  };
  const lines = text.split("\n").map((line) => {
    if (!anyImport.test(line)) return line;
    const [imported, one, all, some, from] = importLine.exec(line) ?? [];
    if (imported !== undefined && from !== undefined) {
      const source = sourceOf(from);
      if (one !== undefined) return `const ${one} = ${source}.default;`;
      if (all !== undefined) return `const ${all} = ${source};`;
      return some === undefined ? "" : `const {${some.replaceAll(" as ", ": ")}} = ${source};`;
    }
    const [listed, alone, names, origin] = exportedNames.exec(line) ?? [];
    if (listed !== undefined) {
      const prefix = origin === undefined ? "" : `${sourceOf(origin)}.`;
      if (alone !== undefined) exports.push(["default", alone]);
      for (const pair of names?.split(",") ?? []) {
        const [own = "", given = own] = pair.trim().split(" as ");
        exports.push([given, prefix + own]);
      }
      return "";
    }
    const [exported, byDefault, kind, name] = exportLine.exec(line) ?? [];
    if (exported === undefined || kind === undefined || name === undefined) {
      throw new Error(`${path}: this form of import or export cannot be joined: ${line}`);
    }
    exports.push([byDefault === undefined ? name : "default", name]);
    return line.replace(exported, `${kind} ${name}`);
  });
  const body = lines.join("\n");
  const bodyFor = (file: string) =>
    body
      .replaceAll(laterImport, (_, to: string) => {
        return `import("${relativePath(file, resolve(path, to))}")`;
      })
      .replaceAll(
        "import.meta.url",
        `new URL("${relativePath(file, path)}", import.meta.url).href`,
      );
  return { exports, imports, bodyFor };
}

function resolve(from: string, to: string): string {
  return posix.join(dirname(from), to);
}

function relativePath(from: string, to: string): string {
  const path = posix.relative(dirname(from), to);
  return path.startsWith(".") ? path : `./${path}`;
}
