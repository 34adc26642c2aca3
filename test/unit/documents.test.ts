import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { operations } from "../../lib/openapi/operations.ts";

const root = join(import.meta.dirname, "../..");
const documents = [
  "README.md",
  "CONTRIBUTING.md",
  "page/README.md",
  "client/README.md",
  ...readdirSync(join(root, "docs"))
    .filter((name) => name.endsWith(".md"))
    .map((name) => `docs/${name}`),
];

const read = (file: string) => readFileSync(join(root, file), "utf8");
const found = (text: string, pattern: RegExp) => [
  ...new Set([...text.matchAll(pattern)].map((match) => match.slice(1).join(" "))),
];

/** Where a name in capitals may come from, besides the table of variables. */
const sources = [
  ".env.example",
  "lib/errors.ts",
  "docker-compose.yml",
  "client/cli/options.ts",
  "tools/servers/installed.ts",
  ...readdirSync(join(root, "docs/deploy"), { recursive: true, encoding: "utf8" })
    .filter((name) => /\.(?:ya?ml|env|example|mjs|sh)$/.test(name))
    .map((name) => `docs/deploy/${name}`),
];

describe.each(documents)("%s", (document) => {
  const text = read(document);

  it("names files that there are", () => {
    const places =
      /(?<![\w/.:-])((?:lib|mixins|services|workers|page|client|tools|test|docs|k8s)\/[\w./-]*\w)(?![\w/*.-]*\*)/g;
    const inCode = found(text, /`([^`\n]+)`/g).flatMap((code) => found(code, places));
    expect(inCode.filter((path) => !existsSync(join(root, path)))).toEqual([]);
  });

  it("links to files that there are", () => {
    const links = found(text, /\]\(([^)#\s]+)(?:#[^)]*)?\)/g).filter((to) => !/^\w+:/.test(to));
    expect(links.filter((to) => !existsSync(join(root, dirname(document), to)))).toEqual([]);
  });

  it("names npm scripts and variables that there are", () => {
    const { scripts } = JSON.parse(read("package.json")) as { readonly scripts: object };
    const named = found(text, /npm run ([a-z][\w:-]*)/g);
    expect(named.filter((name) => !Object.hasOwn(scripts, name))).toEqual([]);
    const known = sources.map(read).join("\n");
    const capitals = found(text, /`([A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+)`/g);
    expect(capitals.filter((name) => !known.includes(name))).toEqual([]);
  });

  it("quotes addresses whose question mark a shell would expand", () => {
    const lines = found(text, /```sh\n([\s\S]*?)```/g).flatMap((block) => block.split("\n"));
    const bare = (line: string) => line.replaceAll(/'[^']*'|"[^"]*"|#.*/g, "");
    expect(lines.filter((line) => /\?\w+=/.test(bare(line)))).toEqual([]);
  });

  it("names routes that there are", () => {
    const routes = Object.keys(operations).map(
      (route) => new RegExp(`^${route.replace(/\{\w+\}/g, "[^/]+")}$`),
    );
    const named = found(
      text,
      /(?<!(?:GET|POST|PUT|PATCH) )\b(GET|POST|PUT|PATCH|DELETE) (\/(?:api|health|metrics)[\w/:{}<>.-]*)/g,
    );
    const missing = named.filter((route) => !routes.some((pattern) => pattern.test(route)));
    expect(missing).toEqual([]);
  });
});

test("README lists every npm script", () => {
  const { scripts } = JSON.parse(read("package.json")) as { readonly scripts: object };
  const [listed = ""] = found(read("README.md"), /`npm run` has `([^`]*)`/g);
  expect(listed.split(" ").sort()).toEqual(Object.keys(scripts).sort());
});
