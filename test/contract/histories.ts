import fc from "fast-check";
import { deltasOf } from "../../lib/counting/delta.ts";
import { builtInDimensions } from "../../lib/counting/dimensions.ts";
import type { StoredEvent } from "../../lib/event/event.ts";
import { QuestionReads } from "../../lib/answers/reads.ts";
import { rollUp, rollUpAll, storeBatch } from "../../lib/store/protocol.ts";
import type { EventStore } from "../../lib/store/store.ts";
import { generousBudget } from "../fixtures/budget.ts";
import { eventOf, eventsWithin, names, origin } from "../support/arbitraries.ts";

export const spanMs = 3 * 86_400_000;

/** What happens to events of a project until they are asked about. */
export interface History {
  readonly events: readonly StoredEvent[];
  readonly batches: number;
  readonly rolledUp: "not" | "in part" | "all";
  /** More than a rollup keeps: types or sources with an event each, all within a minute, an hour or a day. */
  readonly many: { readonly what: "type" | "source"; readonly withinMs: number } | null;
  /** An event of a clock that is years off, of a source of its own. */
  readonly misdated: number | null;
}

const alike = `https://example.com/${"x".repeat(300)}`;

/** Alike in what a rollup keeps of them. */
const longValues = [`${alike}1`, `${alike}2`, "y".repeat(254), "y".repeat(255)] as const;

const plain: fc.Arbitrary<History> = fc.record({
  events: eventsWithin(spanMs, 30).chain((events) =>
    fc
      .array(fc.tuple(fc.nat(2), fc.constantFrom(...longValues)), {
        minLength: events.length,
        maxLength: events.length,
      })
      .map((changes) => events.map((event, i) => changed(event, ...changes[i]!))),
  ),
  batches: fc.integer({ min: 1, max: 3 }),
  rolledUp: fc.constantFrom("not", "in part", "all"),
  many: fc.constant(null),
  misdated: fc.option(fc.constantFrom(Date.UTC(2001, 3, 1), Date.UTC(1971, 0)), { nil: null }),
});

/** Most with few events; one in fifteen with more values than a rollup keeps. */
const history: fc.Arbitrary<History> = fc
  .tuple(
    plain,
    fc.option(
      fc.record({
        what: fc.constantFrom("type" as const, "source" as const),
        withinMs: fc.constantFrom(60_000, 3_600_000, spanMs),
      }),
      { nil: null, freq: 15 },
    ),
  )
  .map(([past, many]) => ({ ...past, many }));

/** Histories for an engine that bears so many events: one that scans for each query gets none of many values. */
export function historiesWith(many = 5_000): fc.Arbitrary<History> {
  return many < 1_500 ? plain : history;
}

/** Some on whole hours, so that several are of one instant; some with a long source, or property. */
function changed(event: StoredEvent, kind: number, long: string): StoredEvent {
  if (kind === 0) return { ...event, timestamp: event.timestamp - (event.timestamp % 3_600_000) };
  if (kind === 1) return { ...event, source: long, data: { a: long } };
  return event;
}

function eventsOf({ events, many, misdated }: History): readonly StoredEvent[] {
  const more: StoredEvent[] = [];
  if (misdated !== null)
    more.push(eventOf({ id: "misdated", source: "clock", timestamp: misdated }));
  for (let i = 0; many !== null && i < 1_010; i++) {
    const timestamp = origin + Math.floor((i * many.withinMs) / 1_010);
    more.push(eventOf({ id: `m${i}`, timestamp, [many.what]: `rare${i}` }));
  }
  return [...events, ...more];
}

/** One of the types or sources that there are many of. */
export const rare = fc.oneof(
  names,
  fc.constantFrom("rare0", "rare7", "rare1009", "clock", ...longValues),
);

/** Store a history: out of order, each batch with events of the one before, some batches twice. */
export async function live(
  store: EventStore,
  project: string,
  past: History,
): Promise<readonly StoredEvent[]> {
  const { batches, rolledUp } = past;
  const own = eventsOf(past).map((event) => ({ ...event, project }));
  for (let b = 0; b < batches; b++) {
    const batch = `${project}-b${b}`;
    const some = own
      .filter((_, i) => i % batches === b || i % (b + 2) === 0)
      .map((event) => ({ ...event, batch }));
    if (some.length === 0) continue;
    const count = (of: readonly StoredEvent[]) => deltasOf(batch, project, of, builtInDimensions);
    const done = { batch, project, events: some, deltas: count(some) };
    for (let time = 0; time <= b % 2; time++) {
      await storeBatch(store, done, (of) => Promise.resolve(count(of)));
    }
    if (rolledUp === "in part" && b === 0) await rollUp(store, "minute", 5);
  }
  if (rolledUp === "all") await rollUpAll(store, 1_000);
  return own;
}

export function readsOf(store: EventStore, project: string): QuestionReads {
  return new QuestionReads({
    store,
    project,
    rolledUp: builtInDimensions,
    budget: generousBudget(),
  });
}
