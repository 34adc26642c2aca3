import type { ItemResult } from "../../lib/event/admit.ts";
import { admit } from "../../lib/event/admit.ts";
import { firstInstant } from "../../lib/event/instant.ts";
import { maxAheadMs, maxEventBytes, maxFindings, maxNesting } from "../../lib/event/limits.ts";

const now = Date.parse("2026-01-31T10:20:30.123Z");

function admitAll(inputs: readonly unknown[]) {
  let ids = 0;
  return admit(inputs, { now, newId: () => `generated-${++ids}` });
}

function event(fields: Readonly<Record<string, unknown>> = {}) {
  return { id: "e1", type: "email.opened", source: "mailer", ...fields };
}

/** `code pointer` of every finding; empty where the event is accepted. */
function findings(input: unknown): readonly string[] {
  const [result] = admitAll([input]).results;
  return result?.status === "rejected"
    ? result.error.errors.map(({ code, pointer }) => `${code} ${pointer}`)
    : [];
}

function problem(input: unknown): string | undefined {
  const [result] = admitAll([input]).results as [ItemResult];
  return result.status === "rejected" ? result.error.type : undefined;
}

const nested = (levels: number): unknown =>
  levels === 0 ? 1 : levels % 2 === 0 ? [nested(levels - 1)] : { a: nested(levels - 1) };

describe("an accepted event", () => {
  test("keeps what was sent; its instants are fixed", () => {
    const sent = event({
      data: { plan: "pro", amount: 10 },
      timestamp: "2026-01-31T11:20:30.5+01:00",
      correlationId: "c1",
      metadata: { userId: 7, ip: "192.0.2.1", other: [null] },
    });
    const { results, accepted } = admitAll([sent]);
    expect(results).toEqual([{ index: 0, id: "e1", status: "accepted", receivedAt: now }]);
    expect(accepted.map((one) => one.event)).toEqual([
      { ...sent, timestamp: now - 123 + 500, receivedAt: now },
    ]);
  });

  test("without id and timestamp gets both, and is marked as undated", () => {
    const { accepted } = admitAll([
      { type: "a", source: "b" },
      { type: "a", source: "b" },
    ]);
    expect(accepted.map((one) => one.event)).toEqual([
      { id: "generated-1", type: "a", source: "b", timestamp: now, receivedAt: now, undated: true },
      { id: "generated-2", type: "a", source: "b", timestamp: now, receivedAt: now, undated: true },
    ]);
  });

  test("comes with its JSON", () => {
    const { accepted } = admitAll([
      event({ data: { text: 'a"\u0000', half: "\ud800", whole: "\u{1f600}" } }),
      event({ id: "e2", timestamp: 1, data: null }),
    ]);
    for (const { event: given, json } of accepted) expect(JSON.parse(json)).toEqual(given);
    expect(accepted).toHaveLength(2);
    expect(accepted.every(({ json }) => json.isWellFormed())).toBe(true);
  });

  test("keeps any property name in data and metadata as an own property", () => {
    const text =
      '{"__proto__":{"a":1},"constructor":1,"toString":2,"toJSON":3,"$where":4,"a.b":5,"":6,"\\u0000":7}';
    const { accepted } = admitAll([event({ data: JSON.parse(text), metadata: JSON.parse(text) })]);
    const again = JSON.parse(accepted[0]?.json ?? "null") as Record<string, unknown>;
    expect(JSON.stringify(again["data"])).toBe(text);
    expect(JSON.stringify(again["metadata"])).toBe(text);
    expect(Object.getPrototypeOf(again["data"])).toBe(Object.prototype);
  });

  test("leaves its input as it was, also a frozen one", () => {
    const sent = event({ data: Object.freeze({ a: 1 }), metadata: Object.freeze({ userId: "u" }) });
    const before = structuredClone(sent);
    const { accepted } = admitAll([Object.freeze(sent)]);
    expect(accepted).toHaveLength(1);
    expect(sent).toStrictEqual(before);
  });

  test("may have properties that are undefined: they count as absent", () => {
    const { accepted } = admitAll([
      event({
        data: undefined,
        correlationId: undefined,
        foo: undefined,
        metadata: { a: undefined },
      }),
    ]);
    expect(accepted[0]?.json).toBe(
      `{"id":"e1","type":"email.opened","timestamp":${now},"source":"mailer","receivedAt":${now},"metadata":{},"undated":true}`,
    );
  });
});

describe("id and type", () => {
  const every = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._:@/+-";
  test.each(["a", every, "a".repeat(128), "constructor", "__proto__"])("%s is one", (name) => {
    expect(findings(event({ id: name, type: name }))).toEqual([]);
  });

  test.each([
    ["", "length"],
    ["a".repeat(129), "length"],
    ["a b", "pattern"],
    ["a\n", "pattern"],
    ["ä", "pattern"],
    ["a,b", "pattern"],
    ["\ud800", "not_well_formed"],
    [7, "type"],
    [null, "type"],
    [{ toString: 1, valueOf: 1 }, "type"],
    [["a"], "type"],
  ])("%j is none", (name, code) => {
    expect(findings(event({ id: name }))).toEqual([`${code} /id`]);
    expect(findings(event({ type: name }))).toEqual([`${code} /type`]);
  });
});

describe("source and correlationId", () => {
  test.each(["a", "https://shop.example/ä?b=c d", "\u{1f600}".repeat(128), " "])(
    "%s is one",
    (label) => {
      expect(findings(event({ source: label, correlationId: label }))).toEqual([]);
    },
  );

  test.each([
    ["", "length"],
    ["\u{1f600}".repeat(129), "length"],
    ["a".repeat(70_000), "length"],
    ["a\u0000", "pattern"],
    ["a\u0085", "pattern"],
    ["a\n", "pattern"],
    ["a\udc00b", "not_well_formed"],
    [null, "type"],
    [1, "type"],
  ])("%j is none", (label, code) => {
    const wanted = label === "a".repeat(70_000) ? ["too_large "] : [];
    expect(findings(event({ source: label }))).toEqual([...wanted, `${code} /source`]);
    expect(findings(event({ correlationId: label }))).toEqual([
      ...wanted,
      `${code} /correlationId`,
    ]);
  });
});

describe("timestamp", () => {
  test.each([
    now + maxAheadMs,
    0,
    -1,
    firstInstant,
    "0001-01-01T00:00:00Z",
    "2026-01-31T10:25:30.123Z",
  ])("%p is taken", (timestamp) => {
    expect(findings(event({ timestamp }))).toEqual([]);
  });

  test.each([
    [now + maxAheadMs + 1, "future"],
    ["2026-01-31T10:25:30.124Z", "future"],
    [Number.MAX_SAFE_INTEGER, "future"],
    [firstInstant - 1, "past"],
    ["0000-12-31T23:59:59Z", "past"],
    ["yesterday", "format"],
    ["2026-02-29T00:00:00Z", "format"],
    ["1769854830123", "format"],
    [`2026-01-31T10:20:30.${"1".repeat(100)}Z`, "length"],
    [1.5, "type"],
    [null, "type"],
    [true, "type"],
    [{}, "type"],
  ])("%p is refused: %s", (timestamp, code) => {
    expect(findings(event({ timestamp }))).toEqual([`${code} /timestamp`]);
  });
});

describe("metadata", () => {
  const texts = "sessionId ip userAgent url referrer locale recipient campaignId templateId".split(
    " ",
  );

  test.each(texts)("%s is a string", (key) => {
    expect(findings(event({ metadata: { [key]: "" } }))).toEqual([]);
    for (const value of [1, null, {}, [], true]) {
      expect(findings(event({ metadata: { [key]: value } }))).toEqual([`type /metadata/${key}`]);
    }
  });

  test.each(["userId", "anonymousId"])("%s is a string or a number, kept as it is", (key) => {
    for (const value of ["u", 7, 0, -1.5, 2 ** 53 - 1]) {
      const { accepted } = admitAll([event({ metadata: { [key]: value } })]);
      expect(accepted[0]?.event.metadata).toStrictEqual({ [key]: value });
    }
    for (const value of [null, {}, [], true]) {
      expect(findings(event({ metadata: { [key]: value } }))).toEqual([`type /metadata/${key}`]);
    }
    for (const value of [2 ** 53, -(2 ** 53), Infinity]) {
      expect(findings(event({ metadata: { [key]: value } }))).toEqual([
        `out_of_range /metadata/${key}`,
      ]);
    }
  });

  test.each([null, "a", 1, [], true])("%j is none", (metadata) => {
    expect(findings(event({ metadata }))).toEqual(["type /metadata"]);
  });
});

describe("data", () => {
  test.each([null, 0, "", false, [], {}, nested(maxNesting)])("%j is taken", (data) => {
    expect(findings(event({ data }))).toEqual([]);
  });

  test("one level more than allowed is refused where it begins", () => {
    const path = (levels: number) =>
      Array.from({ length: levels }, (_, at) => ((maxNesting + 1 - at) % 2 === 0 ? "0" : "a"));
    const pointer = `/data/${path(maxNesting).join("/")}`;
    expect(findings(event({ data: nested(maxNesting + 1) }))).toEqual([`too_deep ${pointer}`]);
    expect(findings(event({ metadata: { x: nested(maxNesting) } }))[0]).toMatch(
      /^too_deep \/metadata\/x\//,
    );
  });

  test.each([
    ["1e400", JSON.parse("[1e400]"), "out_of_range"],
    ["NaN", [NaN], "out_of_range"],
    ["a bigint", [1n], "type"],
    ["a function", [() => 1], "type"],
    ["a symbol", [Symbol("a")], "type"],
    ["a hole", new Array(1), "type"],
    ["a date", [new Date(0)], "type"],
    ["a map", [new Map()], "type"],
    ["bytes", [Buffer.from("a")], "type"],
  ])("%s is no JSON that would stay the same", (_, data, code) => {
    expect(findings(event({ data }))).toEqual([`${code} /data/0`]);
  });

  test("a cycle is refused, not followed", () => {
    const data: Record<string, unknown> = {};
    data["self"] = data;
    expect(findings(event({ data }))[0]).toMatch(/^too_deep /);
  });
});

describe("size", () => {
  const bytesOf = (input: unknown) => Buffer.byteLength(JSON.stringify(input));

  test.each(["a", "ä", "€", "\u{1f600}", "\u0001", "\ud800"])(
    "is counted in UTF-8 of the JSON: %j",
    (unit) => {
      const empty = bytesOf(event({ data: "" }));
      const each = bytesOf(unit) - 2;
      const count = Math.floor((maxEventBytes - empty) / each);
      const fits = event({ data: unit.repeat(count) + "x".repeat((maxEventBytes - empty) % each) });
      expect(bytesOf(fits)).toBe(maxEventBytes);
      expect(findings(fits)).toEqual([]);
      expect(findings({ ...fits, source: "mailers" })).toEqual(["too_large "]);
    },
  );

  test("is that of what the client sent, not of what is added here", () => {
    const sent = { type: "a", source: "b", timestamp: "2026-01-01T00:00:00.000000000Z", data: "" };
    const fits = { ...sent, data: "x".repeat(maxEventBytes - bytesOf(sent)) };
    expect(findings(fits)).toEqual([]);
    expect(findings({ ...fits, data: `${fits.data}x` })).toEqual(["too_large "]);
  });
});

describe("findings", () => {
  test("name everything that is wrong at once", () => {
    const bad = {
      id: "a b",
      source: 7,
      timestamp: "soon",
      data: [1n],
      metadata: { ip: 1 },
      userId: "u",
      "a/b~c": 1,
    };
    expect(findings(bad)).toEqual([
      "pattern /id",
      "required /type",
      "type /source",
      "type /metadata/ip",
      "unknown_field /userId",
      "unknown_field /a~1b~0c",
      "format /timestamp",
      "type /data/0",
    ]);
  });

  test.each(["__proto__", "constructor", "toString", "receivedAt", "project", "undated", ""])(
    "an event has no field %j",
    (name) => {
      const input = JSON.parse(`{"type":"a","source":"b",${JSON.stringify(name)}:1}`) as unknown;
      expect(findings(input)).toEqual([`unknown_field /${name}`]);
      expect(problem(input)).toBe("/problems/validation");
    },
  );

  test.each([null, undefined, 1, "a", true, [], [event()], () => event(), new Date(0), new Map()])(
    "%p is no event",
    (input) => {
      expect(findings(input)[0]).toBe("type ");
    },
  );

  test("are bounded, and so is what they repeat", () => {
    const long = "k".repeat(4_000);
    const many = Object.fromEntries(Array.from({ length: 1_000 }, (_, i) => [`${long}${i}`, 1]));
    const [result] = admitAll([event({ data: { [long]: [Infinity, Infinity] }, ...many })]).results;
    expect(result?.status === "rejected" && result.error.errors.length).toBeLessThanOrEqual(
      maxFindings,
    );
    expect(JSON.stringify(result).length).toBeLessThan(20_000);
  });

  test.each([
    [event({ type: "" }), "/problems/invalid-event"],
    [event({ foo: 1, type: "" }), "/problems/validation"],
    [event({ foo: 1, data: "x".repeat(maxEventBytes) }), "/problems/too-large"],
    [5, "/problems/invalid-event"],
  ])("decide on the kind of problem (%#)", (input, type) => {
    expect(problem(input)).toBe(type);
  });
});

describe("an id that stands twice in one call", () => {
  const outcomes = (inputs: readonly unknown[]) =>
    admitAll(inputs).results.map((one) => one.status);

  test("with the same content is a duplicate, whatever the order of keys and the spelling of the instant", () => {
    const { results, accepted } = admitAll([
      event({ data: { a: 1, b: { c: [2], d: 3 } }, timestamp: "2026-01-31T00:00:00Z" }),
      event({ timestamp: "2026-01-31T01:00:00.000+01:00", data: { b: { d: 3, c: [2] }, a: 1 } }),
    ]);
    expect(results.map((one) => one.status)).toEqual(["accepted", "duplicate"]);
    expect(results[1]).toEqual({ index: 1, id: "e1", status: "duplicate", receivedAt: now });
    expect(accepted).toHaveLength(1);
  });

  test.each([
    { type: "b" },
    { source: "b" },
    { data: 1 },
    { correlationId: "c" },
    { metadata: {} },
    { timestamp: 1 },
  ])("with other content (%j) is a conflict", (fields) => {
    const { results, accepted } = admitAll([event(), event(fields), event()]);
    expect(results.map((one) => one.status)).toEqual(["accepted", "rejected", "duplicate"]);
    expect(results[1]).toMatchObject({
      index: 1,
      id: "e1",
      error: { type: "/problems/id-conflict", errors: [{ pointer: "/id", code: "id_conflict" }] },
    });
    expect(accepted).toHaveLength(1);
  });

  test("does not count where the first was refused", () => {
    expect(outcomes([event({ type: "" }), event()])).toEqual(["rejected", "accepted"]);
  });
});

test("one bad event never costs the others, and results keep their order", () => {
  const { results, accepted } = admitAll([
    event({ id: "a" }),
    null,
    event({ id: "b" }),
    { id: "c" },
  ]);
  expect(results.map((one) => [one.index, one.status, one.id])).toEqual([
    [0, "accepted", "a"],
    [1, "rejected", undefined],
    [2, "accepted", "b"],
    [3, "rejected", "c"],
  ]);
  expect(accepted.map((one) => one.event.id)).toEqual(["a", "b"]);
});

test("no input gives no result", () => {
  expect(admitAll([])).toEqual({ results: [], accepted: [] });
});
