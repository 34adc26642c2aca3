import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join, normalize, relative, sep } from "node:path";

/**
 * Lint rules about the layout, as plain ESLint rules. Type imports count: a reader of a file has to
 * know the names in it.
 * - `arrows`: a file imports only from the rooms that its own room may use. A room is a folder with
 *   everything in it, or a file; a file's room is the longest one that matches. A room that is not
 *   in the table may use everything.
 * - `no-circle`: no file imports itself by way of others.
 */
const root = join(import.meta.dirname, "../..");

/** @param {readonly string[]} names @param {string} file */
function roomOf(names, file) {
  return names
    .filter((name) => file === name || file.startsWith(`${name}/`))
    .reduce((longest, name) => (name.length > longest.length ? name : longest), "");
}

/** Visits each import and re-export of a file, with its target as a path from the root. */
function imports(context, visit) {
  const file = relative(root, context.filename).split(sep).join("/");
  const look = (node) => {
    const specifier = node.source?.value;
    if (typeof specifier !== "string" || !specifier.startsWith(".")) return;
    visit(
      node.source,
      normalize(join(dirname(file), specifier))
        .split(sep)
        .join("/"),
      file,
    );
  };
  return {
    ImportDeclaration: look,
    ExportNamedDeclaration: look,
    ExportAllDeclaration: look,
    ImportExpression: look,
  };
}

const arrows = {
  meta: { type: "problem", schema: [{ type: "object" }] },
  create(context) {
    const [uses] = context.options;
    const names = Object.keys(uses);
    return imports(context, (node, target, file) => {
      const from = roomOf(names, file);
      const to = roomOf(names, target);
      if (from === "" || to === from || uses[from].includes(to)) return;
      context.report({ node, message: `${from} must not know ${to || target}` });
    });
  },
};

const specifiers = /^(?:import|export)\b[^"';]*?"(\.{1,2}\/[^"]+)"/gm;
let graph;

/** Every file of the service with the files it imports. Read once for each run of the linter. */
function importGraph() {
  if (graph !== undefined) return graph;
  graph = new Map();
  const folders = ["lib", "mixins", "services", "workers", "page", "client"];
  const files = folders
    .filter((folder) => existsSync(join(root, folder)))
    .flatMap((folder) =>
      readdirSync(join(root, folder), { recursive: true })
        .map((name) => `${folder}/${name.split(sep).join("/")}`)
        .filter((name) => name.endsWith(".ts") && !name.includes("node_modules")),
    );
  for (const file of files) {
    const text = readFileSync(join(root, file), "utf8");
    const targets = [...text.matchAll(specifiers)].map(([, specifier]) =>
      normalize(join(dirname(file), specifier))
        .split(sep)
        .join("/"),
    );
    graph.set(file, new Set(targets));
  }
  return graph;
}

/** The shortest way from a file to another one over imports; `undefined` where there is none. */
function wayBetween(from, to) {
  const before = new Map([[from, undefined]]);
  for (const file of before.keys()) {
    if (file === to) {
      const way = [];
      for (let at = file; at !== undefined; at = before.get(at)) way.unshift(at);
      return way;
    }
    for (const next of importGraph().get(file) ?? []) if (!before.has(next)) before.set(next, file);
  }
  return undefined;
}

const noCircle = {
  meta: { type: "problem", schema: [] },
  create(context) {
    return imports(context, (node, target, file) => {
      const way = wayBetween(target, file);
      if (way === undefined) return;
      context.report({ node, message: `this is a circle: ${[file, ...way].join(" -> ")}` });
    });
  },
};

export default { rules: { arrows, "no-circle": noCircle } };
