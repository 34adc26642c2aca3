import { admit } from "../../../lib/event/admit.ts";
import { firstInstant } from "../../../lib/event/instant.ts";
import { parseJson } from "../../../lib/event/plain-json.ts";
import { maxAheadMs, maxNesting } from "../../../lib/event/limits.ts";

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

const nested = (levels: number): unknown =>
  levels === 0 ? 1 : levels % 2 === 0 ? [nested(levels - 1)] : { a: nested(levels - 1) };

describe("id and type", () => {
  const every = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._:@/+-";
  test.each(["a", every, "a".repeat(128), "constructor", "__proto__"])("%s is one", (name) => {
    expect(findings(event({ id: name, type: name }))).toEqual([]);
  });

  test.each([
    ["", "length"],
    ["a".repeat(129), "length"],
    ["a\n", "pattern"],
    ["a,b", "pattern"],
    ["a\u0000", "pattern"],
    ["\ud800", "not_well_formed"],
    [7, "type"],
    [{ toString: 1, valueOf: 1 }, "type"],
    [["a"], "type"],
  ])("%j is none", (name, code) => {
    expect(findings(event({ id: name }))).toEqual([`${code} /id`]);
    expect(findings(event({ type: name }))).toEqual([`${code} /type`]);
  });

  test.each(["a b", "ä", "\u{1f600}"])("%j is no id", (id) => {
    expect(findings(event({ id }))).toEqual(["pattern /id"]);
  });

  test.each(["batch", "counts", "export", "stream", ".", ".."])(
    "no path would lead to an event called %s",
    (id) => {
      expect(findings(event({ id }))).toEqual(["reserved /id"]);
      expect(findings(event({ id: `${id}1`, type: id }))).toEqual([]);
    },
  );

  test.each([
    "Order Completed",
    "Commande Payée",
    "заказ оплачен",
    "注文完了",
    "हिन्दी",
    "طلب ١٢٣",
    "e\u0301te",
    "\u{1d4d0}".repeat(128),
    `${"a ".repeat(63)}bc`,
  ])("%j is a type", (type) => {
    const { accepted } = admitAll([event({ type })]);
    expect(accepted[0]?.event.type).toBe(type);
  });

  test.each([
    [" a", "pattern"],
    ["a ", "pattern"],
    ["a  b", "pattern"],
    [" ", "pattern"],
    ["a\tb", "pattern"],
    ["a\u00a0b", "pattern"],
    ["a\u2028b", "pattern"],
    ["a\u200bb", "pattern"],
    ["\u{1f600}", "pattern"],
    ["a!", "pattern"],
    ["ä".repeat(129), "length"],
    ["\u{1d4d0}".repeat(129), "length"],
  ])("%j is no type", (type, code) => {
    expect(findings(event({ type }))).toEqual([`${code} /type`]);
  });
});

describe("source and correlationId", () => {
  test.each(["a", "https://shop.example/ä?b=c d", "\u{1f600}".repeat(128), " "])(
    "%s is one",
    (label) => {
      expect(findings(event({ source: label, correlationId: label }))).toEqual([]);
    },
  );

  test("a source may have 512 characters", () => {
    const source = `/subscriptions/${"\u{1f600}".repeat(497)}`;
    expect(admitAll([event({ source })]).accepted[0]?.event.source).toBe(source);
    expect(findings(event({ source: `${source}x` }))).toEqual(["length /source"]);
    expect(findings(event({ correlationId: source }))).toEqual(["length /correlationId"]);
  });

  test.each([
    ["", "length"],
    ["\u{1f600}".repeat(513), "length"],
    ["a".repeat(70_000), "length"],
    ["a\u0000", "pattern"],
    ["a\u0085", "pattern"],
    ["a\n", "pattern"],
    ["a\udc00b", "not_well_formed"],
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
    -1_001,
    firstInstant + 86_400_000,
    "0001-01-02T00:00:00Z",
    "1969-07-20T20:17:40Z",
    "1970-06-01T00:00:00Z",
    Math.trunc((now + maxAheadMs) / 1_000) + 1,
    31_536_000_000,
    "2026-01-31T10:25:30.123Z",
  ])("%p is taken", (timestamp) => {
    const [admitted] = admitAll([event({ timestamp })]).accepted;
    expect(admitted?.event.timestamp).toBe(new Date(timestamp).getTime());
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
    [true, "type"],
    [{}, "type"],
    [0, "zero_time"],
    [-0, "zero_time"],
    ["1970-01-01T00:00:00Z", "zero_time"],
    ["1970-01-01T01:00:00+01:00", "zero_time"],
    ["1969-12-31T23:59:59Z", "zero_time"],
    [firstInstant, "zero_time"],
    [firstInstant / 1_000, "zero_time"],
    ["0001-01-01T00:00:00Z", "zero_time"],
    ["0001-01-01T00:00:00-05:00", "zero_time"],
    [Math.trunc(now / 1_000), "seconds_time"],
    [Math.trunc(now / 1_000) + 1, "seconds_time"],
    [Math.trunc((now + maxAheadMs) / 1_000), "seconds_time"],
    [1_300_000_000, "seconds_time"],
    ["1970-01-20T16:13:20.000Z", "seconds_time"],
    [42, "seconds_time"],
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
    for (const value of [1, {}, [], true]) {
      expect(findings(event({ metadata: { [key]: value } }))).toEqual([`type /metadata/${key}`]);
    }
  });

  test.each(["userId", "anonymousId"])("%s is a string or a number, kept as it is", (key) => {
    for (const value of ["u", 7, 0, -1.5, 2 ** 53 - 1]) {
      const { accepted } = admitAll([event({ metadata: { [key]: value } })]);
      expect(accepted[0]?.event.metadata).toStrictEqual({ [key]: value });
    }
    for (const value of [{}, [], true]) {
      expect(findings(event({ metadata: { [key]: value } }))).toEqual([`type /metadata/${key}`]);
    }
    for (const value of [2 ** 53, -(2 ** 53), Infinity]) {
      expect(findings(event({ metadata: { [key]: value } }))).toEqual([
        `out_of_range /metadata/${key}`,
      ]);
    }
  });

  test.each(["a", 1, [], true])("%j is none", (metadata) => {
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
    ["1e400", parseJson("[1e400]"), "out_of_range"],
    ["1e-400", parseJson("[1e-400]"), "out_of_range"],
    ["2^53", [2 ** 53], "out_of_range"],
    ["-2^53", [-(2 ** 53)], "out_of_range"],
    ["1e308", [1e308], "out_of_range"],
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
