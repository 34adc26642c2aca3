import { joinModules } from "../../../lib/page/join-modules.ts";
import type { SourceFile } from "../../../lib/page/page-files.ts";

const type = "text/javascript; charset=utf-8";

function filesOf(texts: Readonly<Record<string, string>>): ReadonlyMap<string, SourceFile> {
  return new Map(
    Object.entries(texts).map(([path, text]) => [path, { type, bytes: Buffer.from(text) }]),
  );
}

/** The joined files by their paths, as texts. */
function joined(texts: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  const files = [...joinModules(filesOf(texts))];
  return Object.fromEntries(files.map(([path, { bytes }]) => [path, bytes.toString()]));
}

/** Runs a joined file as a browser would; its imports and its exports are those of the table. */
async function run(text: string): Promise<Readonly<Record<string, unknown>>> {
  const url = `data:text/javascript,${encodeURIComponent(text)}`;
  return (await import(url)) as Readonly<Record<string, unknown>>;
}

const page = {
  "main.ts": [
    'import { both } from "./parts/shared.ts";',
    'import * as names from "./pure/names.ts";',
    'export const load = ()=>import("./views/one.ts");',
    'export const other = ()=>import("./views/two.ts");',
    'export const told = `${both()} ${names.own} ${names.default ?? ""}`;',
  ].join("\n"),
  "parts/shared.ts": [
    'import { own as mine } from "../pure/names.ts";',
    "const own = 1;",
    "export function both() {\n    return `${own} ${mine}`;\n}",
  ].join("\n"),
  "pure/names.ts": 'export const own = "pure";',
  "pure/late.ts": "const own = 3;\nexport const late = own;",
  "views/one.ts": [
    'import { late } from "../pure/late.ts";',
    'import { only } from "./only.ts";',
    "export default function One() {\n    return [late, only, import.meta.url];\n}",
  ].join("\n"),
  "views/only.ts": 'export const only = "of one";',
  "views/two.ts": [
    'import { late } from "../pure/late.ts";',
    "export default function Two() {\n    return late;\n}",
  ].join("\n"),
  "page.css": "main {}",
};

test("a module is in the file of the only entry that needs it, else in the first", () => {
  const files = joined(page);
  expect(Object.keys(files).sort()).toEqual([
    "main.ts",
    "page.css",
    "views/one.ts",
    "views/two.ts",
  ]);
  const holds = (path: string, module: string) => files[path]!.includes(`["${module}"] = (`);
  expect(holds("main.ts", "pure/late.ts")).toBe(true);
  expect(holds("views/one.ts", "views/only.ts")).toBe(true);
  expect(holds("main.ts", "views/only.ts")).toBe(false);
  expect(files["page.css"]).toBe("main {}");
});

test("each joined file asks in its first line for compiling all of it ahead", () => {
  const scripts = Object.entries(joined(page)).filter(([path]) => path.endsWith(".ts"));
  for (const [path, text] of scripts) {
    expect([path, text.split("\n")[0]]).toEqual([path, "//# allFunctionsCalledOnLoad"]);
  }
});

test("names of one module are no other's, and exports are what the modules gave", async () => {
  const main = await run(joined(page)["main.ts"]!);
  expect(main["told"]).toBe("1 pure pure ");
  const { $page } = main as { readonly $page: Readonly<Record<string, object>> };
  expect($page["pure/late.ts"]).toEqual({ late: 3 });
});

test("a package's module is joined as ours are, with its exports in a list", async () => {
  const texts = {
    "main.ts":
      'import { h as element, again } from "preact";\nexport const told = [element, again];',
    "vendor/preact.js": [
      "var a = 1;",
      "export {a as h};",
      'export {own as again} from "../pure/names.ts";',
    ].join("\n"),
    "pure/names.ts": 'export const own = "pure";',
    "vendor/uplot.js": "var uPlot = 2;\nexport default uPlot;",
    "parts/chart.ts": 'import uPlot from "uplot";\nexport const drawn = uPlot;',
  };
  const lazily = `${texts["main.ts"]}\nexport const load = ()=>import("./parts/chart.ts");`;
  const files = joined({ ...texts, "main.ts": lazily });
  expect(Object.keys(files).sort()).toEqual(["main.ts", "parts/chart.ts"]);
  expect((await run(files["main.ts"]!))["told"]).toEqual([1, "pure"]);
  expect(files["parts/chart.ts"]).toContain('$page["vendor/uplot.js"] = (');
});

test("what is loaded later is found from the file that a module came to be in", () => {
  const deep = { "frame/views.ts": 'export const load = ()=>import("../views/one.ts");' };
  const main = `import { load } from "./frame/views.ts";\nload();`;
  const files = joined({ ...page, ...deep, "main.ts": main });
  expect(files["main.ts"]).toContain('import("./views/one.ts")');
  expect(files["views/one.ts"]).toContain('new URL("./one.ts", import.meta.url).href');
  expect(files["views/one.ts"]).toMatch(/^import \{ \$page \} from "\.\.\/main\.ts";$/m);
});

test.each([
  [
    "a circle",
    { "main.ts": 'import { a } from "./a.ts";', "a.ts": 'import { b } from "./main.ts";' },
  ],
  ["another form of export", { "main.ts": "export let a = 1;" }],
  ["another form of import", { "main.ts": 'export * from "./a.ts";', "a.ts": "" }],
  [
    "what is needed at once and later",
    {
      "main.ts": 'import { a } from "./a.ts";\nexport const load = ()=>import("./a.ts");',
      "a.ts": "export const a = 1;",
    },
  ],
])("%s is refused", (_, texts) => {
  expect(() => joined(texts as Readonly<Record<string, string>>)).toThrow(/\.ts/);
});
