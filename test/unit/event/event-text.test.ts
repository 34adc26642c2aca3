import fc from "fast-check";
import { csvRecord, textHead, textLine } from "../../../lib/event/event-text.ts";
import { event } from "../../contract/store-harness.ts";

/** A reader of RFC 4180, by the letter: records of fields. */
function parse(csv: string): string[][] {
  const records: string[][] = [];
  let record: string[] = [];
  let at = 0;
  while (at < csv.length) {
    let field = "";
    if (csv[at] === '"') {
      for (at += 1; ; at += 1) {
        if (csv[at] !== '"') field += csv[at]!;
        else if (csv[at + 1] === '"') field += csv[(at += 1)]!;
        else break;
      }
      at += 1;
    } else {
      while (at < csv.length && csv[at] !== "," && csv[at] !== "\r") field += csv[at++]!;
    }
    record.push(field);
    if (csv[at] === ",") {
      at += 1;
      continue;
    }
    expect(csv.slice(at, at + 2)).toBe("\r\n");
    at += 2;
    records.push(record);
    record = [];
  }
  return records;
}

describe("a record of CSV", () => {
  const text = fc.oneof(
    fc.string({ unit: "grapheme" }),
    fc.string({ unit: fc.constantFrom(",", '"', "\r", "\n", "=", "-", "+", "1", ".", " ", "e") }),
  );

  test("is read back as it was, but for an apostrophe before what a spreadsheet would run", () => {
    fc.assert(
      fc.property(fc.array(fc.array(text, { minLength: 1 }), { maxLength: 4 }), (records) => {
        const read = parse(records.map(csvRecord).join(""));
        expect(read.map((record) => record.map((field) => field.replace(/^'/, "")))).toEqual(
          records.map((record) => record.map((field) => field.replace(/^'/, ""))),
        );
        for (const field of read.flat()) {
          if (/^[=+\-@\t\r\n]/.test(field)) expect(Number(field)).not.toBeNaN();
        }
      }),
    );
  });

  test.each([
    ["=1+2", "'=1+2"],
    ["+1", "+1"],
    ["-1.5e-7", "-1.5e-7"],
    ["-1+1", "'-1+1"],
    ["+cmd|' /C calc'!A0", "'+cmd|' /C calc'!A0"],
    ["@SUM(A1)", "'@SUM(A1)"],
    ["\tx", "'\tx"],
    ["\r\nx", `"'\r\nx"`],
    ["＝1", "'＝1"],
    ["a=1", "a=1"],
    ["a,b", '"a,b"'],
    ['say "hi"', '"say ""hi"""'],
    [" a", '" a"'],
    [-5, "-5"],
    [true, "true"],
    [null, ""],
    [undefined, ""],
    [{ a: [1, "x,y"] }, '"{""a"":[1,""x,y""]}"'],
  ])("%j is written %s", (value, written) => {
    expect(csvRecord([value, "z"])).toBe(`${written},z\r\n`);
  });
});

describe("an event as text", () => {
  const one = event("e1", {
    data: { plan: "pro", list: [1, 2] },
    metadata: { userId: "=u" },
    timestamp: 0,
    receivedAt: 1,
    context: { country: "DE" },
  });

  test("is one line of NDJSON, as the API shows it", () => {
    expect(textHead({ format: "ndjson" })).toBe("");
    expect(textHead({ format: "csv", fields: [["id"]], bom: true })).toBe("\ufeffid\r\n");
    expect(textLine(one, { format: "ndjson" })).toBe(
      '{"id":"e1","type":"mail.opened","data":{"plan":"pro","list":[1,2]},' +
        '"timestamp":"1970-01-01T00:00:00.000Z","source":"web","metadata":{"userId":"=u"},' +
        '"receivedAt":"1970-01-01T00:00:00.001Z","project":"p","context":{"country":"DE"}}\n',
    );
    const fields = [["data", "plan"]] as const;
    expect(textLine(one, { format: "ndjson", fields })).toBe('{"id":"e1","data":{"plan":"pro"}}\n');
  });

  test("is one record of CSV with all columns, three of them JSON", () => {
    expect(textHead({ format: "csv" })).toBe(
      "id,type,timestamp,source,correlationId,receivedAt,project,data,metadata,context\r\n",
    );
    expect(textLine(one, { format: "csv" })).toBe(
      "e1,mail.opened,1970-01-01T00:00:00.000Z,web,,1970-01-01T00:00:00.001Z,p," +
        '"{""plan"":""pro"",""list"":[1,2]}","{""userId"":""=u""}","{""country"":""DE""}"\r\n',
    );
  });

  test.each([
    ["hello", '"""hello"""'],
    ["10", '"""10"""'],
    ["true", '"""true"""'],
    ["null", '"""null"""'],
    ["", '""""""'],
    ["=1+2", '"""=1+2"""'],
    [-10, "-10"],
    [true, "true"],
    [[1, null], '"[1,null]"'],
    [undefined, ""],
  ])("in CSV data is always JSON: %j is %s", (data, written) => {
    const one = event("e1", { data: data as never, context: {} });
    const line = textLine({ ...one, metadata: undefined }, { format: "csv" });
    expect(line).toMatch(/^e1,mail\.opened,/);
    expect(line.endsWith(`,${written},,{}\r\n`)).toBe(true);
  });

  test("has the chosen columns, flat", () => {
    const fields = [
      ["type"],
      ["metadata", "userId"],
      ["data", "list"],
      ["data", "none"],
      ["data", "list", "0"],
    ] as const;
    const text = { format: "csv", fields } as const;
    expect(textHead(text)).toBe("type,metadata.userId,data.list,data.none,data.list.0\r\n");
    expect(textLine(one, text)).toBe('mail.opened,\'=u,"[1,2]",,\r\n');
    const plain = event("e1", { data: "10" });
    expect(textLine(plain, { format: "csv", fields: [["data"]] })).toBe("10\r\n");
  });
});
