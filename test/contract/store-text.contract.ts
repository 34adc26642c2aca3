import { randomUUID } from "node:crypto";
import { noFloors, type Retention } from "../../lib/counting/floors.ts";
import { textLine, type EventText } from "../../lib/event/event-text.ts";
import { publicEvent, selectFields } from "../../lib/event/public-event.ts";
import { newErasure } from "../../lib/store/erasure-job.ts";
import { goneBy, setRetention } from "../../lib/store/retention.ts";
import type { EventStore } from "../../lib/store/store.ts";
import type { EventQuery } from "../../lib/event/filter.ts";
import { keys, numbers, texts } from "./store-arbitraries.ts";
import { asJson, event, minute, type OnStore } from "./store-harness.ts";

/** All pages joined, and how many events each had. */
async function all(
  store: EventStore,
  query: EventQuery,
  text: EventText,
  maxBytes = Infinity,
): Promise<{ readonly text: string; readonly sizes: readonly number[] }> {
  const sizes: number[] = [];
  let joined = "";
  for (let { after } = query; ;) {
    const limits = { maxBytes, timeoutMs: Infinity };
    const page = await store.eventsText({ ...query, after }, text, limits);
    sizes.push(page.events);
    joined += page.text;
    if (page.next === undefined) return { text: joined, sizes };
    after = page.next;
  }
}

/** `eventsText`: what `events` finds, as text. */
export function textContract(onStore: OnStore): void {
  describe("events as text", () => {
    const some = Array.from({ length: 25 }, (_, i) =>
      event(`e${10 + i}`, {
        type: i % 3 === 0 ? "a" : "b",
        timestamp: minute + (i >> 2),
        data: { plan: i % 2 === 0 ? "pro" : "free", note: `${"x".repeat(i)},"\n` },
        correlationId: `c${i % 5}`,
      }),
    );
    const queries: readonly Partial<EventQuery>[] = [
      {},
      { order: "desc" },
      { types: ["a", "b"] },
      { types: ["a"], from: minute + 1, to: minute + 5 },
      { correlationId: "c2", order: "desc" },
      { where: [{ path: ["data", "plan"], op: "is", values: ["pro"] }] },
      { types: ["none"] },
    ];
    const texts: readonly EventText[] = [
      { format: "ndjson" },
      { format: "csv" },
      { format: "csv", fields: [["id"], ["data", "note"]] },
    ];

    test(
      "are the pages of events, joined, whatever their size",
      onStore(async (store) => {
        await store.append("b", some);
        for (const more of queries) {
          for (const text of texts) {
            const query = { project: "p", order: "asc", ...more } as const;
            const found = await store.events({ ...query, limit: 100 });
            const expected = found.map((each) => textLine(each, text)).join("");
            const whole = await all(store, { ...query, limit: 100 }, text);
            expect(whole).toEqual({ text: expected, sizes: [found.length] });
            expect((await all(store, { ...query, limit: 7 }, text)).text).toBe(expected);
          }
        }
      }),
    );

    test(
      "end at the limit and at the size, with at least one event, and the last page says that it is",
      onStore(async (store) => {
        await store.append("b", some);
        const query = { project: "p", order: "asc", limit: 5 } as const;
        const sizes = async (more: Partial<EventQuery>, maxBytes?: number) =>
          (await all(store, { ...query, ...more }, { format: "ndjson" }, maxBytes)).sizes;
        expect(await sizes({})).toEqual([5, 5, 5, 5, 5]);
        expect(await sizes({ limit: 24 })).toEqual([24, 1]);
        expect(await sizes({ limit: 25 })).toEqual([25]);
        expect(await sizes({ limit: 100 }, 1)).toEqual(some.map(() => 1));
        const large = await sizes({ limit: 100 }, 4_000);
        expect(large.length).toBeGreaterThan(2);
        expect(large.every((size) => size > 1 || size === large.at(-1))).toBe(true);
        expect(await sizes({ types: ["none"] })).toEqual([0]);
      }),
    );

    test(
      "are listed as JSON of what the API shows, page by page, if a store can do that",
      onStore(async (store) => {
        await store.append("b", odd);
        for (const more of queries) {
          for (const fields of [undefined, [["type"], ["data", "plan"]]] as const) {
            const query = { project: "p", order: "asc", limit: 30, ...more } as const;
            for (const limits of [unlimited, { ...unlimited, maxBytes: 3_000 }]) {
              const { events, ...end } = await store.page(query, limits);
              const found = await store.list?.(query, fields, limits);
              expect(found === undefined).toBe(!("list" in store));
              if (found === undefined) return;
              const { json, events: count, retention, ...ended } = found;
              const shown = events.map(publicEvent);
              const expected = fields ? shown.map((one) => selectFields(one, fields)) : shown;
              expect(json).toBe(JSON.stringify(expected));
              expect([count, retention, ended]).toEqual([events.length, undefined, end]);
            }
          }
        }
      }),
    );

    test(
      "are listed with the project's retention, and not while it has an open job",
      onStore(async (store) => {
        if (store.list === undefined) return;
        await store.append("b", some);
        const keep: Retention = { events: 1, minutes: 1, hours: 1, days: 1, types: {} };
        await setRetention(store, "p", keep, minute);
        const query = { project: "p", order: "asc", limit: 3 } as const;
        const found = await store.list(query, undefined, unlimited);
        expect(goneBy(found?.retention)).toEqual({
          sealed: noFloors,
          lost: noFloors,
          lostFrom: null,
        });
        const erasure = { kind: "eraseSubject", userId: "u" } as const;
        await store.putJob(newErasure("p", "j1", { erasure, reusable: false }, minute));
        expect(await store.list(query, undefined, unlimited)).toBeUndefined();
        const other = await store.list({ ...query, project: "q" }, undefined, unlimited);
        expect(other?.events).toBe(0);
      }),
    );
  });
}

const unlimited = { maxBytes: Infinity, timeoutMs: Infinity } as const;

/** Events whose JSON and texts have every odd form, some with UUIDs for ids. */
const odd = texts.map((text, i) =>
  event(i % 2 === 0 ? randomUUID() : `e${10 + i}`, {
    ...(i % 5 === 0 && { type: "a" }),
    timestamp: minute + (i >> 2),
    receivedAt: minute * (i % 2) + 61_007 * i,
    source: text === "" ? "web" : text,
    ...(i % 3 === 0 && { correlationId: i % 2 === 0 ? text : "c2" }),
    ...asJson({
      data: {
        ...Object.fromEntries(keys.map((key, at) => [key, numbers[(i + at) % numbers.length]!])),
        plan: [text, { plan: text, ["__proto__"]: -0 }],
      },
      ...(i % 4 !== 0 && { metadata: { [keys[i % keys.length]!]: text } }),
    }),
  }),
);
