import type { StoredEvent } from "../../lib/event/event.ts";
import type { EventStore } from "../../lib/store/store.ts";
import type { Place, StoredQuery } from "../../lib/store/stored.ts";
import { eventually } from "../support/eventually.ts";
import { event, type OnStore } from "./store-harness.ts";

const query: StoredQuery = {
  after: null,
  projects: ["p"],
  counted: [],
  limit: 500,
  window: 10_000,
};

/** Begins to follow. */
async function follow(store: EventStore): Promise<Place> {
  await store.tellOrder?.(60_000);
  return (await store.stored(query)).end;
}

/** Everything behind a place, read piece by piece. */
async function allBehind(store: EventStore, after: Place, limit: number): Promise<string[]> {
  const ids: string[] = [];
  for (let place = after; ;) {
    const { events, upTo, end } = await store.stored({ ...query, after: place, limit });
    expect(events.length).toBeLessThanOrEqual(limit);
    ids.push(...events.map(({ event: { id } }) => id));
    if (upTo[0] === end[0] && upTo[1] === end[1]) return ids;
    place = upTo;
  }
}

const batchOf = (batch: string, ids: readonly string[], more: Partial<StoredEvent> = {}) =>
  ids.map((id) => event(id, { batch, ...more }));

/** `stored`. */
export function storedContract(onStore: OnStore): void {
  describe("the order of storing", () => {
    test(
      "has what each batch owned once, behind any place, for whom it is asked, however it is cut",
      onStore(async (store) => {
        await store.append("b0", batchOf("b0", ["before"]));
        const start = await follow(store);
        await store.append("b1", batchOf("b1", ["a", "b", "c"]));
        await store.append("b2", batchOf("b2", ["x", "y"], { project: "q", type: "other" }));
        await store.append("b3", batchOf("b3", ["c", "d"], { timestamp: 1 }));
        await store.append("b1", batchOf("b1", ["a", "b", "c"]));
        for (const limit of [1, 2, 500]) {
          expect(await allBehind(store, start, limit)).toEqual(["a", "b", "c", "d"]);
        }
        const whole = await store.stored({ ...query, after: start, counted: ["q"] });
        expect(whole.events.map(({ event: one }) => one)).toEqual([
          ...batchOf("b1", ["a", "b", "c"]),
          ...batchOf("b3", ["d"], { timestamp: 1 }),
        ]);
        expect(whole.counts.toSorted(([a], [b]) => (a < b ? -1 : 1))).toEqual([
          ["p", "mail.opened", 4],
          ["q", "other", 2],
        ]);
        const behindB = whole.events[1]!.place;
        expect(await allBehind(store, behindB, 1)).toEqual(["c", "d"]);
        const none = await store.stored({ ...query, after: whole.end });
        expect(none).toMatchObject({ events: [], counts: [], isHeld: true });
      }),
    );

    test(
      "counts types whatever their names",
      onStore(async (store) => {
        const start = await follow(store);
        const types = ["constructor", "__proto__", "toString", "__proto__", "7", "constructor"];
        const events = types.map((type, i) => event(`e${i}`, { batch: "b1", type }));
        await store.append("b1", events);
        const { counts } = await store.stored({ ...query, after: start });
        expect([...counts].toSorted(([, a], [, b]) => (a < b ? -1 : 1))).toEqual([
          ["p", "7", 1],
          ["p", "__proto__", 2],
          ["p", "constructor", 2],
          ["p", "toString", 1],
        ]);
      }),
    );

    test(
      "has an event that joins its batch late where it was stored, once",
      onStore(async (store) => {
        const start = await follow(store);
        await store.append("b1", batchOf("b1", ["a", "b"]));
        await store.append("b2", batchOf("b2", ["x"]));
        await store.append("b1", batchOf("b1", ["late", "a", "b"]));
        for (const id of ["later", "latest"]) await store.append("b1", batchOf("b1", [id]));
        await store.append("b1", batchOf("b1", ["late", "latest", "later", "a", "b"]));
        for (const limit of [1, 500]) {
          const order = ["a", "b", "x", "late", "later", "latest"];
          expect(await allBehind(store, start, limit)).toEqual(order);
        }
        const { counts } = await store.stored({ ...query, after: start, counted: ["p"] });
        expect(counts.reduce((sum, [, , count]) => sum + count, 0)).toBe(6);
      }),
    );

    test(
      "tells whether everything behind a place is within the window",
      onStore(async (store) => {
        const end = await follow(store);
        const ids = Array.from({ length: 10 }, (_, i) => `e${i}`);
        await store.append("b1", batchOf("b1", ids));
        const isHeld = async (after: Place, window: number) =>
          (await store.stored({ ...query, after, window })).isHeld;
        expect(await isHeld(end, 10)).toBe(true);
        expect(await isHeld(end, 9)).toBe(false);
        expect(await isHeld([end[0] + 1_000, 0], 10_000)).toBe(false);
      }),
    );

    test(
      "goes on where it was once the store is opened again, and shows nobody what others still write",
      onStore(async (store, harness) => {
        const end = await follow(store);
        const batches = Array.from({ length: 20 }, (_, i) => `b${i}`);
        const seen: string[] = [];
        let place = end;
        const writing = Promise.all(batches.map((b) => store.append(b, batchOf(b, [`of ${b}`]))));
        await eventually(async () => {
          const part = await store.stored({ ...query, after: place, limit: 3 });
          place = part.upTo;
          seen.push(...part.events.map(({ event: { id } }) => id));
          expect(seen).toHaveLength(20);
        });
        await writing;
        expect(new Set(seen).size).toBe(20);
        await store.close();
        const again = await harness.open();
        // Behind a number whose batch never came a store that was just opened waits for a moment.
        await eventually(async () => expect(await allBehind(again, end, 500)).toEqual(seen));
        // Who began to follow before this process began, follows it too.
        await again.append("after", batchOf("after", ["later"]));
        await eventually(async () => {
          expect(await allBehind(again, end, 500)).toEqual([...seen, "later"]);
        });
      }),
    );
  });
}
