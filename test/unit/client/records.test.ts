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
  { delimiter, cuts = [], from = beginning }: Partial<Options> = {},
): readonly FileRecord[] {
  const places = [...new Set(cuts.map((cut) => cut % (bytes.length + 1)))].sort((a, b) => a - b);
  const splitter = new RecordSplitter(delimiter, from);
  const ended = [0, ...places].flatMap((start, i) =>
    splitter.push(bytes.subarray(start, places[i] ?? bytes.length)),
  );
  return [...ended, ...splitter.finish()];
}

interface Options {
  readonly delimiter: string;
  readonly cuts: readonly number[];
  readonly from: Place;
}

const field = fc.string({
  unit: fc.constantFrom("a", "é", "😀", ",", '"', "\n", " "),
  maxLength: 6,
});
const row = fc.array(field, { minLength: 1, maxLength: 4 });
/** Quoted where it has to be: a quote within a field needs none. */
const written = (fields: readonly string[]) =>
  fields
    .map((text) => (/[,\n]|^"/.test(text) ? `"${text.replaceAll('"', '""')}"` : text))
    .join(",");

test("rows of a table come back as they were written, however the file is cut", () => {
  fc.assert(
    fc.property(
      fc.array(row, { minLength: 1, maxLength: 8 }),
      fc.constantFrom("\n", "\r\n"),
      fc.array(fc.nat(500)),
      (rows, lineEnd, cuts) => {
        const file = Buffer.from(rows.map((fields) => written(fields) + lineEnd).join(""));
        const records = recordsOf(file, { delimiter: ",", cuts });
        expect(records.map(({ text }) => fieldsOf(text!, ","))).toEqual(rows);
        expect(records.at(-1)!.end.offset).toBe(file.length);
        expect(records).toEqual(recordsOf(file, { delimiter: "," }));
      },
    ),
  );
});

/**
 * A reader of tables, character by character: the records of a text and their fields; no fields
 * where something follows a closing quote, or a quote is left open.
 */
function tableOf(text: string, delimiter: string) {
  const records: { text: string; fields: string[] | undefined }[] = [];
  let at = text.startsWith("\ufeff") ? 1 : 0;
  while (at < text.length) {
    const start = at;
    const fields: string[] = [];
    let fits = true;
    for (let isLast = false; !isLast;) {
      let field = "";
      if (text[at] === '"') {
        for (at += 1; at < text.length; at += 1) {
          if (text[at] !== '"') field += text[at]!;
          else if (text[at + 1] === '"') field += text[(at += 1)]!;
          else break;
        }
        fits &&= at < text.length;
        at += 1;
        fits &&= at >= text.length || text[at] === "\n" || text.startsWith(delimiter, at);
      }
      while (at < text.length && text[at] !== "\n" && !text.startsWith(delimiter, at)) {
        field += text[at++]!;
      }
      fields.push(field);
      isLast = !text.startsWith(delimiter, at);
      if (!isLast) at += delimiter.length;
    }
    records.push({ text: text.slice(start, at), fields: fits ? fields : undefined });
    at += 1;
  }
  return records;
}

test("whatever quotes stand where, records and fields are those of a reader that goes by characters", () => {
  const text = (delimiter: string) =>
    fc.string({
      unit: fc.constantFrom("a", "é", '"', '"', "\n", "\n", ...delimiter, delimiter),
      minLength: 1,
      maxLength: 40,
    });
  const table = fc
    .constantFrom(",", "\t", ";;", "§")
    .chain((delimiter) => fc.tuple(fc.constant(delimiter), text(delimiter), fc.boolean()));
  fc.assert(
    fc.property(table, fc.array(fc.nat(100)), ([delimiter, body, isMarked], cuts) => {
      const file = (isMarked ? "\ufeff" : "") + body;
      const records = recordsOf(Buffer.from(file), { delimiter, cuts });
      const read = records.map(({ text }) => ({
        text: text!,
        fields: fieldsOf(text!, delimiter),
      }));
      expect(read).toEqual(tableOf(file, delimiter));
    }),
    { numRuns: 1_000 },
  );
});

test.each([
  ["\n", ","],
  ["\r\n", "\t"],
])("a quote within a field swallows nothing of what follows (%j)", (lineEnd, delimiter) => {
  const rows = [
    ["name", "amount"],
    ['5" nail', "1"],
    ['6" nail', "2"],
    ["two\nlines", 'a "b"'],
    ["last", "3"],
  ];
  const text = rows
    .map(([name = "", amount = ""]) => [/\n/.test(name) ? `"${name}"` : name, amount])
    .map((fields) => fields.join(delimiter) + lineEnd);
  const records = recordsOf(Buffer.from(text.join("")), { delimiter });
  expect(records.map((one) => fieldsOf(one.text!, delimiter))).toEqual(rows);
  expect(records.map(({ line }) => line)).toEqual([1, 2, 3, 4, 6]);
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
  const records = recordsOf(Buffer.from('\ufeffa,b\n"1\n\n2",x\r\n\nlast'), { delimiter: "," });
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
    delimiter: ",",
    cuts: [...Array(100).keys()].map((i) => i * 32_768),
  });
  expect(records[0]).toMatchObject({
    text: undefined,
    problem: expect.stringContaining("quote") as unknown,
  });
  expect(records.at(-1)!.text).toMatch(/^299,/);
});
