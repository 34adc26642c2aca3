import fc from "fast-check";
import { type StoredEvent, userOf } from "../../lib/event/event.ts";
import type { EventStore } from "../../lib/store/store.ts";
import type { EventFilter, EventQuery } from "../../lib/event/filter.ts";
import { event, ids, minute, type OnStore, type StoreTraits } from "./store-harness.ts";

/** All pages of a query, joined. */
async function pages(store: EventStore, query: EventQuery): Promise<StoredEvent[]> {
  const all: StoredEvent[] = [];
  for (let after = query.after; ; after = all.at(-1)) {
    const page = await store.events({ ...query, after });
    expect(page.length).toBeLessThanOrEqual(query.limit);
    all.push(...page);
    if (page.length < query.limit) return all;
  }
}

/** What a filter is to find, in ascending order. */
function reference(events: readonly StoredEvent[], filter: EventFilter): StoredEvent[] {
  const { project, types, sources, correlationId, userId, from, to } = filter;
  return events
    .filter(
      (it) =>
        it.project === project &&
        (types === undefined || types.includes(it.type)) &&
        (sources === undefined || sources.includes(it.source)) &&
        (correlationId === undefined || it.correlationId === correlationId) &&
        (userId === undefined || userOf(it) === userId) &&
        (from === undefined || it.timestamp >= from) &&
        (to === undefined || it.timestamp < to),
    )
    .sort((a, b) => a.timestamp - b.timestamp || (a.id < b.id ? -1 : 1));
}

const some = <T>(values: readonly T[]) => fc.constantFrom(...values);
const timestamps = some([minute - 1, minute, minute + 1, minute + 2, minute + 60_000]);
const labels = some(["web", "app", "a\ud800", "\u0001", "é"]);

const storedEvents = fc
  .array(
    fc.record(
      {
        type: some(["a", "b", "c/d"]),
        timestamp: timestamps,
        source: labels,
        project: some(["p", "p", "p", "q"]),
        correlationId: labels,
        metadata: fc.record(
          {
            userId: fc.oneof(labels, some([7, null, ""])),
            anonymousId: fc.oneof(labels, some([7])),
          },
          { requiredKeys: [] },
        ),
      },
      { requiredKeys: ["type", "timestamp", "source", "project"] },
    ),
    { minLength: 1, maxLength: 60 },
  )
  .map((parts) => parts.map((part, i) => event(`${(i * 7) % 60}-${i}`, part)));

const filters: fc.Arbitrary<EventFilter> = fc.record(
  {
    project: some(["p", "p", "q", "none"]),
    types: fc.array(some(["a", "b", "c/d", "x"]), { maxLength: 3 }),
    sources: fc.array(labels, { maxLength: 2 }),
    correlationId: labels,
    userId: fc.oneof(labels, some(["7"])),
    from: timestamps,
    to: timestamps,
  },
  { requiredKeys: ["project"] },
);

/** `events` and `countEvents`, all but their conditions. */
export function eventsContract(onStore: OnStore, { runs = 30 }: StoreTraits): void {
  describe("events", () => {
    test(
      "come by timestamp, then id, in the order asked for",
      onStore(async (store) => {
        const at = (id: string, timestamp: number) => event(id, { timestamp });
        await store.append("b1", [at("b", 2), at("B", 2), at("a:1", 2), at("z", 1), at("a", 3)]);
        const ascending = ["z", "B", "a:1", "b", "a"];
        const query = { project: "p", limit: 10 };
        expect(ids(await store.events({ ...query, order: "asc" }))).toEqual(ascending);
        expect(ids(await store.events({ ...query, order: "desc" }))).toEqual(
          ascending.toReversed(),
        );
        const two = await store.events({ ...query, order: "desc", limit: 2 });
        expect(ids(two)).toEqual(["a", "b"]);
      }),
    );

    test(
      "are paged without gap or repeat where many have one timestamp, also while more come",
      onStore(async (store) => {
        const first = Array.from({ length: 50 }, (_, i) => event(`e${10 + i}`));
        await store.append("b1", first);
        const page = await store.events({ project: "p", order: "asc", limit: 20 });
        await store.append("b2", [
          event("e0", { timestamp: minute }),
          event("early", { timestamp: minute - 1 }),
          event("e99"),
        ]);
        const rest = await pages(store, {
          project: "p",
          order: "asc",
          limit: 7,
          after: page.at(-1),
        });
        expect(ids([...page, ...rest])).toEqual([...ids(first), "e99"]);
      }),
    );

    test(
      "may be asked for after a position where no event is",
      onStore(async (store) => {
        await store.append("b1", [event("a"), event("c"), event("d", { timestamp: minute + 1 })]);
        const query = { project: "p", limit: 10 };
        const after = { timestamp: minute, id: "b" };
        expect(ids(await store.events({ ...query, order: "asc", after }))).toEqual(["c", "d"]);
        expect(ids(await store.events({ ...query, order: "desc", after }))).toEqual(["a"]);
        const outside = { ...query, from: minute + 1, to: minute + 2 };
        expect(ids(await store.events({ ...outside, order: "asc", after }))).toEqual(["d"]);
        expect(ids(await store.events({ ...outside, order: "desc", after }))).toEqual([]);
        const later = { timestamp: minute + 9, id: "x" };
        expect(ids(await store.events({ ...outside, order: "desc", after: later }))).toEqual(["d"]);
        expect(ids(await store.events({ ...outside, order: "asc", after: later }))).toEqual([]);
      }),
    );

    test("that all filters allow are found, paged and counted, and no others (any events, any filter)", async () => {
      await fc.assert(
        fc.asyncProperty(
          storedEvents,
          fc.array(filters, { minLength: 8, maxLength: 8 }),
          (events, filters) =>
            onStore(async (store) => {
              await store.append("b", events);
              for (const filter of filters) {
                const expected = ids(reference(events, filter));
                const query = { ...filter, limit: 7 };
                expect(ids(await pages(store, { ...query, order: "asc" }))).toEqual(expected);
                const descending = await pages(store, { ...query, order: "desc" });
                expect(ids(descending)).toEqual(expected.toReversed());
                expect(await store.countEvents(filter)).toBe(expected.length);
              }
            })(),
        ),
        { numRuns: runs },
      );
    });
  });
}
