import { admit, type ItemResult } from "../../../lib/event/admit.ts";
import { maxEventBytes, maxFindings } from "../../../lib/event/limits.ts";

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

  test("that are too many leave out no limit that was passed", () => {
    const many = Object.fromEntries(Array.from({ length: 30 }, (_, index) => [`field${index}`, 1]));
    const told = findings(event({ ...many, timestamp: "soon", data: "x".repeat(maxEventBytes) }));
    expect(told).toHaveLength(maxFindings);
    expect(told[0]).toBe("too_large ");
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
