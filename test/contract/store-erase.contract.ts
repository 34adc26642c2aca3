import fc from "fast-check";
import { deltasOf, keyCells } from "../../lib/counting/delta.ts";
import { builtInDimensions } from "../../lib/counting/dimensions.ts";
import { startOf } from "../../lib/counting/bucket.ts";
import { mergeCells } from "../../lib/counting/cells.ts";
import type { StoredEvent } from "../../lib/event/event.ts";
import type { EventQuery } from "../../lib/event/filter.ts";
import { encodeBatch } from "../../lib/event/batch-message.ts";
import { finishGone, withoutErased } from "../../lib/store/erased-batch.ts";
import { acceptErasure } from "../../lib/store/erasure-job.ts";
import type { ErasablePage } from "../../lib/store/erasing.ts";
import { rollUp, rollUpAll, storeBatch } from "../../lib/store/protocol.ts";
import type { EventStore } from "../../lib/store/store.ts";
import { eventually } from "../support/eventually.ts";
import {
  always,
  asJson,
  bucket,
  event,
  ids,
  minute,
  minuteMs,
  type OnStore,
  type StoreTraits,
} from "./store-harness.ts";

const refused = { at: minute + 1_000, reusable: false };
const reusable = { at: minute + 1_000, reusable: true };

const counted = (batch: string, events: readonly StoredEvent[]) =>
  deltasOf(batch, "p", events, builtInDimensions);

/** A batch through all steps of the protocol. */
function store(to: EventStore, batch: string, events: readonly StoredEvent[]) {
  const own = events.map((one) => ({ ...one, batch }));
  const done = { batch, project: "p", events: own, deltas: counted(batch, own) };
  return storeBatch(to, done, (of) => Promise.resolve(counted(batch, of)));
}

const of = (user: string, id: string, more: Partial<StoredEvent> = {}) =>
  event(id, { metadata: { userId: user }, ...more });

const whole = { project: "p", order: "asc", limit: 1_000 } as const;

/** What the deltas of a minute add up to is what its events are. */
async function expectExact(from: EventStore, start: number): Promise<void> {
  const events = await from.events({ ...whole, from: start, to: start + minuteMs });
  const { cells } = await from.sumDeltas(bucket(start));
  const expected = events.length === 0 ? mergeCells([]) : keyCells(events, builtInDimensions);
  expect(sorted(nonEmpty(cells))).toEqual(sorted(nonEmpty(expected)));
}

/** Of a dimension that counts nothing it does not matter whether it is there. */
function nonEmpty({ dimensions, ...rest }: ReturnType<typeof mergeCells>) {
  const kept = Object.entries(dimensions).filter(([, values]) => Object.keys(values).length > 0);
  return { ...rest, dimensions: Object.fromEntries(kept) };
}

const sorted = (value: unknown): unknown => asJson(value);

/** `fence`, `erase`, `refuse`, `recount` and the jobs. */
export function eraseContract(onStore: OnStore, { runs = 30, many = 5_000 }: StoreTraits): void {
  describe("erasing", () => {
    test.each([
      ["as it was", () => Promise.resolve()],
      ["condensed", (it: EventStore) => it.condense(bucket())],
    ])(
      "frees an id for later batches, not for one that has counted its minute without it (%s)",
      (_, meanwhile) =>
        onStore(async (it) => {
          const later = { receivedAt: reusable.at + 1 };
          const next = { ...later, timestamp: minute + minuteMs };
          const twice = [event("a", later), event("b", later)];
          const elsewhere = [event("a", next), event("c", later)];
          await store(it, "b1", [event("a")]);
          expect((await store(it, "b2", twice)).foreign).toHaveLength(1);
          expect((await store(it, "b3", elsewhere)).foreign).toHaveLength(1);
          await it.erase("p", [{ id: "a", batch: "b1", timestamp: minute }], reusable);
          await it.recount([bucket()]);
          await meanwhile(it);

          const again = await store(it, "b2", twice);
          expect([[...again.owned], again.foreign]).toEqual([["b"], []]);
          expect(ids(await it.events(whole))).toEqual(["b", "c"]);
          await expectExact(it, minute);
          // In its minute there is nothing of its batch that lacks it.
          for (let time = 0; time < 2; time++) {
            expect((await store(it, "b3", elsewhere)).owned).toEqual(new Set(["a", "c"]));
          }
          await store(it, "b2", twice);
          expect(ids(await it.events(whole))).toEqual(["b", "c", "a"]);
          await rollUpAll(it, 100);
          for (const start of [minute, minute + minuteMs]) await expectExact(it, start);
        })(),
    );

    test(
      "takes events out of all that is read, and nothing brings them back",
      onStore(async (it) => {
        await it.tellOrder?.(60_000);
        const { end } = await it.stored(stored);
        const events = [of("u", "a"), of("u", "b"), of("v", "c"), event("d")];
        await store(it, "b1", events);
        await rollUpAll(it, 100);
        const { events: gone } = await it.erasable({ ...whole, userId: "u" });
        expect(gone).toEqual(["a", "b"].map((id) => ({ id, batch: "b1", timestamp: minute })));
        const before = await it.sumDeltas(bucket());
        for (let time = 0; time < 2; time++) await it.erase("p", gone, refused);
        await it.recount([bucket()]);

        const later = { receivedAt: refused.at + 1 };
        await store(it, "b1", events);
        await store(it, "b2", [of("u", "a", later), event("e")]);
        expect(ids(await it.events(whole))).toEqual(["c", "d", "e"]);
        expect(await it.event("p", "a")).toBeUndefined();
        expect(await it.countEvents({ project: "p", userId: "u" })).toBe(0);
        expect(
          (await it.stored({ ...stored, after: end })).events.map((one) => one.event.id),
        ).toEqual(["c", "d", "e"]);
        expect(await it.entitiesByKey([{ project: "p", id: "a" }])).toEqual([]);
        const found = await it.findEntities({ where: [], sort: [], offset: 0, limit: 10 });
        expect(ids(found).sort()).toEqual(["c", "d", "e"]);
        expect(await it.countEntities({ where: [], sort: [], offset: 0, limit: 10 })).toBe(3);
        await expectExact(it, minute);
        expect((await it.sumDeltas(bucket())).v).toBeGreaterThan(before.v + 1);
        await rollUpAll(it, 100);
        for (const grain of ["minute", "hour", "day"] as const) {
          const rows = await it.rollups("p", grain, [always], "types");
          expect(rows.map(({ cells }) => cells)).toEqual([{ "mail.opened": 3 }]);
          const [users] = await it.rollups("p", grain, [always], "users");
          expect(users!.cells).toEqual(keyCells([of("v", "c")], []).users);
        }
      }),
    );

    test(
      "searches for as long as it may, and goes on where it ended",
      onStore(async (it) => {
        const rare = { data: { rare: true } };
        const events = Array.from({ length: many }, (_, i) =>
          event(`e${i}`, { timestamp: minute + i, ...(i === many - 1 && rare) }),
        );
        for (let at = 0; at < many; at += 500) {
          await it.append(`b${at}`, events.slice(at, at + 500));
        }
        const where = [{ path: ["data", "rare"], op: "is", values: [true] }] as const;
        const found: string[] = [];
        let pages = 0;
        for (let after: EventQuery["after"] | null = undefined; after !== null; pages += 1) {
          const page: ErasablePage = await it.erasable(
            { ...whole, where, ...(after && { after }) },
            0,
          );
          found.push(...page.events.map(({ id }) => id));
          after = page.next ?? null;
        }
        expect(found).toEqual([`e${many - 1}`]);
        expect(pages).toBeGreaterThan(1);
      }),
    );

    test(
      "leaves what others stored under the same id since",
      onStore(async (it) => {
        await store(it, "b1", [event("a")]);
        await it.erase("p", [{ id: "a", batch: "another", timestamp: minute }], refused);
        expect(ids(await it.events(whole))).toEqual(["a"]);
      }),
    );

    test(
      "erases each of many events only where its own batch has it, whatever the batches are called",
      onStore(async (it) => {
        const batches = ["b1", "b10", "b2", "\u{ff5e}", "\u{10ffff}", "é"];
        const all = batches.map((batch, at) => ({ id: `e${at}`, batch, timestamp: minute + at }));
        for (const { batch, timestamp, id } of all)
          await store(it, batch, [event(id, { timestamp })]);
        const crossed = all.map((one, at) => ({ ...one, batch: batches.at(at - 1)! }));
        await it.erase("p", crossed, refused);
        expect(ids(await it.events(whole))).toEqual(all.map(({ id }) => id));
        await it.erase("p", [...crossed, ...all.slice(1)], refused);
        expect(ids(await it.events(whole))).toEqual(["e0"]);
      }),
    );

    test(
      "gives an id away again where that was asked for, to what is accepted later alone",
      onStore(async (it) => {
        await store(it, "b1", [event("a")]);
        await it.erase("p", [{ id: "a", batch: "b1", timestamp: minute }], reusable);
        await it.recount([bucket()]);
        await store(it, "b1", [event("a")]);
        await store(it, "b2", [event("a")]);
        expect(await it.events(whole)).toEqual([]);
        const later = event("a", { receivedAt: reusable.at + 1, type: "later" });
        for (let time = 0; time < 2; time++) await store(it, "b3", [later]);
        await store(it, "b1", [event("a")]);
        expect(await it.events(whole)).toEqual([{ ...later, batch: "b3" }]);
        await it.erase("p", [{ id: "a", batch: "b1", timestamp: minute }], reusable);
        expect(ids(await it.events(whole))).toEqual(["a"]);
        await expectExact(it, minute);
      }),
    );

    test(
      "tells which events it refuses: by their ids, by their persons, by when they were accepted",
      onStore(async (it) => {
        await store(it, "b1", [event("a"), event("b"), event("c")]);
        await it.erase("p", [{ id: "a", batch: "b1", timestamp: minute }], refused);
        await it.erase("p", [{ id: "b", batch: "b1", timestamp: minute }], reusable);
        await it.fence("p", "u", refused.at);
        const claim = (id: string, receivedAt: number, user?: string) => ({ id, receivedAt, user });
        const claims = (later: number) => [
          claim("a", refused.at + later),
          claim("b", refused.at + later),
          claim("c", refused.at + later),
          claim("never", refused.at + later),
          claim("theirs", refused.at + later, "u"),
          claim("another's", refused.at + later, "v"),
        ];
        expect(await it.refused("p", claims(0))).toEqual(new Set(["a", "b", "theirs"]));
        expect(await it.refused("p", claims(1))).toEqual(new Set(["a"]));
        expect(await it.refused("q", claims(0))).toEqual(new Set());
        expect(await it.refused("p", [])).toEqual(new Set());
      }),
    );

    test(
      "refuses an id that no event has yet",
      onStore(async (it) => {
        expect(await it.refuse("p", "a", refused)).toBe(true);
        await store(it, "b1", [event("a"), event("b")]);
        expect(ids(await it.events(whole))).toEqual(["b"]);
        expect(await it.refuse("p", "b", refused)).toBe(false);
        expect(await it.refuse("p", "a", reusable)).toBe(true);
        await store(it, "b2", [event("a", { receivedAt: reusable.at + 1 })]);
        expect(ids(await it.events(whole))).toEqual(["a", "b"]);
        await expectExact(it, minute);
      }),
    );

    test(
      "keeps out what a user sent up to an instant and was not stored yet",
      onStore(async (it) => {
        await it.fence("p", "u", minute + 10);
        await it.fence("p", "u", minute + 5);
        const events = [
          of("u", "a", { receivedAt: minute + 10 }),
          of("u", "b", { receivedAt: minute + 11 }),
          of("v", "c"),
          event("d", { metadata: { anonymousId: "u" } }),
        ];
        for (let time = 0; time < 2; time++) await store(it, "b1", events);
        expect(ids(await it.events(whole))).toEqual(["b", "c"]);
        // Whoever stored them has taken them out to the end.
        expect((await it.unfinished?.("p", "u")) ?? []).toEqual([]);
        await expectExact(it, minute);
        await it.append("b2", [of("u", "e", { project: "q" })]);
        expect(await it.event("q", "e")).toBeDefined();
      }),
    );

    test(
      "leaves the id of an event free that was on its way when its user was erased, where it is told so",
      onStore(async (it) => {
        // Whoever stores knows of no fence from now on.
        await store(it, "b1", [of("u", "a")]);
        await it.fence("p", "u", minute + 10, true);
        await store(it, "b2", [of("u", "b", { receivedAt: minute + 10 })]);
        expect(ids(await it.events(whole))).toEqual(["a"]);
        await store(it, "b3", [of("u", "b", { receivedAt: minute + 11 })]);
        expect(ids(await it.events(whole))).toEqual(["a", "b"]);
        await expectExact(it, minute);
      }),
    );

    test(
      "leaves the ids of what it takes out of a dead letter free where each open erasure says so",
      onStore(async (it) => {
        const both = [event("a", { type: "a" }), event("b", { type: "b" })];
        await store(it, "b1", both);
        for (const [id, types, isReusable] of [
          ["j1", ["a", "b"], true],
          ["j2", ["b"], false],
        ] as const) {
          const erasure = { kind: "eraseEvents", filter: { types } } as const;
          await acceptErasure(it, "p", id, { erasure, reusable: isReusable }, minute + 10);
        }
        const pieces = both.map((one) => Buffer.from(JSON.stringify(one)));
        const stripped = await withoutErased(it, encodeBatch("b1", "p", pieces));
        await finishGone(it, stripped!);
        expect(await it.events(whole)).toEqual([]);
        const later = both.map((one) => ({ ...one, receivedAt: minute + 11 }));
        await store(it, "b2", later);
        expect(ids(await it.events(whole))).toEqual(["a"]);
        await expectExact(it, minute);
      }),
    );

    test(
      "counts right also where a batch is on its way: its delta comes after the erasure",
      onStore(async (it) => {
        const events = [of("u", "a"), of("v", "b"), of("v", "c", { timestamp: minute + minuteMs })];
        const own = events.map((one) => ({ ...one, batch: "b1" }));
        const { owned } = await it.append("b1", own);
        expect(owned.size).toBe(3);
        await it.erase("p", [{ id: "a", batch: "b1", timestamp: minute }], refused);
        await it.recount([bucket()]);
        await it.putDeltas(counted("b1", own));
        await it.markDirty([bucket(), bucket(minute + minuteMs)]);
        await expectExact(it, minute);
        await expectExact(it, minute + minuteMs);
        await rollUpAll(it, 100);
        const [day] = await it.rollups("p", "day", [always], "types");
        expect(day!.cells).toEqual({ "mail.opened": 2 });
      }),
    );

    test(
      "counts right whatever batches, condensing and passes come between",
      onStore(async (it) => {
        let run = 0;
        await fc.assert(
          fc.asyncProperty(
            fc.array(fc.array(fc.tuple(fc.nat(3), fc.nat(2)), { minLength: 1, maxLength: 6 }), {
              minLength: 1,
              maxLength: 5,
            }),
            fc.array(fc.nat(4), { minLength: 8, maxLength: 8 }),
            async (batches, turns) => {
              const start = minute + 10 * minuteMs * ++run;
              const name = (b: number) => `run${run}-b${b}`;
              const message = (b: number) =>
                (batches[b] ?? []).map(([user, at], i) =>
                  of(`u${user}`, `${name(b)}-${i}`, { timestamp: start + at * minuteMs }),
                );
              const minutes = [0, 1, 2].map((at) => bucket(start + at * minuteMs));
              const eraseUser = async (user: string) => {
                const range = { from: start, to: start + 3 * minuteMs };
                const { events: gone } = await it.erasable({ ...whole, ...range, userId: user });
                await it.erase("p", gone, refused);
                await it.recount(minutes);
              };
              const turn = (choice: number, b: number) =>
                [
                  () => store(it, name(b), message(b)),
                  () => eraseUser("u0"),
                  () => rollUp(it, "minute", 100),
                  () => it.condense(minutes[b % 3]!),
                  () => rollUpAll(it, 100),
                ][choice]!();
              // Each may be repeated: a busy machine's server may take longer than a harness waits.
              const all = (of: readonly (() => Promise<unknown>)[]) =>
                Promise.all(of.map((one) => eventually(one)));
              await all(batches.map((_, b) => () => store(it, name(b), message(b))));
              await all(turns.map((choice, i) => () => turn(choice, i % batches.length)));
              for (const { start: at } of minutes) await expectExact(it, at);
              await eraseUser("u0");
              await eraseUser("u1");
              await rollUpAll(it, 100);
              const range = { from: start, to: start + 3 * minuteMs };
              const left = await it.events({ ...whole, ...range });
              expect(left.length).toBe(
                batches.flat().filter(([user]) => user !== 0 && user !== 1).length,
              );
              const rows = await it.rollups("p", "minute", [range], "types");
              for (const { start: at, cells } of rows) {
                const within = left.filter((one) => startOf("minute", one.timestamp) === at);
                const types = within.length === 0 ? {} : { "mail.opened": within.length };
                expect(cells).toEqual(types);
              }
            },
          ),
          { numRuns: Math.min(runs, 5) },
        );
      }),
    );

    test(
      "counts a minute anew whose deltas are condensed",
      onStore(async (it) => {
        const batches = Array.from({ length: 40 }, (_, b) => `b${b}`);
        for (const b of batches) await store(it, b, [of(`u${b}`, `of ${b}`)]);
        await it.sumDeltas(bucket());
        await it.condense(bucket());
        const { events: gone } = await it.erasable({ ...whole, userId: "ub7" });
        await it.erase("p", gone, refused);
        await it.recount([bucket()]);
        await store(it, "after", [of("w", "after")]);
        await expectExact(it, minute);
        expect((await it.sumDeltas(bucket())).cells.types).toEqual({ "mail.opened": 40 });
        await it.recount([bucket()]);
        await expectExact(it, minute);
      }),
    );
  });
}

const stored = { after: null, projects: ["p"], counted: [], limit: 500, window: 10_000 };
