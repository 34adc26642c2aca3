import fc from "fast-check";
import type { ItemResult } from "../../../lib/event/admit.ts";
import { cloudEventId } from "../../../lib/event/cloud-event.ts";
import { maxBatchEvents, maxNesting } from "../../../lib/event/limits.ts";
import {
  batchTypeOf,
  inBodyOrder,
  inBodyPlaces,
  readBatch,
  type BatchBody,
} from "../../../lib/http/collecting.ts";
import { ServiceError } from "../../../lib/errors.ts";
import { jsonValues } from "../../support/json-values.ts";

const json = "application/json";
const ndjson = "application/x-ndjson";
const cloudEvents = "application/cloudevents-batch+json";

const read = (text: string | Buffer, type: string = json): BatchBody =>
  readBatch(Buffer.from(text as string), batchTypeOf(type), maxBatchEvents);

function refusal(text: string | Buffer, type: string = json): ServiceError {
  try {
    read(text, type);
  } catch (error) {
    if (error instanceof ServiceError) return error;
    throw error;
  }
  throw new Error("it was read");
}

/** `index code message` of what was rejected. */
const rejections = ({ rejected }: BatchBody) =>
  rejected.flatMap(({ index, error }) =>
    error.errors.map(({ code, pointer }) => `${index} ${code} ${pointer}`),
  );

describe("a batch in JSON", () => {
  test.each(['{"events":[1,{"a":2},null]}', '[1,{"a":2},null]', '\ufeff [1,{"a":2},null]\r\n'])(
    "%j holds its items, whatever they are",
    (text) => {
      expect(read(text)).toEqual({ inputs: [1, { a: 2 }, null], rejected: [] });
    },
  );

  test.each([
    ["", "MALFORMED"],
    [" \n ", "MALFORMED"],
    ["\ufeff", "MALFORMED"],
    ["[]", "MALFORMED"],
    ['{"events":[]}', "MALFORMED"],
    ["[1", "MALFORMED"],
    ["[1]x", "MALFORMED"],
    ["null", "MALFORMED"],
    ["7", "MALFORMED"],
    ['"a"', "MALFORMED"],
    ['{"events":{}}', "VALIDATION"],
    ["{}", "VALIDATION"],
    ['{"type":"a","source":"b"}', "VALIDATION"],
    ['{"events":[1],"other":1}', "VALIDATION"],
    ['{"events":[1],"__proto__":1}', "VALIDATION"],
    ['{"__proto__":{"events":[1]}}', "VALIDATION"],
  ])("%j is refused: %s", (text, type) => {
    expect(refusal(text).type).toBe(type);
  });

  test("names each property that a batch does not have", () => {
    expect(refusal('{"events":[1],"a/b":1,"__proto__":1}').data.errors).toMatchObject([
      { code: "unknown_field", pointer: "/a~1b" },
      { code: "unknown_field", pointer: "/__proto__" },
    ]);
    expect(refusal("{}").data.errors).toMatchObject([{ code: "required", pointer: "/events" }]);
  });

  test("must be UTF-8", () => {
    expect(refusal(Buffer.from([0x5b, 0x22, 0xff, 0x22, 0x5d])).type).toBe("MALFORMED");
    expect(read('["\\ud800"]').inputs).toEqual(["\ud800"]);
  });
});

describe("a batch of lines", () => {
  test.each([ndjson, "application/ndjson", "application/jsonl; charset=utf-8"])("in %s", (type) => {
    const text = '\ufeff{"a":1}\r\n\n  \t\r\n {"a":2} \n[3]\n"last"';
    expect(read(text, type)).toEqual({ inputs: [{ a: 1 }, { a: 2 }, [3], "last"], rejected: [] });
  });

  test("loses only the lines that are bad, and names them as an editor does", () => {
    const batch = read('{"a":1}\n\n{"a":\n{"a":2}\n1,2\n', ndjson);
    expect(batch.inputs).toEqual([{ a: 1 }, { a: 2 }]);
    expect(rejections(batch)).toEqual(["1 malformed ", "3 malformed "]);
    expect(batch.rejected.map(({ error }) => error.errors[0]?.message)).toEqual([
      expect.stringMatching(/^line 3 is not JSON: /),
      expect.stringMatching(/^line 5 is not JSON: /),
    ]);
    expect(batch.rejected.map(({ error }) => error.type)).toEqual([
      "/problems/malformed",
      "/problems/malformed",
    ]);
  });

  test.each(["", "\n\n", "\r\n \t\n", "\ufeff\n"])("%j holds none", (text) => {
    expect(refusal(text, ndjson).type).toBe("MALFORMED");
  });

  test("gives back what was written, line by line", () => {
    const separator = fc.stringMatching(/^[ \t\r]{0,2}\n[ \t\r\n]{0,3}$/);
    const line = jsonValues();
    fc.assert(
      fc.property(fc.array(fc.tuple(line, separator), { minLength: 1, maxLength: 20 }), (lines) => {
        const text = lines.map(([value, end]) => JSON.stringify(value) + end).join("");
        expect(JSON.stringify(read(text, ndjson).inputs)).toBe(
          `[${lines.map(([value]) => JSON.stringify(value)).join()}]`,
        );
      }),
      { numRuns: 300 },
    );
  });
});

describe("a batch of CloudEvents", () => {
  const event = {
    specversion: "1.0",
    id: "0190b3a1-7c2d-7e0f-8a1b-2c3d4e5f6071",
    source: "/s",
    type: "t",
  };

  test("is read event by event", () => {
    const batch = read(
      JSON.stringify([
        event,
        { ...event, specversion: "0.3" },
        5,
        { ...event, id: "0190b3a1-7c2d-7e0f-8a1b-2c3d4e5f6072", data: 1 },
      ]),
      cloudEvents,
    );
    expect(batch.inputs).toEqual([
      { id: "0190b3a1-7c2d-7e0f-8a1b-2c3d4e5f6071", source: "/s", type: "t" },
      { id: "0190b3a1-7c2d-7e0f-8a1b-2c3d4e5f6072", source: "/s", type: "t", data: 1 },
    ]);
    expect(rejections(batch)).toEqual(["1 unsupported /specversion", "2 type "]);
  });

  test.each(["{}", '{"events":[]}', "[]", "null"])("%s is none", (text) => {
    expect(refusal(text, cloudEvents).type).toBe("MALFORMED");
  });
});

describe("limits", () => {
  test.each([
    ["an array", json, (count: number) => `[${"1,".repeat(count - 1)}1]`],
    ["events", json, (count: number) => `{"events":[${"1,".repeat(count - 1)}1]}`],
    ["lines", ndjson, (count: number) => "1\n".repeat(count)],
    ["CloudEvents", cloudEvents, (count: number) => `[${"1,".repeat(count - 1)}1]`],
  ])("on the number of events hold for %s", (_, type, text) => {
    const { inputs, rejected } = read(text(maxBatchEvents), type);
    expect(inputs.length + rejected.length).toBe(maxBatchEvents);
    const error = refusal(text(maxBatchEvents + 1), type);
    expect([error.type, error.data.errors?.[0]?.code]).toEqual(["TOO_LARGE", "events"]);
  });

  test.each([json, ndjson])("what is nested by the million in %s harms nobody", (type) => {
    const depth = 2_500_000;
    const open = refusalOrBatch("[".repeat(2 * depth), type);
    expect(open).toEqual(type === json ? "MALFORMED" : ["0 malformed "]);
    const closed = refusalOrBatch(`[${"[".repeat(depth)}${"]".repeat(depth)}]`, type);
    expect(closed).toEqual([`0 too_deep ${"/0".repeat(maxNesting + 1)}`]);
    const objects = refusalOrBatch(`[${'{"a":'.repeat(500_000)}1${"}".repeat(500_000)}]`, type);
    expect(objects).toHaveLength(1);
  });

  test.each([
    ["an array", json, (events: readonly string[]) => `[${events.join()}]`],
    ["lines", ndjson, (events: readonly string[]) => events.join("\n")],
  ])(
    "one event of %s is too deep, another has a number too small: the others stay",
    (_, type, text) => {
      const deep = `${"[".repeat(30_000)}${"]".repeat(30_000)}`;
      const batch = read(
        text([
          '{"id":"7f1e-456a","data":1}',
          `{"id":"8c4e-789b","data":${deep}}`,
          `{"data":[${deep},1e-400]}`,
          '{"data":{"small":-1e-400}}',
          '{"id":"1e-400","data":1e-300}',
        ]),
        type,
      );
      expect(batch.inputs).toEqual([
        { id: "7f1e-456a", data: 1 },
        { id: "1e-400", data: 1e-300 },
      ]);
      expect(rejections(batch)).toEqual([
        `1 too_deep /data${"/0".repeat(maxNesting)}`,
        `2 too_deep /data${"/0".repeat(maxNesting)}`,
        "2 out_of_range /data/1",
        "3 out_of_range /data/small",
      ]);
    },
  );

  function refusalOrBatch(text: string, type: string): unknown {
    try {
      return rejections(read(text, type));
    } catch (error) {
      return (error as ServiceError).type;
    }
  }

  test("what JSON would change on its way is rejected", () => {
    expect(rejections(read('[{"data":[1e400]},{"data":1e-300},{"data":1e-400}]'))).toEqual([
      "0 out_of_range /data/0",
      "2 out_of_range /data",
    ]);
  });
});

describe("what is rejected is told with the id that was sent", () => {
  const idsOf = (text: string, type: string) => read(text, type).rejected.map(({ id }) => id);
  const data = '"data":9007199254740993';

  test.each([
    ["events", json, (items: readonly string[]) => `[${items.join()}]`],
    ["lines", ndjson, (items: readonly string[]) => items.join("\n")],
  ])("of %s", (_, type, text) => {
    const items = [
      `{"id":"a1",${data}}`,
      `{"id":"no id",${data}}`,
      `{"id":7,${data}}`,
      `{${data}}`,
    ];
    expect(idsOf(text(items), type)).toEqual(["a1", undefined, undefined, undefined]);
  });

  test("of CloudEvents, by source and id", () => {
    const event = { specversion: "1.0", id: "1", source: "/s", type: "t" };
    const late = { ...event, time: "yesterday" };
    const events = [
      late,
      { ...late, id: 1 },
      { ...late, source: "" },
      { ...late, id: [] },
      5,
      null,
    ];
    const made = cloudEventId("/s", "1");
    const none = [undefined, undefined, undefined, undefined];
    expect(idsOf(JSON.stringify(events), cloudEvents)).toEqual([made, made, ...none]);
    const text = `[${JSON.stringify(event).slice(0, -1)},${data}}]`;
    expect(idsOf(text, cloudEvents)).toEqual([made]);
  });
});

test.each(["text/plain", undefined, "application/cloudevents+json"])("%p is no batch", (type) => {
  expect(refusal("[1]", type ?? "").type).toBe("UNSUPPORTED_MEDIA_TYPE");
});

test("any bytes are read or refused", () => {
  const text = fc.oneof(
    fc.json(),
    fc.string({ unit: "binary" }),
    fc.array(fc.json()).map((lines) => lines.join("\n")),
  );
  const bytes = fc.oneof(
    fc.uint8Array(),
    text.map((value) => Buffer.from(value)),
  );
  fc.assert(
    fc.property(bytes, fc.constantFrom(json, ndjson, cloudEvents), (body, type) => {
      try {
        const { inputs, rejected } = read(Buffer.from(body), type);
        expect(inputs.length + rejected.length).toBeGreaterThan(0);
      } catch (error) {
        expect(error).toBeInstanceOf(ServiceError);
      }
    }),
    { numRuns: 2_000 },
  );
});

test("results come back in the order of the body", () => {
  fc.assert(
    fc.property(fc.array(fc.boolean(), { maxLength: 30 }), (good) => {
      const all: ItemResult[] = good.map((ok, index) =>
        ok
          ? { index, id: `e${index}`, status: "accepted", receivedAt: 0 }
          : { index, status: "rejected", error: { type: "/problems/malformed", errors: [] } },
      );
      const admitted = all
        .filter((one) => one.status === "accepted")
        .map((one, index) => ({ ...one, index }));
      const rejected = all.filter((one) => one.status === "rejected");
      expect(inBodyOrder(admitted, rejected)).toEqual(all);
      const places = inBodyPlaces(admitted, rejected).map(({ index }) => index);
      expect(places).toEqual(
        all.filter(({ status }) => status === "accepted").map(({ index }) => index),
      );
    }),
  );
});
