import { deltasOf } from "../../lib/counting/delta.ts";
import { builtInDimensions } from "../../lib/counting/dimensions.ts";
import { type StoredEvent, userOf } from "../../lib/event/event.ts";
import { BudgetedReads } from "../../lib/answers/reads.ts";
import type { Erasure } from "../../lib/questions/erasing.ts";
import { acceptErasure, carryOut } from "../../lib/store/erasure-job.ts";
import { hiddenOf } from "../../lib/store/hidden.ts";
import { rollUpAll, storeBatch } from "../../lib/store/protocol.ts";
import type { EventStore } from "../../lib/store/store.ts";
import type { AdaptedStore } from "../../lib/store/entities/adapter.ts";
import { EntityAdapter } from "../../lib/store/entities/adapter.ts";
import { generousBudget } from "../fixtures/budget.ts";
import { always, event, ids, minute, minuteMs, type OnStore } from "./store-harness.ts";

/** When erasures are requested: events that are received later stay. */
const requested = minute + 30_000;

/** Every way to name a person, and not to. */
const persons: readonly (StoredEvent["metadata"] | undefined)[] = [
  { userId: "7" },
  { userId: 7 },
  { userId: 7, anonymousId: "other" },
  { userId: "other", anonymousId: "7" },
  { userId: "", anonymousId: "7" },
  { userId: null, anonymousId: 7 },
  { userId: ["7"], anonymousId: "7" },
  { userId: false, anonymousId: "7" },
  { userId: -7, anonymousId: "7" },
  { anonymousId: "7" },
  { anonymousId: ["7"] },
  { userId: "7 " },
  {},
  undefined,
];

const events: readonly StoredEvent[] = [
  ...persons.map((metadata, i) =>
    event(`p${i}`, { ...(metadata && { metadata }), correlationId: "c" }),
  ),
  event("later", { metadata: { userId: "7" }, receivedAt: requested + 1 }),
  event("typed", { type: "paid", timestamp: minute + 5 * minuteMs, data: { amount: 10 } }),
  event("cheap", { type: "paid", timestamp: minute + 5 * minuteMs, data: { amount: 1 } }),
  event("x", { source: "mail", data: { tags: ["a", "b"] } }),
];

const names = (user: string) => events.filter((one) => userOf(one) === user).map(({ id }) => id);

/** Erasures, each with the ids that it removes. */
const erasures: readonly (readonly [what: string, Erasure, readonly string[]])[] = [
  ["a person", { kind: "eraseSubject", userId: "7" }, names("7").filter((id) => id !== "later")],
  ["an event", { kind: "eraseEvent", id: "x" }, ["x"]],
  ["an event that is not there", { kind: "eraseEvent", id: "none" }, []],
  [
    "a filter",
    {
      kind: "eraseEvents",
      filter: {
        types: ["paid"],
        from: minute,
        to: minute + 10 * minuteMs,
        where: [{ path: ["data", "amount"], op: "gt", value: 5 }],
      },
    },
    ["typed"],
  ],
  [
    "a filter by person, correlation and source",
    { kind: "eraseEvents", filter: { userId: "7", correlationId: "c", sources: ["web"] } },
    names("7").filter((id) => id !== "later"),
  ],
  ["all", { kind: "eraseEvents", filter: {} }, ids(events).filter((id) => id !== "later")],
];

async function stored(to: EventStore): Promise<void> {
  const counted = (some: readonly StoredEvent[]) => deltasOf("b", "p", some, builtInDimensions);
  const batch = { batch: "b", project: "p", events, deltas: counted(events) };
  await storeBatch(to, batch, (of) => Promise.resolve(counted(of)));
  await rollUpAll(to, 100);
}

const readsOf = (store: EventStore) =>
  new BudgetedReads({ store, project: "p", budget: generousBudget() });

/** The ids of the events that each way of reading finds. */
async function found(store: EventStore): Promise<Readonly<Record<string, readonly string[]>>> {
  const reads = readsOf(store);
  const all = { project: "p", ...always };
  const asked = { ...all, order: "asc", limit: 1_000 } as const;
  const text = await reads.eventsText(asked, { format: "ndjson" }, 1_000_000);
  const breakdown = {
    kind: "breakdown",
    metrics: [{ op: "count" }],
    dimensions: [{ path: ["id"] }],
    totals: false,
    maxGroups: 1_000,
  } as const;
  const { result } = await reads.analyze(all, breakdown);
  const values = { kind: "values", path: ["id"], limit: 100 } as const;
  const sample = await reads.sample({ project: "p" }, values);
  const adapter = new EntityAdapter(store as AdaptedStore, {});
  const lines = text.text
    .trim()
    .split("\n")
    .filter((line) => line !== "");
  const ofAll = {
    events: ids(await reads.events(asked)),
    page: ids((await reads.page(asked)).events),
    text: lines.map((line) => (JSON.parse(line) as { id: string }).id),
    analyze: result.groups.map(({ dimensions: [id] }) => String(id)),
    sample: sample.result.rows.map(({ value }) => String(value)),
    entities: ids(await adapter.find({ query: { project: "p" } })),
    entity: ids(await adapter.findByIds(events.map(({ id }) => `p:${id}`))),
  };
  const counts = [
    await reads.countEvents({ ...all, sources: ["web", "mail"] }),
    await adapter.count({ query: { project: "p" } }),
  ];
  return {
    ...Object.fromEntries(Object.entries(ofAll).map(([name, of]) => [name, of.toSorted()])),
    counts: counts.map(String),
  };
}

/** What all ways of reading are to find. */
const expected = (left: readonly string[]) => {
  const sorted = left.toSorted();
  const ways = ["events", "page", "text", "analyze", "sample", "entities", "entity"];
  const counts = [String(left.length), String(left.length)];
  return { ...Object.fromEntries(ways.map((way) => [way, sorted])), counts };
};

/** `hiddenOf`: from the moment an erasure is accepted no read shows what it removes. */
export function hiddenContract(onStore: OnStore): void {
  describe("hiding", () => {
    test(
      "leaves out of every read what open erasures remove, before and after they have removed it",
      onStore(async (it) => {
        await stored(it);
        expect(await hiddenOf(it, "p")).toBeUndefined();
        expect(await found(it)).toEqual(expected(ids(events)));
        let left: readonly string[] = ids(events);
        for (const [what, erasure, gone] of erasures) {
          const question = { erasure, reusable: false };
          const job = await acceptErasure(it, "p", what, question, requested);
          left = left.filter((id) => !gone.includes(id));
          expect([what, await found(it)]).toEqual([what, expected(left)]);
          const counting = readsOf(it);
          expect(await counting.countEvents({ project: "p", ...always })).toBeGreaterThanOrEqual(
            left.length,
          );
          // Of an id that no event has nothing is counted.
          expect([what, counting.isErasing]).toEqual([what, what !== "an event that is not there"]);

          const worker = { store: it, owner: "w", now: () => requested, isEnding: () => false };
          await carryOut(worker, job, { erased: () => undefined });
          expect(await hiddenOf(it, "p")).toBeUndefined();
          expect([what, await found(it)]).toEqual([what, expected(left)]);
          const after = readsOf(it);
          expect(await after.countEvents({ project: "p", ...always })).toBe(left.length);
          expect(after.isErasing).toBe(false);
        }
      }),
      120_000,
    );

    test(
      "is about a project alone, and about all persons at once where there are many",
      onStore(async (it) => {
        await stored(it);
        for (let i = 0; i < 25; i++) {
          const erasure = { kind: "eraseSubject", userId: i === 0 ? "7" : `u${i}` } as const;
          const at = i === 24 ? requested + 5_000 : requested;
          await acceptErasure(it, "p", `job${i}`, { erasure, reusable: false }, at);
        }
        expect(await hiddenOf(it, "q")).toBeUndefined();
        const hidden = (await hiddenOf(it, "p"))!;
        expect(hidden.mayHideMore).toBe(true);
        expect(hidden.hides(events.find(({ id }) => id === "later")!)).toBe(true);
        expect(await found(it)).toEqual(
          expected(ids(events).filter((id) => !names("7").includes(id))),
        );
        const reads = readsOf(it);
        await reads.events({ project: "p", order: "asc", limit: 1 });
        expect(reads.isErasing).toBe(true);
      }),
      60_000,
    );
  });
}
