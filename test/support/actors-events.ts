import fc from "fast-check";
import type { ActorKind } from "../../lib/questions/sequences/actor.ts";
import type { Selection } from "../../lib/questions/sequences/selection.ts";
import { type StoredEvent, userOf } from "../../lib/event/event.ts";
import { meets } from "../../lib/event/filter.ts";
import { eventOf, origin } from "./arbitraries.ts";

/** Types of which some are names of objects in JavaScript. */
const types = ["a", "b", "c", "__proto__"];

/**
 * Events of few actors, types, values and instants, so that all of them meet and tie; in any order.
 * Some are nobody's.
 * @param stepMs what instants are multiples of
 */
export function actorsEvents(stepMs: number, maxLength: number = 40): fc.Arbitrary<StoredEvent[]> {
  const actor = fc.constantFrom("u1", "u2", "constructor", undefined);
  const event = fc
    .record({
      type: fc.constantFrom(...types),
      step: fc.integer({ min: 0, max: 12 }),
      userId: fc.oneof(actor, fc.constant(7), fc.constant("7")),
      anonymousId: fc.constantFrom("u1", undefined),
      sessionId: actor,
      correlationId: actor,
      plan: fc.constantFrom("pro", "free", "__proto__", null, 3, undefined),
    })
    .map(({ type, step, userId, anonymousId, sessionId, correlationId, plan }) => ({
      type,
      timestamp: origin + step * stepMs,
      correlationId,
      metadata: JSON.parse(JSON.stringify({ userId, anonymousId, sessionId })) as object,
      data: plan === undefined ? {} : { plan },
    }));
  return fc
    .array(event, { maxLength })
    .map((events) =>
      events.map((fields, i) => eventOf({ ...(fields as Partial<StoredEvent>), id: `e${i}` })),
    );
}

export const selections: fc.Arbitrary<Selection & { readonly type: string }> = fc.record(
  {
    type: fc.constantFrom(...types),
    filters: fc.constantFrom(
      { path: ["data", "plan"], op: "is", values: ["pro"] } as const,
      { path: ["data", "plan"], op: "exists", value: true } as const,
    ),
  },
  { requiredKeys: ["type"] },
);

export const actorKinds: fc.Arbitrary<ActorKind> = fc.constantFrom(
  "user",
  "correlationId",
  "session",
);

/** Whether an event is in a selection. */
export function isIn(event: StoredEvent, { type, filters }: Selection): boolean {
  return (
    (type === undefined || event.type === type) && (filters === undefined || meets(event, filters))
  );
}

/** The events of each actor, ascending. */
export function byActor(
  events: readonly StoredEvent[],
  by: ActorKind,
): readonly (readonly StoredEvent[])[] {
  const actors = new Map<unknown, StoredEvent[]>();
  for (const event of events) {
    const actor = actorOf(event, by);
    if (actor !== undefined) actors.set(actor, [...(actors.get(actor) ?? []), event]);
  }
  return [...actors.values()].map((own) => own.sort((x, y) => x.timestamp - y.timestamp));
}

function actorOf(event: StoredEvent, by: ActorKind): unknown {
  if (by === "user") return userOf(event);
  return by === "correlationId" ? event.correlationId : event.metadata?.["sessionId"];
}

/** What a breakdown calls an event's `data.plan`. */
export function planOf(event: StoredEvent): string {
  return String((event.data as { plan?: string | number | null }).plan ?? "(none)");
}
