import fc from "fast-check";
import type { JsonObject } from "../../lib/event/event.ts";
import type { Ownership } from "../../lib/store/store.ts";
import { asJson, event, ids, minute, type OnStore, type StoreTraits } from "./store-harness.ts";

const numbered = (count: number) => Array.from({ length: count }, (_, i) => event(`e${i}`));
const owned = (ownership: Ownership) => [...ownership.owned].sort();

/** `append` and `event`. */
export function appendContract(onStore: OnStore, { runs = 30 }: StoreTraits): void {
  describe("append", () => {
    test(
      "keeps events, stamped with the batch, across a close",
      onStore(async (store, harness) => {
        const full = event("full", {
          data: { plan: "pro" },
          correlationId: "c",
          metadata: { userId: "u" },
          context: { device: "mobile", utm: { source: "mail" } },
        });
        const ownership = await store.append("b1", [full, event("bare")]);
        expect(owned(ownership)).toEqual(["bare", "full"]);
        expect(ownership.foreign).toEqual([]);
        await store.close();
        const reopened = await harness.open();
        expect(await reopened.event("p", "full")).toStrictEqual({ ...full, batch: "b1" });
        expect(await reopened.event("p", "bare")).toStrictEqual({ ...event("bare"), batch: "b1" });
      }),
    );

    test(
      "of nothing owns nothing",
      onStore(async (store) => {
        expect(await store.append("b1", [])).toEqual({
          owned: new Set(),
          foreign: [],
          held: new Set(),
        });
      }),
    );

    test(
      "of the same batch again gives the same ownership and changes nothing",
      onStore(async (store) => {
        const first = await store.append("b1", [event("a", { data: 1 }), event("b")]);
        const again = await store.append("b1", [event("a", { data: 2 }), event("b")]);
        expect(again).toEqual(first);
        expect(await store.event("p", "a")).toMatchObject({ data: 1 });
      }),
    );

    test(
      "completes a batch that was stored in part",
      onStore(async (store) => {
        await store.append("b1", [event("a")]);
        const ownership = await store.append("b1", [event("a"), event("b")]);
        expect(owned(ownership)).toEqual(["a", "b"]);
      }),
    );

    test(
      "leaves an id to the batch that wrote it first and tells its hash",
      onStore(async (store) => {
        await store.append("b1", [event("a", { hash: "first", data: 1 })]);
        const late = [event("a", { hash: "second", data: 2 }), event("b")];
        const ownership = await store.append("b2", late);
        expect(owned(ownership)).toEqual(["b"]);
        expect(ownership.foreign).toEqual([{ id: "a", hash: "first" }]);
        expect(await store.event("p", "a")).toMatchObject({ batch: "b1", data: 1, hash: "first" });
      }),
    );

    test(
      "takes the same id of two projects for two events",
      onStore(async (store) => {
        await store.append("b1", [event("a", { data: 1 })]);
        const other = await store.append("b2", [event("a", { project: "q", data: 2 })]);
        expect(owned(other)).toEqual(["a"]);
        expect(await store.event("p", "a")).toMatchObject({ batch: "b1", data: 1 });
        expect(await store.event("q", "a")).toMatchObject({ batch: "b2", data: 2 });
      }),
    );

    test(
      "gives each id to exactly one of several batches that come at once",
      onStore(async (store) => {
        const batches = ["b0", "b1", "b2", "b3"];
        const events = numbered(40);
        const ownerships = await Promise.all(
          batches.map((batch, i) =>
            store.append(batch, [...events.slice(i * 10), ...events.slice(0, i * 10)]),
          ),
        );
        for (const { id } of events) {
          const { batch } = (await store.event("p", id))!;
          const owners = batches.filter((_, i) => ownerships[i]!.owned.has(id));
          expect(owners).toEqual([batch]);
          const strangers = ownerships.filter(({ foreign }) => foreign.some((it) => it.id === id));
          expect(strangers).toHaveLength(batches.length - 1);
        }
      }),
    );

    test(
      "of one batch delivered twice at once owns all of it both times",
      onStore(async (store) => {
        const events = numbered(30);
        const both = await Promise.all([store.append("b1", events), store.append("b1", events)]);
        for (const ownership of both) {
          expect(owned(ownership)).toEqual(ids(events).sort());
          expect(ownership.foreign).toEqual([]);
        }
      }),
    );

    test.each([
      [2, 500],
      [20, 100],
    ])(
      "by %i batches of %i events at once, every second in the opposite order, gives each id one owner",
      (writers, size) =>
        onStore(async (store) => {
          const events = numbered(size);
          const ownerships = await Promise.all(
            Array.from({ length: writers }, (_, i) =>
              store.append(`b${i}`, i % 2 === 0 ? events : events.toReversed()),
            ),
          );
          expect(ownerships.flatMap(owned).sort()).toEqual(ids(events).sort());
          for (const { owned: own, foreign } of ownerships) {
            expect(own.size + foreign.length).toBe(events.length);
          }
        })(),
    );

    test(
      "is seen by every read that begins after it resolved",
      onStore(async (store) => {
        for (let i = 0; i < 20; i += 1) {
          await store.append(`b${i}`, [event(`e${i}`)]);
          const query = { project: "p" };
          const [found, page, count] = await Promise.all([
            store.event("p", `e${i}`),
            store.events({ ...query, order: "asc", limit: 100 }),
            store.countEvents(query),
          ]);
          expect([found?.id, page.length, count]).toEqual([`e${i}`, i + 1, i + 1]);
        }
      }),
    );
  });

  describe("event", () => {
    test(
      "is undefined where there is none, also where another project has one",
      onStore(async (store) => {
        await store.append("b1", [event("a")]);
        expect(await store.event("p", "b")).toBeUndefined();
        expect(await store.event("q", "a")).toBeUndefined();
      }),
    );

    test(
      "gives any JSON back as it was, whatever its keys and characters",
      onStore(async (store) => {
        const hostile = JSON.parse(
          String.raw`{"__proto__":{"x":1},"constructor":2,"$where":"1","a.b":{"$gt":0},"":"","\u0000":"a\u0000b","é😀":"\ud800","\udc00":[null,true,1e300,-0.5],"toJSON":"x"}`,
        ) as JsonObject;
        const awkward = event("hostile", {
          data: hostile,
          metadata: { ...hostile, userId: "\ud800", anonymousId: "\u0001" },
          source: "a\u0001\ud800",
          correlationId: "\u0000",
        });
        await store.append("b1", [awkward]);
        expect(await store.event("p", "hostile")).toStrictEqual({ ...awkward, batch: "b1" });
      }),
    );

    test(
      "gives any JSON back as it was (any data)",
      onStore(async (store) => {
        let n = 0;
        const anyJson = fc.jsonValue({ stringUnit: "binary", maxDepth: 6 });
        await fc.assert(
          fc.asyncProperty(fc.array(anyJson, { minLength: 1, maxLength: 10 }), async (values) => {
            const events = values.map((data, i) =>
              event(`${++n}`, { timestamp: minute + i, data: asJson(data) as JsonObject }),
            );
            await store.append(`b${n}`, events);
            const stored = await Promise.all(events.map(({ id }) => store.event("p", id)));
            expect(stored.map((it) => it?.data)).toStrictEqual(events.map((it) => it.data));
          }),
          { numRuns: runs },
        );
      }),
    );
  });
}
