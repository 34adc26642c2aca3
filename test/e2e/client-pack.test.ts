import { execFile } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { promisify } from "node:util";
import ts from "typescript";

const run = promisify(execFile);
const root = join(import.meta.dirname, "../..");
const bin = join(root, "node_modules/.bin");
let folder: string;
let installed: string;

/** The package as npm packs it, where another project would have it. */
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "analytics-client-"));
  installed = join(folder, "node_modules/@maily/analytics-client");
  mkdirSync(installed, { recursive: true });
  const env = { ...process.env, PATH: [bin, process.env["PATH"]].join(delimiter) };
  const cwd = join(root, "client");
  await run("npm", ["pack", "--silent", "--pack-destination", folder], { cwd, env });
  const archive = join(folder, "maily-analytics-client-0.1.0.tgz");
  await run("tar", ["-xzf", archive, "-C", installed, "--strip-components=1"]);
}, 240_000);

afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** What the compiler says about a file of the other project, and about the declarations that it uses. */
function complaintsAbout(name: string, text: string, options: ts.CompilerOptions): string[] {
  const file = join(folder, name);
  writeFileSync(file, text);
  const program = ts.createProgram([file], { ...options, noEmit: true, strict: true });
  return [file, join(installed, "dist/index.d.ts")]
    .flatMap((path) => {
      const source = program.getSourceFile(path);
      return [
        ...program.getSyntacticDiagnostics(source),
        ...program.getSemanticDiagnostics(source),
      ];
    })
    .map(({ messageText }) => ts.flattenDiagnosticMessageText(messageText, "\n"));
}

test("the package brings what its manifest names, and neither dependencies nor the service", async () => {
  const manifest = JSON.parse(readFileSync(join(installed, "package.json"), "utf8")) as object;
  expect(manifest).not.toHaveProperty("dependencies");
  const script = `import { AnalyticsClient, newId } from "@maily/analytics-client";
    const client = new AnalyticsClient({ url: "http://127.0.0.1:1", source: "s" });
    console.log(typeof client.track, newId().length);`;
  const file = join(folder, "consumer.mjs");
  writeFileSync(file, script);
  expect((await run(process.execPath, [file])).stdout).toBe("function 36\n");
  mkdirSync(join(folder, "node_modules/.bin"), { recursive: true });
  symlinkSync(
    join(installed, "dist/cli/main.js"),
    join(folder, "node_modules/.bin/maily-analytics"),
  );
  const command = await run(join(folder, "node_modules/.bin/maily-analytics"), ["--help"]);
  expect(command.stdout).toContain("maily-analytics import");
}, 60_000);

test("its declarations stand alone, in a browser's project as well", () => {
  const text = `import { AnalyticsClient, ProblemError } from "@maily/analytics-client";
    const client = new AnalyticsClient({ url: "https://example.com", key: "k", source: "web" });
    const id: string = client.track({ type: "page.viewed", data: { path: "/" } });
    export async function ask(signal: AbortSignal): Promise<number> {
      const { results } = await client.query(
        { metrics: ["count", "p95:data.ms"], filters: ["is", "type", [id]] }, { signal });
      for await (const event of client.events({ "data.plan": "pro" })) console.log(event.type);
      // @ts-expect-error there is no such metric
      await client.query({ metrics: ["median:data.ms"] });
      // @ts-expect-error a type is missing
      client.track({ data: {} });
      return results[0]?.metrics[0] ?? 0;
    }
    export const isUnknown = (error: unknown): boolean =>
      error instanceof ProblemError && error.kind === "outcome-unknown";`;
  const complaints = complaintsAbout("browser.mts", text, {
    target: ts.ScriptTarget.ES2022,
    lib: ["lib.es2022.d.ts", "lib.dom.d.ts", "lib.dom.asynciterable.d.ts"],
    module: ts.ModuleKind.ESNext,
    moduleResolution: ts.ModuleResolutionKind.Bundler,
    types: [],
  });
  expect(complaints).toEqual([]);
}, 60_000);

test("what it answers has the types of the service's contracts", () => {
  const answers = {
    counts: "query.counts",
    query: "query.run",
    funnel: "query.funnel",
    retention: "query.retention",
    paths: "query.paths",
    mailReport: "query.mailReport",
  };
  const pages = { events: "query.events", story: "query.story" };
  const text = `import type { Actions } from ${JSON.stringify(join(root, "lib/contracts.ts"))};
    import type { AnalyticsClient, Pages } from "@maily/analytics-client";
    type Same<A, B> =
      (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
    type Answer<Name extends keyof AnalyticsClient> =
      AnalyticsClient[Name] extends (...args: never[]) => infer R ? Awaited<R> : never;
    type Page<Name extends keyof AnalyticsClient> =
      Answer<Name> extends Pages<infer P, unknown> ? P : never;
    ${Object.entries(answers)
      .map(
        ([name, action]) =>
          `true satisfies Same<Answer<"${name}">, Actions["${action}"]["result"]>;`,
      )
      .join("\n")}
    ${Object.entries(pages)
      .map(
        ([name, action]) => `true satisfies Same<Page<"${name}">, Actions["${action}"]["result"]>;`,
      )
      .join("\n")}
    true satisfies Same<Answer<"event">, Actions["query.event"]["result"] | undefined>;
    // @ts-expect-error two different answers are not the same
    true satisfies Same<Answer<"counts">, Actions["query.run"]["result"]>;`;
  const { config } = ts.readConfigFile(join(root, "tsconfig.json"), (file) =>
    ts.sys.readFile(file),
  ) as { config: unknown };
  const { options } = ts.parseJsonConfigFileContent(config, ts.sys, root);
  const typeRoots = [join(root, "node_modules/@types")];
  const complaints = complaintsAbout("types.mts", text, {
    ...options,
    typeRoots,
    types: ["node"],
    rewriteRelativeImportExtensions: false,
    allowImportingTsExtensions: true,
  });
  expect(complaints).toEqual([]);
}, 120_000);
