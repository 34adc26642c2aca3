import { existsSync } from "node:fs";
import { join } from "node:path";
import LongestFirst, { secondsOf } from "../longest-first.ts";

type Options = ConstructorParameters<typeof LongestFirst>[0];
type Tests = Parameters<LongestFirst["sort"]>[0];

const root = join(import.meta.dirname, "..");

test("the files that are said to be long are there", () => {
  expect(Object.keys(secondsOf).filter((name) => !existsSync(join(root, name)))).toEqual([]);
});

test("without times of a run before, long files come first, then large ones", async () => {
  const sizes: Record<string, number> = {
    "unit/small.test.ts": 10,
    "contract/store.sqlite.test.ts": 20,
    "unit/large.test.ts": 30,
    "e2e/any-request.test.ts": 20,
  };
  const context = {
    config: { cache: false },
    hasteFS: { getSize: (path: string) => sizes[path.slice(root.length + 1)] ?? null },
  };
  const tests = Object.keys(sizes).map((name) => ({ context, path: join(root, name) }));
  const sorted = await new LongestFirst({} as Options).sort(tests as unknown as Tests);
  expect(sorted.map(({ path }) => path.slice(root.length + 1))).toEqual([
    "e2e/any-request.test.ts",
    "contract/store.sqlite.test.ts",
    "unit/large.test.ts",
    "unit/small.test.ts",
  ]);
});
