import { isDeepStrictEqual } from "node:util";
import fc from "fast-check";
import type { Finding } from "../../../lib/errors.ts";
import { admit, jsonOfAll } from "../../../lib/event/admit.ts";
import { eventBytes } from "../../../lib/event/findings.ts";
import { maxAheadMs, maxEventBytes, maxFindings } from "../../../lib/event/limits.ts";
import { jsonValues } from "../../support/json-values.ts";

const now = 1_769_854_830_123;
let generated = 0;
const at = { now, newId: () => `generated-${++generated}` };

const hostileNames = [
  "__proto__",
  "constructor",
  "prototype",
  "toString",
  "toJSON",
  "hasOwnProperty",
  "$where",
  "a.b",
  "a/b~c",
  "",
  "\u0000",
  "\ud800",
  "0",
  "length",
];
const names = fc.oneof(
  fc.constantFrom(...hostileNames),
  fc.string({ unit: "binary", maxLength: 8 }),
);

const hostileTexts = [
  "\ud800",
  "\udc00\ud800",
  "\u0000",
  "\u2028",
  "NaN",
  "1e400",
  "-0",
  "9".repeat(400),
];
const texts = fc.oneof(
  fc.constantFrom(...hostileTexts),
  fc.string({ unit: "binary", maxLength: 20 }),
);

const numbers = fc.oneof(
  fc.double(),
  fc.constantFrom(-0, 5e-324, 1.7976931348623157e308, Infinity, -Infinity, NaN, 2 ** 53 + 2),
);

/** A value as JSON.parse could give it, and some that it could not. */
const { value: anything } = fc.letrec<{ value: unknown; list: unknown[]; record: object }>(
  (tie) => ({
    value: fc.oneof(
      { maxDepth: 5, depthSize: "small" },
      fc.constantFrom<unknown>(null, true, false, undefined),
      numbers,
      texts,
      fc.constantFrom<unknown>(1n, Symbol("s"), () => 1, new Date(0), new Map(), /x/),
      tie("list"),
      tie("record"),
    ),
    list: fc.array(tie("value"), { maxLength: 4 }),
    record: fc.array(fc.tuple(names, tie("value")), { maxLength: 4 }).map(recordOf),
  }),
);

/** Own properties, also where one is called `__proto__`. */
function recordOf(entries: readonly (readonly [string, unknown])[]): object {
  const record = {};
  for (const [key, value] of entries) {
    Object.defineProperty(record, key, {
      value,
      enumerable: true,
      writable: true,
      configurable: true,
    });
  }
  return record;
}

const deep = fc.integer({ min: 28, max: 3_000 }).map((levels) => {
  let value: unknown = 1;
  for (let level = 0; level < levels; level++) value = level % 3 === 0 ? { a: value } : [value];
  return value;
});

const name = fc.stringMatching(/^[A-Za-z0-9._:@/+-]{1,128}$/);
const optional = <T>(values: fc.Arbitrary<T>) => fc.option(values, { nil: undefined });
const json = fc.oneof(jsonValues(), jsonValues(6));

/** Mostly good, so that much of it is let in. */
const plausible = fc.record(
  {
    id: optional(name),
    type: name,
    source: fc.string({ minLength: 1, maxLength: 128 }),
    timestamp: optional(
      fc.oneof(fc.integer({ min: 0, max: now }), fc.constant("2026-01-31T10:20:30+01:00")),
    ),
    data: fc.oneof(json, fc.array(fc.tuple(names, json)).map(recordOf)),
    metadata: optional(fc.array(fc.tuple(names, json), { maxLength: 4 }).map(recordOf)),
  },
  { requiredKeys: ["type", "source"] },
);

const hostile = fc
  .array(
    fc.tuple(
      fc.oneof(
        fc.constantFrom("id", "type", "source", "timestamp", "correlationId", "data", "metadata"),
        names,
      ),
      fc.oneof(
        { weight: 4, arbitrary: anything },
        { weight: 1, arbitrary: deep },
        { weight: 3, arbitrary: texts },
      ),
    ),
    { maxLength: 8 },
  )
  .map(recordOf);

const spoiled = fc
  .tuple(plausible, hostile)
  .map(([good, bad]) => recordOf([...Object.entries(good), ...Object.entries(bad)]));

const inputs = fc.oneof(
  { weight: 4, arbitrary: plausible },
  { weight: 2, arbitrary: spoiled },
  { weight: 2, arbitrary: hostile },
  { weight: 1, arbitrary: anything },
  { weight: 1, arbitrary: deep },
);

/** What JSON makes of a value: undefined properties are gone, and -0 is 0. */
const throughJson = (value: unknown): unknown =>
  value === undefined ? undefined : (JSON.parse(JSON.stringify(value)) as unknown);

const isReadable = ({ pointer, code, message }: Finding) =>
  /^(\/([^~]|~[01])*)*$/s.test(pointer) && /^[a-z_]+$/.test(code) && message !== "";

describe("whatever is sent", () => {
  const seen = { accepted: 0, rejected: 0, duplicate: 0 };

  test("is admitted or refused, without a throw and with reasons", () => {
    fc.assert(
      fc.property(fc.array(inputs, { maxLength: 3 }), (batch) => {
        const { results, accepted } = admit(batch, at);
        expect(results.map((result) => result.index)).toEqual([...batch.keys()]);
        const ids = accepted.map(({ event }) => event.id);
        expect(new Set(ids).size).toBe(ids.length);
        expect(ids).toEqual(
          results.filter(({ status }) => status === "accepted").map(({ id }) => id),
        );
        for (const result of results) {
          seen[result.status]++;
          if (result.status !== "rejected") continue;
          const { errors } = result.error;
          expect(errors.length).toBeGreaterThanOrEqual(1);
          expect(errors.length).toBeLessThanOrEqual(maxFindings);
          expect(errors.filter((finding) => !isReadable(finding))).toEqual([]);
        }
      }),
      { numRuns: 3_000 },
    );
  });

  test("and let in stays the same through JSON", () => {
    fc.assert(
      fc.property(fc.oneof(plausible, spoiled), (input) => {
        const [admitted] = admit([input], at).accepted;
        if (admitted === undefined) return;
        const { event } = admitted;
        const json = jsonOfAll([admitted]);
        const sent = input as Readonly<Record<string, unknown>>;
        expect(json).toBe(JSON.stringify(event));
        expect(json.isWellFormed()).toBe(true);
        const again = JSON.parse(json) as Readonly<Record<string, unknown>>;
        expect(JSON.stringify(again)).toBe(json);
        for (const field of ["data", "metadata"]) {
          expect(isDeepStrictEqual(again[field], throughJson(sent[field] ?? undefined))).toBe(true);
        }
        expect([again["id"], again["type"], again["source"], again["correlationId"]]).toEqual([
          sent["id"] ?? `generated-${generated}`,
          sent["type"],
          sent["source"],
          sent["correlationId"] ?? undefined,
        ]);
        expect(event.timestamp).toBeLessThanOrEqual(now + maxAheadMs);
        expect(eventBytes(input)).toBeLessThanOrEqual(maxEventBytes);
      }),
      { numRuns: 3_000 },
    );
  });

  test("and admitted once is admitted again in the form it was given", () => {
    fc.assert(
      fc.property(plausible, (input) => {
        const [first] = admit([input], at).accepted;
        if (first === undefined) return;
        const { receivedAt, undated, ...fields } = first.event;
        const [second] = admit([JSON.parse(JSON.stringify(fields))], at).accepted;
        expect(second?.event).toEqual(throughJson({ ...fields, receivedAt }));
        expect(undated).toBe(
          (input as { timestamp?: unknown }).timestamp === undefined || undefined,
        );
      }),
      { numRuns: 1_000 },
    );
  });

  test("was of both kinds in these tests", () => {
    expect(seen.accepted).toBeGreaterThan(500);
    expect(seen.rejected).toBeGreaterThan(500);
  });
});
