import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { BuiltPage } from "../../../lib/page/build-page.ts";
import { keepPage, keptPageFile, readKeptPage } from "../../../lib/page/kept-page.ts";

let folder: string;
const page: BuiltPage = {
  hash: "0123456789abcdef",
  files: new Map([["main.ts", { type: "text/javascript", identity: new Uint8Array([1, 2, 3]) }]]),
  documents: new Map(),
};

beforeEach(() => (folder = mkdtempSync(join(tmpdir(), "kept-page-"))));
afterEach(() => rmSync(folder, { recursive: true, force: true }));

test("a page that was kept is read as it was, and a damaged one is none", async () => {
  const file = join(folder, "below", "page-1");
  expect(await readKeptPage(file)).toBeUndefined();
  await keepPage(file, page);
  const { files, ...rest } = (await readKeptPage(file))!;
  const { files: made, ...others } = page;
  expect(rest).toEqual(others);
  expect([...files.get("main.ts")!.identity]).toEqual([...made.get("main.ts")!.identity]);
  const bytes = readFileSync(file);
  for (const damaged of [
    bytes.subarray(0, bytes.length - 1),
    bytes.subarray(0, 20),
    turned(bytes),
  ]) {
    writeFileSync(file, damaged);
    expect(await readKeptPage(file)).toBeUndefined();
  }
});

function turned(bytes: Buffer): Buffer {
  const copy = Buffer.from(bytes);
  copy[copy.length - 1]! ^= 1;
  return copy;
}

test("a changed, a new and a renamed file are another page", async () => {
  const sources = join(folder, "page");
  mkdirSync(sources);
  const names = [await keptPageFile(sources)];
  writeFileSync(join(sources, "main.ts"), "one;");
  names.push(await keptPageFile(sources));
  writeFileSync(join(sources, "main.ts"), "two;");
  names.push(await keptPageFile(sources));
  writeFileSync(join(sources, "other.ts"), "two;");
  names.push(await keptPageFile(sources));
  expect(new Set(names).size).toBe(names.length);
  rmSync(join(sources, "other.ts"));
  expect(await keptPageFile(sources)).toBe(names[2]);
});

test("the latest pages are kept, the others go", async () => {
  for (let index = 0; index < 7; index++) await keepPage(join(folder, `page-${index}`), page);
  expect(readdirSync(folder)).toHaveLength(4);
  expect(readdirSync(folder)).toContain("page-6");
});
