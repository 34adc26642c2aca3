import fc from "fast-check";
import { fieldsOf } from "../../../client/cli/import/csv.ts";
import {
  beginning,
  maxRecordBytes,
  RecordSplitter,
  type FileRecord,
  type Place,
} from "../../../client/cli/import/records.ts";

/** All records of a file that comes in pieces. */
function recordsOf(
  bytes: Buffer,
  { quoted = false, cuts = [], from = beginning }: Partial<Options> = {},
): readonly FileRecord[] {
  const places = [...new Set(cuts.map((cut) => cut % (bytes.length + 1)))].sort((a, b) => a - b);
  const splitter = new RecordSplitter(quoted, from);
  const ended = [0, ...places].flatMap((start, i) =>
    splitter.push(bytes.subarray(start, places[i] ?? bytes.length)),
  );
  return [...ended, ...splitter.finish()];
}

interface Options {
  readonly quoted: boolean;
  readonly cuts: readonly number[];
  readonly from: Place;
}

const field = fc.string({
  unit: fc.constantFrom("a", "é", "😀", ",", '"', "\n", " "),
  maxLength: 6,
});
const row = fc.array(field, { minLength: 1, maxLength: 4 });
const written = (fields: readonly string[]) =>
  fields.map((text) => (/[",\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text)).join(",");

test("rows of a table come back as they were written, however the file is cut", () => {
  fc.assert(
    fc.property(
      fc.array(row, { minLength: 1, maxLength: 8 }),
      fc.constantFrom("\n", "\r\n"),
      fc.array(fc.nat(500)),
      (rows, lineEnd, cuts) => {
        const file = Buffer.from(rows.map((fields) => written(fields) + lineEnd).join(""));
        const records = recordsOf(file, { quoted: true, cuts });
        expect(records.map(({ text }) => fieldsOf(text!, ","))).toEqual(rows);
        expect(records.at(-1)!.end.offset).toBe(file.length);
        expect(records).toEqual(recordsOf(file, { quoted: true }));
      },
    ),
  );
});

test("whoever begins at a place that was told goes on as if nothing had been between", () => {
  const lines = fc.array(fc.string({ unit: fc.constantFrom("x", "é", "\r", " "), maxLength: 5 }));
  fc.assert(
    fc.property(lines, fc.boolean(), fc.nat(20), (texts, isEnded, stop) => {
      const file = Buffer.from(texts.join("\n") + (isEnded ? "\n" : ""));
      const whole = recordsOf(file);
      const from = whole[stop]?.end ?? beginning;
      const rest = recordsOf(file.subarray(from.offset), { from });
      const before = whole.slice(0, whole[stop] === undefined ? 0 : stop + 1);
      // What no line break ends is read again: more may be written there.
      const ended = before.filter(({ end }) => end.offset <= from.offset);
      const again = from.offset < file.length && before.length === whole.length;
      expect([...(again ? ended.slice(0, -1) : ended), ...rest]).toEqual(whole);
    }),
  );
});

test("lines are numbered as editors do, also behind line breaks in quotes", () => {
  const records = recordsOf(Buffer.from('\ufeffa,b\n"1\n\n2",x\r\n\nlast'), { quoted: true });
  expect(records.map(({ line, text }) => [line, text])).toEqual([
    [1, "a,b"],
    [2, '"1\n\n2",x'],
    [5, ""],
    [6, "last"],
  ]);
  expect(records[3]!.end).toEqual(records[2]!.end);
});

test("a line that is too long or no UTF-8 costs itself alone, and is not held in memory", () => {
  const long = Buffer.alloc(3 * maxRecordBytes, "x");
  const file = Buffer.concat([long, Buffer.from("\nok\n"), Buffer.from([0xff, 0x0a]), long]);
  const cuts = [...Array(50).keys()].map((i) => i * 65_536);
  const records = recordsOf(file, { cuts });
  expect(records.map(({ line, text, problem }) => [line, text, problem !== undefined])).toEqual([
    [1, undefined, true],
    [2, "ok", false],
    [3, undefined, true],
    [4, undefined, true],
  ]);
  expect(records[1]!.end).toEqual({ offset: long.length + 4, lines: 2 });
});

test("a quote that is never closed does not swallow the rest of the file", () => {
  const rows = Array.from({ length: 300 }, (_, i) => `${i},${"y".repeat(10_000)}\n`).join("");
  const records = recordsOf(Buffer.from(`"open\n${rows}`), {
    quoted: true,
    cuts: [...Array(100).keys()].map((i) => i * 32_768),
  });
  expect(records[0]).toMatchObject({
    text: undefined,
    problem: expect.stringContaining("quote") as unknown,
  });
  expect(records.at(-1)!.text).toMatch(/^299,/);
});
