import fc from "fast-check";
import { deltasOf } from "../../lib/counting/delta.ts";
import { builtInDimensions } from "../../lib/counting/dimensions.ts";
import type { StoredEvent } from "../../lib/event/event.ts";
import { contentHash } from "../../lib/event/content-hash.ts";
import { maxListed } from "../../lib/questions/audits.ts";
import type { Paced } from "../../lib/store/pace.ts";
import { audit, rebuildHour, repair } from "../../lib/store/audit.ts";
import { rollUp, rollUpAll, storeBatch } from "../../lib/store/protocol.ts";
import type { EventStore } from "../../lib/store/store.ts";
import { eventually } from "../support/eventually.ts";
import {
  always,
  bucket,
  cells,
  day,
  delta,
  event,
  hour,
  hourMs,
  minute,
  minuteMs,
  type OnStore,
  type StoreTraits,
} from "./store-harness.ts";

/** Later than what any event here waits for. */
const now = () => minute + 10 * hourMs;

const look = (store: EventStore) => audit({ store, now, repairs: false }, "p", always);
const mend = (store: EventStore) => audit({ store, now, repairs: true }, "p", always);

const counted = (batch: string, events: readonly StoredEvent[]) =>
  deltasOf(batch, "p", events, builtInDimensions);

function sent(id: string, more: Partial<StoredEvent> = {}): StoredEvent {
  const one = event(id, more);
  return { ...one, hash: contentHash(one) };
}

/** A batch through all steps of the protocol. */
function keep(to: EventStore, batch: string, events: readonly StoredEvent[]) {
  const own = events.map((one) => ({ ...one, batch }));
  const done = { batch, project: "p", events: own, deltas: counted(batch, own) };
  return storeBatch(to, done, (of) => Promise.resolve(counted(batch, of)));
}

const totals = async (store: EventStore, grain: "minute" | "hour" | "day") =>
  (await store.rollups("p", grain, [always], "types")).map((row) => row.cells);

const sound = { drifted: 0, drift: [], uncounted: 0, unmarked: 0, repaired: 0, changed: [] };

/** `rollup`, `nextDay`, `recounted` and `complete`, and the audit that rests on them. */
export function auditContract(onStore: OnStore, { runs = 30 }: StoreTraits): void {
  describe("auditing", () => {
    test(
      "finds nothing where all is right, and goes through days, not through time",
      onStore(async (it) => {
        expect(await it.nextDay()).toBeUndefined();
        expect(await look(it)).toMatchObject({ ...sound, buckets: 0 });
        await keep(it, "b1", [sent("a", { metadata: { userId: "u" } }), sent("b")]);
        await keep(it, "b2", [sent("c", { timestamp: day + 40 * 24 * hourMs })]);
        await it.markDirty([bucket(minute, "minute", "q")]);
        await rollUpAll(it, 100);
        expect(await look(it)).toMatchObject({ ...sound, buckets: 6 });
        const days = [await it.nextDay()];
        while (days.at(-1) !== undefined) days.push(await it.nextDay(days.at(-1)));
        expect(days.map((one) => one && [one.project, one.grain, one.start])).toEqual([
          ["p", "day", day],
          ["p", "day", day + 40 * 24 * hourMs],
          ["q", "day", day],
          undefined,
        ]);
        expect(await it.rollup(bucket())).toEqual(await it.sumDeltas(bucket()));
        expect(await it.rollup(bucket(minute + minuteMs))).toBeUndefined();
      }),
    );

    test(
      "goes minute by minute, and ends between two minutes",
      onStore(async (it) => {
        await keep(it, "b1", [sent("a"), sent("b", { timestamp: minute + minuteMs })]);
        await rollUpAll(it, 100);
        let pieces = 0;
        const upTo = (most: number) => {
          pieces = 0;
          const paced: Paced = (work) => {
            pieces += 1;
            return work();
          };
          const auditing = { store: it, now: () => minute, repairs: true, paced };
          return audit({ ...auditing, isEnding: () => pieces >= most }, "p", always);
        };
        expect(await upTo(Infinity)).toMatchObject({ ...sound, buckets: 4 });
        expect(pieces).toBe(hourMs / minuteMs);
        for (const most of [1, 2]) {
          expect((await upTo(most)).buckets).toBeLessThan(4);
          expect(pieces).toBe(most);
        }
      }),
    );

    test(
      "tells events that are not what was sent, counted or not, up to as many as are listed",
      onStore(async (it) => {
        const undated = { ...event("b"), hash: contentHash({ ...event("b"), undated: true }) };
        await keep(it, "b1", [sent("a"), undated, event("x")]);
        await it.append("b2", [event("y", { batch: "b2" })]);
        const { changed, uncounted } = await it.recounted(bucket(), Infinity);
        expect([changed.toSorted(), uncounted]).toEqual([["x", "y"], ["b2"]]);
        await rollUpAll(it, 100);
        expect((await look(it)).changed.toSorted()).toEqual(["x", "y"]);
        const many = Array.from({ length: maxListed }, (_, n) => event(`z${n}`, { batch: "b3" }));
        await it.append("b3", many);
        expect((await it.recounted(bucket(), Infinity)).changed).toHaveLength(maxListed);
      }),
    );

    test(
      "tells and repairs a minute that holds what its events are not",
      onStore(async (it) => {
        await it.writeRollup(bucket(), { v: 1, cells: cells({ ghost: 3 }) });
        await keep(it, "b1", [sent("a"), sent("b")]);
        await rollUpAll(it, 100);
        const found = await look(it);
        expect(found).toMatchObject({ drifted: 1, repaired: 0 });
        expect(found.drift).toContainEqual({
          grain: "minute",
          start: "2024-03-05T10:20:00.000Z",
          section: "types",
          type: "ghost",
          rollup: 3,
          counted: 0,
        });
        expect(await mend(it)).toMatchObject({ drifted: 1, repaired: 1 });
        await rollUpAll(it, 100);
        expect(await look(it)).toMatchObject(sound);
        expect(await totals(it, "day")).toEqual([{ "mail.opened": 2 }]);
      }),
    );

    test(
      "tells and repairs an hour that is not the sum of its minutes, and says what it cannot",
      onStore(async (it) => {
        await it.writeRollup(bucket(hour, "hour"), { v: 1, cells: cells({ ghost: 1 }) });
        await keep(it, "b1", [sent("a")]);
        await rollUpAll(it, 100);
        expect(await mend(it)).toMatchObject({ drifted: 1, repaired: 1 });
        await rollUpAll(it, 100);
        expect(await totals(it, "hour")).toEqual([{ "mail.opened": 1 }]);
        // What weighs more than all that can be counted is told for ever.
        await it.writeRollup(bucket(hour, "hour"), { v: 1_000, cells: cells({ ghost: 1 }) });
        expect(await mend(it)).toMatchObject({ drifted: 1, repaired: 0 });
      }),
    );

    test(
      "counts what a batch stored and never counted once it is overdue; where it comes, once",
      onStore(async (it) => {
        const own = [sent("a"), sent("b")].map((one) => ({ ...one, batch: "b1" }));
        await it.append("b1", own);
        await it.markDirty([bucket()]);
        await rollUpAll(it, 100);
        const soon = { store: it, now: () => minute + minuteMs, repairs: true };
        expect(await audit(soon, "p", always)).toMatchObject(sound);
        expect(await mend(it)).toMatchObject({ drifted: 0, uncounted: 1, repaired: 1 });
        await it.putDeltas(counted("b1", own));
        await it.markDirty([bucket()]);
        await rollUpAll(it, 100);
        expect(await totals(it, "day")).toEqual([{ "mail.opened": 2 }]);
        expect(await look(it)).toMatchObject(sound);
      }),
    );

    test(
      "marks a minute whose mark is missing, and judges none that is marked",
      onStore(async (it) => {
        await keep(it, "b1", [sent("a")]);
        await rollUpAll(it, 100);
        await it.append("b2", [sent("b", { batch: "b2" })]);
        await it.putDeltas(counted("b2", [sent("b", { batch: "b2" })]));
        expect(await look(it)).toMatchObject({ drifted: 0, unmarked: 1 });
        expect(await look(it)).toMatchObject(sound);
        await rollUpAll(it, 100);
        expect(await totals(it, "day")).toEqual([{ "mail.opened": 2 }]);
      }),
    );

    test(
      "rebuilds the minutes of a range, also those whose deltas count what never was",
      onStore(async (it) => {
        const timestamp = minute + minuteMs;
        await keep(it, "b1", [sent("a"), sent("b", { timestamp })]);
        await it.putDeltas([delta("ghost", cells({ ghost: 7 }))]);
        await it.markDirty([bucket()]);
        await rollUpAll(it, 100);
        const range = { from: minute, to: minute + minuteMs };
        expect(await rebuildHour(it, bucket(hour, "hour"), range)).toBe(1);
        await rollUpAll(it, 100);
        expect(await totals(it, "minute")).toEqual([{ "mail.opened": 1 }, { "mail.opened": 1 }]);
        expect(await rebuildHour(it, bucket(hour + hourMs, "hour"), always)).toBe(0);
        expect(await look(it)).toMatchObject(sound);
      }),
    );

    test(
      "finds nothing whatever comes in meanwhile, and loses nothing of that by repairing",
      onStore(async (it) => {
        let run = 0;
        await fc.assert(
          fc.asyncProperty(
            fc.array(fc.array(fc.nat(2), { minLength: 1, maxLength: 5 }), {
              minLength: 2,
              maxLength: 6,
            }),
            fc.array(fc.nat(5), { minLength: 8, maxLength: 8 }),
            async (batches, turns) => {
              const start = hour + hourMs * 24 * ++run;
              const range = { from: start, to: start + hourMs };
              const name = (b: number) => `run${run}-b${b}`;
              const message = (b: number) =>
                batches[b]!.map((at, i) =>
                  sent(`${name(b)}-${i}`, { timestamp: start + at * minuteMs }),
                );
              const minutes = [0, 1, 2].map((at) => bucket(start + at * minuteMs));
              const drifted: number[] = [];
              const turn = (choice: number, b: number) =>
                [
                  () => keep(it, name(b), message(b)),
                  async () => {
                    const auditing = { store: it, now: () => 0, repairs: b % 2 === 0 };
                    drifted.push((await audit(auditing, "p", range)).drifted);
                  },
                  () => repair(it, [minutes[b % 3]!]),
                  () => it.complete(minutes[b % 3]!, [name(b)]),
                  () => rollUp(it, "minute", 100),
                  () => rollUpAll(it, 100),
                ][choice]!();
              // Each may be repeated: a busy machine's server may take longer than a harness waits.
              const all = (of: readonly (() => Promise<unknown>)[]) =>
                Promise.all(of.map((one) => eventually(one)));
              await all([
                ...batches.map((_, b) => () => keep(it, name(b), message(b))),
                ...turns.map((choice, i) => () => turn(choice, i % batches.length)),
              ]);
              await rollUpAll(it, 100);
              expect(drifted.every((many) => many === 0)).toBe(true);
              const found = await audit({ store: it, now, repairs: false }, "p", range);
              expect(found).toMatchObject(sound);
              const [total] = await it.rollups("p", "hour", [range], "types");
              expect(total!.cells).toEqual({ "mail.opened": batches.flat().length });
            },
          ),
          { numRuns: Math.min(runs, 5) },
        );
      }),
    );
  });
}
