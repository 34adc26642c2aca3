import { ServiceError } from "../../lib/errors.ts";
import type { StoredEvent } from "../../lib/event/event.ts";
import type { EventStore } from "../../lib/store/store.ts";
import type { EventQuery } from "../../lib/event/filter.ts";
import type { EventPage, PageLimits } from "../../lib/event/event-page.ts";
import { eventually } from "../support/eventually.ts";
import { event, ids, minute, type OnStore, type StoreTraits } from "./store-harness.ts";

const patient: PageLimits = { maxBytes: Infinity, timeoutMs: 60_000 };

/** All pages of a query. */
async function pagesOf(
  store: EventStore,
  query: EventQuery,
  limits: Partial<PageLimits>,
): Promise<readonly EventPage[]> {
  const pages: EventPage[] = [];
  for (let { after } = query; ;) {
    const next = { ...query, after };
    // A server on a busy machine may look at nothing in the least time that it is given.
    const page = await eventually(() => store.page(next, { ...patient, ...limits }));
    pages.push(page);
    if (page.next === undefined) return pages;
    after = page.next;
  }
}

function joined(pages: readonly EventPage[]): string[] {
  return ids(pages.flatMap(({ events }) => events));
}

/** `page`: what `events` finds, in parts that are bounded in every way. */
export function pagesContract(onStore: OnStore, { many: count = 5_000 }: StoreTraits): void {
  describe("pages of events", () => {
    const some: readonly StoredEvent[] = Array.from({ length: 25 }, (_, i) =>
      event(`e${10 + i}`, {
        type: i % 3 === 0 ? "a" : "b",
        timestamp: minute + (i >> 2),
        data: { plan: i % 2 === 0 ? "pro" : "free", note: "é".repeat(200) },
        source: i % 5 === 0 ? "app" : "web",
        correlationId: `c${i % 5}`,
        metadata: { userId: `u${i % 2}` },
      }),
    );
    const pro = { path: ["data", "plan"], op: "is", values: ["pro"] } as const;
    const queries: readonly Partial<EventQuery>[] = [
      {},
      { order: "desc" },
      { types: ["a", "b"] },
      { userId: "u1", types: ["a"] },
      { correlationId: "c2", order: "desc", where: [pro] },
      { sources: ["app"], from: minute + 1, to: minute + 5 },
      { where: [pro], order: "desc" },
      { types: ["none"] },
    ];

    test(
      "are joined what is found, whatever ends them",
      onStore(async (store) => {
        await store.append("b", some);
        for (const more of queries) {
          const query = { project: "p", order: "asc", limit: 100, ...more } as const;
          const expected = ids(await store.events(query));
          const [whole, ...others] = await pagesOf(store, query, {});
          expect(ids(whole!.events)).toEqual(expected);
          expect(others).toEqual([]);
          expect(whole!.endedBy).toBeUndefined();
          const short = await pagesOf(store, { ...query, limit: 4 }, {});
          expect(joined(short)).toEqual(expected);
          expect(short.every(({ events, endedBy }) => events.length <= 4 && !endedBy)).toBe(true);
          const small = await pagesOf(store, query, { maxBytes: 2_000 });
          expect(joined(small)).toEqual(expected);
          const byBytes = small.slice(0, -1);
          expect(byBytes.every(({ endedBy }) => endedBy === "bytes")).toBe(true);
          expect(small.every(({ events }) => events.length <= 4)).toBe(true);
        }
      }),
    );

    test(
      "end with what was looked at when the time is over, and go on from there",
      onStore(async (store) => {
        const half = count / 2;
        const rare = [half + 50, count - 50];
        const many = Array.from({ length: count }, (_, i) =>
          event(`e${i}`, {
            type: i % 2 === 0 ? "a" : "b",
            // Many of one instant, as batches of other systems have.
            timestamp: minute + (i < half ? 0 : i),
            data: rare.includes(i) ? { rare: true } : {},
          }),
        );
        for (let i = 0; i < many.length; i += 1_000) {
          await store.append(`b${i}`, many.slice(i, i + 1_000));
        }
        const where = [{ path: ["data", "rare"], op: "is", values: [true] }] as const;
        for (const order of ["asc", "desc"] as const) {
          for (const types of order === "asc" ? [undefined, ["b", "a"]] : [undefined]) {
            const query = { project: "p", order, limit: 10, where, types };
            const found = (order === "asc" ? rare : rare.toReversed()).map((i) => `e${i}`);
            const [page, ...others] = await pagesOf(store, query, {});
            expect([ids(page!.events), others]).toEqual([found, []]);
            const late = await pagesOf(store, query, { timeoutMs: 0 });
            expect(joined(late)).toEqual(found);
            expect(late.length).toBeGreaterThan(1);
            expect(late.slice(0, -1).every(({ endedBy }) => endedBy === "time")).toBe(true);
            expect(await store.countEvents({ project: "p", where, types })).toBe(2);
          }
        }
      }),
    );

    test(
      "and all else end where nobody waits any more",
      onStore(async (store) => {
        await store.append("b", some);
        const query = { project: "p", order: "asc", limit: 10, where: [pro] } as const;
        const job = {
          kind: "breakdown",
          metrics: [{ op: "count" }],
          dimensions: [],
          totals: false,
          maxGroups: 10,
        } as const;
        const reads = (limits: PageLimits) => [
          store.page(query, limits),
          store.page({ ...query, where: [] }, limits),
          store.eventsText(query, { format: "ndjson" }, limits),
          store.countEvents(query, limits),
          store.analyze({ project: "p", where: [pro] }, job, limits),
        ];
        const controller = new AbortController();
        const limits = { ...patient, signal: controller.signal };
        await Promise.all(reads(limits));
        const ended = Promise.allSettled(reads(limits));
        controller.abort(new ServiceError("CALLER_LEFT"));
        const left = { status: "rejected", reason: { type: "CALLER_LEFT" } };
        // What was done by then is answered, whoever waits.
        const broken = (await ended).filter(({ status }) => status === "rejected");
        expect(broken).toMatchObject(broken.map(() => left));
        const late = await Promise.allSettled(reads(limits));
        expect(late).toMatchObject(late.map(() => left));
        expect((await store.page(query, patient)).events.length).toBe(10);
      }),
    );
  });
}
