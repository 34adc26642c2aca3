import { admit, jsonOfAll } from "../../../lib/event/admit.ts";

const now = Date.parse("2026-01-31T10:20:30.123Z");

function admitAll(inputs: readonly unknown[]) {
  let ids = 0;
  return admit(inputs, { now, newId: () => `generated-${++ids}` });
}

function event(fields: Readonly<Record<string, unknown>> = {}) {
  return { id: "e1", type: "email.opened", source: "mailer", ...fields };
}

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
      event({ id: "e2", timestamp: now, data: null }),
    ]);
    const json = jsonOfAll(accepted);
    expect(JSON.parse(`[${json}]`)).toEqual(accepted.map(({ event: given }) => given));
    expect(json).toBe(accepted.map(({ event: given }) => JSON.stringify(given)).join(","));
    expect(accepted).toHaveLength(2);
    expect(json.isWellFormed()).toBe(true);
  });

  test("keeps any property name in data and metadata as an own property", () => {
    const text =
      '{"__proto__":{"a":1},"constructor":1,"toString":2,"toJSON":3,"$where":4,"a.b":5,"":6,"\\u0000":7}';
    const { accepted } = admitAll([event({ data: JSON.parse(text), metadata: JSON.parse(text) })]);
    const again = JSON.parse(jsonOfAll(accepted)) as Record<string, unknown>;
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
    expect(jsonOfAll(accepted)).toBe(
      `{"id":"e1","type":"email.opened","timestamp":${now},"source":"mailer","receivedAt":${now},"metadata":{},"undated":true}`,
    );
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
    { timestamp: now - 1 },
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
