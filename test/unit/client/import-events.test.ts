import { readMapping, tableReader, type TableOptions } from "../../../client/cli/import/csv.ts";
import { lineReader, seedOf } from "../../../client/cli/import/event-text.ts";
import { Window } from "../../../client/cli/import/window.ts";
import { UsageError } from "../../../client/cli/exit-codes.ts";

const seed = seedOf(["first line"]);

const idOf = (json: string) => (JSON.parse(json) as { readonly id: string }).id;

describe("lines of JSON", () => {
  const reader = lineReader({ seed, defaults: { source: "file" }, exported: false });

  test("an id is the same each time, and two equal lines have two", () => {
    const text = '{"type":"t"}';
    const [once, again, next] = [1, 1, 2].map((line) => reader.read(text, line)?.json);
    expect(once).toBe(again);
    expect(next).not.toBe(once);
    const other = lineReader({ seed: seedOf([], "other"), defaults: {}, exported: false });
    expect(JSON.parse(other.read(text, 1)!.json!)).not.toMatchObject({ id: idOf(once!) });
    expect(JSON.parse(once!)).toEqual({
      id: expect.stringMatching(/^import-[\w-]{22}$/) as unknown,
      source: "file",
      type: "t",
    });
  });

  test("what a line says is sent as it is written there, with every digit", () => {
    const given = reader.read(' { "id": "a", "source": "s", "data": 12345678901234567890 }', 1);
    expect(given?.json).toBe(' { "id": "a", "source": "s", "data": 12345678901234567890 }');
    expect(reader.read('{"type":"t","data":1e400}', 1)?.json).toMatch(/"type":"t","data":1e400}$/);
    expect(JSON.parse(reader.read("{ }", 1)!.json!)).toHaveProperty("source", "file");
  });

  test("null is as absent", () => {
    const { json } = reader.read('{"id":null,"type":"t","source":null}', 3)!;
    expect(JSON.parse(json!)).toEqual({
      id: expect.any(String) as unknown,
      type: "t",
      source: "file",
    });
  });

  test("of an export stays what can be sent", () => {
    const exported = lineReader({ seed, defaults: {}, exported: true });
    const line = { id: "a", type: "t", source: "s", receivedAt: "x", project: "p", context: {} };
    const { json } = exported.read(JSON.stringify(line), 1)!;
    expect(JSON.parse(json!)).toEqual({ id: "a", type: "t", source: "s" });
  });

  test.each([
    ["1e400", "/data/a~1b/1"],
    ["-1e-400", "/data/a~1b/1"],
    ["9007199254740993", "/data/a~1b/1"],
    [`${"[".repeat(30_000)}${"]".repeat(30_000)}`, `/data/a~1b/1${"/0".repeat(122)}`],
  ])(
    "a line that is written again is refused where that would change it (%#)",
    (value, pointer) => {
      const data = `{"x":"1e400","a/b":["9007199254740993,",${value}]}`;
      const exported = lineReader({ seed, defaults: {}, exported: true });
      for (const [from, line] of [
        [reader, `{"id":null,"data":${data}}`],
        [reader, `{ "data" : ${data}, "source":null }`],
        [exported, `{"id":"a","project":"p","data":${data}}`],
      ] as const) {
        const told = from.read(line, 7);
        expect(told).toEqual({ pointer, problem: expect.any(String) as unknown });
        if (value.length < 20) expect(told?.problem).toContain(`the number ${value} `);
      }
      expect(reader.read(`{"id":"a","data":${data}}`, 7)?.json).toContain(value);
    },
  );

  test("a line that is written again keeps every number that stays the same", () => {
    const data = '{"a":[0,1e-300,9007199254740991,0.1],"\\"1e400":"1e400"}';
    const { json } = reader.read(`{"id":null,"data":${data}}`, 1)!;
    expect(JSON.parse(json!)).toMatchObject({ data: JSON.parse(data) as unknown });
  });

  test("blank lines are none, and others say what is wrong", () => {
    expect(reader.read(" \t", 1)).toBeUndefined();
    expect(reader.read("{", 1)?.problem).toMatch(/JSON/);
    expect(reader.read("[1]", 1)?.problem).toMatch(/object/);
  });
});

describe("tables", () => {
  const table: TableOptions = {
    seed,
    defaults: { type: "t", source: "file" },
    delimiter: ",",
    columns: ["when", "user", "price", "note", "data.a.b"],
    headLine: 1,
    mapping: readMapping([
      "timestamp=when:seconds",
      "metadata.userId=user",
      "data.price=price:number",
    ]),
    onlyMapped: false,
    exported: false,
  };
  const eventOf = (text: string, options: Partial<TableOptions> = {}) => {
    const { json, problem } = tableReader({ ...table, ...options }).read(text, 2)!;
    return json === undefined ? problem : (JSON.parse(json) as Record<string, unknown>);
  };

  test("columns go where the mapping says, else to the field of their name or into data", () => {
    expect(eventOf('1700000000.5,u1,10.50,"a ""note""",x')).toEqual({
      id: expect.stringMatching(/^import-/) as unknown,
      type: "t",
      source: "file",
      timestamp: 1_700_000_000_500,
      metadata: { userId: "u1" },
      data: { price: 10.5, note: 'a "note"', a: { b: "x" } },
    });
    expect(eventOf("1,,,,", { onlyMapped: true })).not.toHaveProperty("data");
    expect(tableReader(table).read("when,user,price,note,data.a.b", 1)).toBeUndefined();
  });

  test("texts that are not what they should be are told, and so are numbers that would change", () => {
    expect(eventOf("1,u,ten,,")).toBe("data.price: ten is no number");
    expect(eventOf("1,u,12345678901234567890,,")).toMatch(/is no number/);
    expect(eventOf("0x10,u,,,")).toBe("timestamp: 0x10 is no seconds");
    expect(eventOf("1,u")).toBe("it has 2 fields, the table 5");
    for (const price of ["1e400", "1e-400", "9007199254740993", "9007199254740993.0"]) {
      expect(eventOf(`1,u,${price},,`)).toBe(`data.price: ${price} is no number`);
    }
    const json = tableReader({ ...table, mapping: readMapping(["data.a/b=note:json"]) });
    const [wide, deep] = ['{"x":[0,1e-400]}', `${"[".repeat(30_000)}${"]".repeat(30_000)}`];
    for (const [text, pointer] of [
      [wide, "/data/a~1b/x/1"],
      [deep, `/data/a~1b${"/0".repeat(128)}`],
    ] as const) {
      const told = json.read(`,,,"${text.replaceAll('"', '""')}",`, 2);
      expect(told).toMatchObject({ pointer, problem: expect.any(String) as unknown });
    }
    expect(eventOf('1,"u,2,,')).toBe("its quotes do not fit");
    const twice = { columns: ["data.a", "data.a.b"], mapping: new Map<string, never>() };
    expect(eventOf("1,2", twice)).toMatch(/do not fit together/);
  });

  test("a name such as __proto__ is one like others", () => {
    const columns = ["data.__proto__.x"];
    const { json } = tableReader({ ...table, columns, mapping: new Map() }).read("1", 2)!;
    expect(json).toContain('"data":{"__proto__":{"x":"1"}}');
  });

  test("a mapping that cannot be meant is refused before anything is sent", () => {
    for (const text of ["x", "nope=a", "data.a=b:c", "data.=b"]) {
      expect(() => readMapping([text])).toThrow(UsageError);
    }
    expect(() => tableReader({ ...table, columns: ["a"] })).toThrow("no column when, user, price");
  });
});

test("a window tells how far everything is confirmed, whatever ends first", async () => {
  const at = (lines: number) => ({ offset: lines * 10, lines });
  const window = new Window(2, { end: at(0), accepted: 0, refused: 0 });
  const ends: (() => void)[] = [];
  const work = () =>
    new Promise<{ accepted: number; refused: number }>((resolve) =>
      ends.push(() => resolve({ accepted: 1, refused: 1 })),
    );
  await window.begin(at(1), work);
  await window.begin(at(2), work);
  const third = window.begin(at(3), work);
  expect(ends).toHaveLength(2);
  ends[1]!();
  await third;
  expect(window.confirmed.end).toEqual(at(0));
  ends[0]!();
  ends[2]!();
  await window.finish();
  expect(window.confirmed).toEqual({ end: at(3), accepted: 3, refused: 3 });
  await window.begin(at(4), () => Promise.reject(new Error("refused")));
  await expect(window.finish()).rejects.toThrow("refused");
  expect(window.confirmed.end).toEqual(at(3));
});
