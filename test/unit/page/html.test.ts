import { readFileSync } from "node:fs";
import { pageSources } from "../../../lib/page/page-files.ts";

/** The compiler knows no DOM here. */
const source = new URL("../../../page/parts/html.ts", import.meta.url).href;

test("an element is made anew each time, also one without values", async () => {
  const { html } = (await import(source)) as {
    readonly html: (texts: TemplateStringsArray) => object;
  };
  const make = () => html`<i class="key"></i>`;
  expect(make()).not.toBe(make());
});

test("no element is kept for another drawing: it would hold all of the one before", async () => {
  const sources = await pageSources(new URL("../../../page/", import.meta.url).pathname);
  const keeping = [...sources].filter(
    ([path, file]) =>
      path.endsWith(".ts") &&
      /useMemo\(\s*\(\) =>\s*(?:h\(|html`)/.test(readFileSync(file, "utf8")),
  );
  expect(keeping.map(([path]) => path)).toEqual([]);
});
