import fc from "fast-check";
import type { EventContext, JsonObject, StoredEvent } from "../../lib/event/event.ts";

/** Names that mean something to objects in JavaScript, and some that do not. */
export const names: fc.Arbitrary<string> = fc.constantFrom(
  "__proto__",
  "constructor",
  "toString",
  "hasOwnProperty",
  "7",
  "a",
  "b",
  "c",
);

export const origin = Date.UTC(2024, 2, 10);

const metadata = fc.option(
  fc.oneof(
    fc.record({ userId: names }),
    fc.record({ anonymousId: fc.oneof(names, fc.integer({ min: 0, max: 9 })) }),
    fc.constant({ userId: null, anonymousId: "b" }),
    fc.constant({ userId: "", anonymousId: ["b"] }),
  ),
  { nil: undefined },
) as fc.Arbitrary<JsonObject | undefined>;

const context = fc.record(
  {
    browser: names,
    bot: fc.boolean(),
    utm: fc.record({ source: names }, { requiredKeys: [] }),
  },
  { requiredKeys: [] },
) as fc.Arbitrary<EventContext>;

/** Events of few types, users and values, within `spanMs` from `origin`. */
export function eventsWithin(spanMs: number, maxLength = 40): fc.Arbitrary<StoredEvent[]> {
  const event = fc
    .record({
      type: names,
      source: names,
      timestamp: fc.integer({ min: origin, max: origin + spanMs - 1 }),
      metadata,
      context,
      data: fc.option(fc.dictionary(names, fc.jsonValue({ maxDepth: 1 })), { nil: undefined }),
    })
    .map(
      (fields) => fields as Omit<StoredEvent, "id" | "project" | "batch" | "hash" | "receivedAt">,
    );
  return fc.array(event, { maxLength }).map((events) =>
    events.map((fields, i) => ({
      ...fields,
      id: `e${i}`,
      project: "p",
      batch: "b",
      hash: "h",
      receivedAt: fields.timestamp,
    })),
  );
}

/** An event of type `t` with nothing but what is given. */
export function eventOf(fields: Partial<StoredEvent>): StoredEvent {
  return {
    id: "e",
    type: "t",
    source: "s",
    timestamp: origin,
    receivedAt: origin,
    project: "p",
    batch: "b",
    hash: "h",
    context: {},
    ...fields,
  };
}

/** Any plain value as entries in the order of their keys: comparable whatever its prototypes and order. */
export function canonical(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(canonical);
  if (typeof value !== "object" || value === null) return value;
  return Object.entries(value)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, inner]) => [key, canonical(inner)]);
}
