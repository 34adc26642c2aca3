/**
 * Builds `dist`: each file as JavaScript, by the project's TypeScript, and one file of declarations, which holds copies of the
 * service's types and needs nothing else. `npm pack` runs it; the types are checked by `npm run typecheck` before.
 */
import { chmodSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { generateDtsBundle } from "dts-bundle-generator";
import ts from "typescript";

const here = import.meta.dirname;
const dist = join(here, "dist");

const compilerOptions: ts.CompilerOptions = {
  // What Node 20 and the browsers of the last years read.
  target: ts.ScriptTarget.ES2022,
  module: ts.ModuleKind.ESNext,
  verbatimModuleSyntax: true,
  rewriteRelativeImportExtensions: true,
};

rmSync(dist, { recursive: true, force: true });
for (const folder of ["src", "cli"]) {
  for (const name of readdirSync(join(here, folder), { recursive: true, encoding: "utf8" })) {
    if (!name.endsWith(".ts")) continue;
    const text = readFileSync(join(here, folder, name), "utf8");
    const target = join(dist, folder, name.replace(/\.ts$/, ".js"));
    mkdirSync(dirname(target), { recursive: true });
    writeFileSync(target, ts.transpileModule(text, { compilerOptions }).outputText);
  }
}
chmodSync(join(dist, "cli", "main.js"), 0o755);

const [declarations] = generateDtsBundle(
  [
    {
      filePath: join(here, "src", "index.ts"),
      libraries: { importedLibraries: [], allowedTypesLibraries: [], inlinedLibraries: [] },
      output: { exportReferencedTypes: false, noBanner: true },
    },
  ],
  { preferredConfigPath: join(here, "tsconfig.json") },
);
writeFileSync(join(dist, "index.d.ts"), declarations!);
