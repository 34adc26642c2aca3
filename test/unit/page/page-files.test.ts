import { readFileSync } from "node:fs";
import ts from "typescript";
import { pageFiles, pageSources } from "../../../lib/page/page-files.ts";

const folder = new URL("../../../page/", import.meta.url).pathname;

/** The template literals of a module that have several lines, but for those of `html`. */
function linedTexts(file: string): readonly string[] {
  const source = ts.createSourceFile(
    file,
    readFileSync(file, "utf8"),
    ts.ScriptTarget.Latest,
    true,
  );
  const found: string[] = [];
  function visit(node: ts.Node): void {
    const parts = ts.isTemplateExpression(node)
      ? [node.head, ...node.templateSpans.map(({ literal }) => literal)]
      : ts.isNoSubstitutionTemplateLiteral(node)
        ? [node]
        : [];
    const hasLines = parts.some((part) => part.getText().includes("\n"));
    if (hasLines && !ts.isTaggedTemplateExpression(node.parent)) found.push(node.getText());
    ts.forEachChild(node, visit);
  }
  visit(source);
  return found;
}

test("modules are sent without indentation, which no text but those of html has", async () => {
  for (const [path, { bytes }] of await pageFiles(folder)) {
    if (path.endsWith(".ts")) expect([path, /^ /m.test(bytes.toString())]).toEqual([path, false]);
  }
  const modules = [...(await pageSources(folder))].filter(([path]) => path.endsWith(".ts"));
  expect(modules.length).toBeGreaterThan(50);
  expect(modules.flatMap(([, file]) => linedTexts(file))).toEqual([]);
});
