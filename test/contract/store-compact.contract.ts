import fc from "fast-check";
import { startOf } from "../../lib/counting/bucket.ts";
import { emptyCells } from "../../lib/counting/cells.ts";
import { differences } from "../../lib/counting/drift.ts";
import { deltasOf } from "../../lib/counting/delta.ts";
import { builtInDimensions } from "../../lib/counting/dimensions.ts";
import type { StoredEvent } from "../../lib/event/event.ts";
import { repair } from "../../lib/store/audit.ts";
import { compactAfterMs, compactNext } from "../../lib/store/compaction-job.ts";
import { rollUp, rollUpAll, storeBatch } from "../../lib/store/protocol.ts";
import type { EventStore } from "../../lib/store/store.ts";
import { eventually } from "../support/eventually.ts";
import {
  bucket,
  day,
  dayMs,
  event,
  hour,
  hourMs,
  minute,
  minuteMs,
  type OnStore,
  type StoreTraits,
} from "./store-harness.ts";

/** Batches that were made up to then are compacted. */
const until = day;

/** The id of a batch that was made at an instant. */
export function made(at: number, n: number): string {
  const hex = at.toString(16).padStart(12, "0");
  return `${hex.slice(0, 8)}-${hex.slice(8)}-7000-8000-${n.toString(16).padStart(12, "0")}`;
}

const old = (n: number) => made(until - n, n);
const young = (n: number) => made(until + 1 + n, n);

const counted = (batch: string, events: readonly StoredEvent[]) =>
  deltasOf(batch, "p", events, builtInDimensions);

/** A batch through all steps of the protocol. */
function keep(to: EventStore, batch: string, events: readonly StoredEvent[]) {
  const own = events.map((one) => ({ ...one, batch }));
  const done = { batch, project: "p", events: own, deltas: counted(batch, own) };
  return storeBatch(to, done, (of) => Promise.resolve(counted(batch, of)));
}

const hours = { from: hour, to: hour + hourMs };

/** What minutes and their day count, once all is quiet: as many events, and what a recount finds. */
async function expectCounted(it: EventStore, events: number, start = minute): Promise<void> {
  await rollUpAll(it, 100);
  const range = { from: startOf("day", start), to: startOf("day", start) + dayMs };
  const [counted] = await it.rollups("p", "day", [range], "types");
  expect(counted!.cells).toEqual({ "mail.opened": events });
  for (const one of [bucket(start), bucket(start + minuteMs)]) {
    const { uncounted, ...recounted } = await it.recounted(one, Infinity);
    expect(uncounted).toEqual([]);
    const rollup = (await it.rollup(one)) ?? { v: 0, cells: emptyCells() };
    expect(rollup.v).toBe(recounted.v);
    expect(differences(rollup.cells, recounted.cells)).toEqual([]);
  }
}

/** `compact`, and what rests on it; the rules are `test/model/compaction`'s. */
export function compactContract(onStore: OnStore, { runs = 30 }: StoreTraits): void {
  describe("compaction", () => {
    test(
      "removes deltas, answers nothing else, and counts once whatever comes later",
      onStore(async (it) => {
        const user = (n: number) => ({ metadata: { userId: `u${n % 3}` } });
        for (let n = 0; n < 6; n++) {
          await keep(it, old(n), [event(`o${n}`, user(n))]);
        }
        await keep(it, young(1), [event("y", user(1))]);
        await keep(it, "b", [event("b")]);
        await expectCounted(it, 8);
        const before = await it.sumDeltas(bucket());
        const { deltas, next } = await it.compact("p", hours, until, 10);
        expect([deltas >= 5, next]).toEqual([true, undefined]);
        expect(await it.compact("p", hours, until, 10)).toEqual({ deltas: 0 });
        const after = await it.sumDeltas(bucket());
        expect([after.v, after.cells]).toEqual([before.v, before.cells]);
        expect((await it.recounted(bucket(), 0)).v).toBe(before.v);
        await expectCounted(it, 8);

        // Delivered again; then one that was kept back all the time, twice.
        await keep(it, old(2), [event("o2", user(2))]);
        await keep(it, young(1), [event("y", user(1))]);
        await expectCounted(it, 8);
        for (let time = 0; time < 2; time++) {
          await keep(it, old(9), [event("late"), event("later", { timestamp: minute + minuteMs })]);
          await expectCounted(it, 10);
        }
        await it.compact("p", hours, until, 10);
        await expectCounted(it, 10);

        const ofUser = { project: "p", userId: "u1", order: "asc", limit: 10 } as const;
        const { events: gone } = await it.erasable(ofUser);
        expect(gone).toHaveLength(3);
        await it.erase("p", gone, { at: minute + 1_000, reusable: false });
        await it.recount([bucket()]);
        await keep(it, old(1), [event("o1", user(1))]);
        await it.complete(bucket(), [old(1), old(77)]);
        await expectCounted(it, 7);
        await it.compact("p", hours, until, 10);
        await expectCounted(it, 7);
      }),
    );

    test(
      "takes some minutes at a time, and says where it stopped",
      onStore(async (it) => {
        const at = [0, 1, 2].map((n) => minute + n * minuteMs);
        for (let n = 0; n < 5; n++) {
          await keep(
            it,
            old(n),
            at.map((timestamp, i) => event(`${n}-${i}`, { timestamp })),
          );
        }
        const first = await it.compact("p", hours, until, 2);
        expect(first.next).toBe(at[1]! + minuteMs);
        const second = await it.compact("p", { ...hours, from: first.next! }, until, 2);
        expect(second).toEqual({ deltas: first.deltas / 2 });
        await expectCounted(it, 15);
      }),
    );

    test(
      "begins a day after it is first asked for, and finishes in the next round what was left",
      onStore(async (it) => {
        for (let n = 0; n < 5; n++) {
          await keep(it, old(n), [event(`a${n}`), event(`b${n}`, { timestamp: minute + dayMs })]);
        }
        const pass = (now: number, isEnding = false) =>
          compactNext({ store: it, now: () => now, isEnding: () => isEnding });
        const begin = until + hourMs;
        // The clock is set back after the first call.
        expect(await pass(begin + 9 * dayMs)).toBe(0);
        expect(await pass(begin)).toBe(0);
        expect(await pass(begin + compactAfterMs - 1)).toBe(0);
        const now = begin + compactAfterMs;
        expect(await pass(now, true)).toBe(0);
        const removed = await pass(now);
        expect(removed).toBeGreaterThan(0);
        // The round is over.
        expect(await pass(now)).toBe(0);
        expect(await pass(now)).toBe(removed);
        expect(await pass(now)).toBe(0);
        expect([await pass(now), await pass(now)]).toEqual([0, 0]);
        await expectCounted(it, 5);
      }),
    );

    test(
      "loses nothing of what comes meanwhile, and counts none of it twice",
      onStore(async (it) => {
        let run = 0;
        await fc.assert(
          fc.asyncProperty(
            fc.array(fc.array(fc.nat(1), { minLength: 1, maxLength: 4 }), {
              minLength: 4,
              maxLength: 8,
            }),
            fc.array(fc.nat(5), { minLength: 8, maxLength: 8 }),
            async (batches, turns) => {
              const start = minute + dayMs * ++run;
              const range = { from: start, to: start + hourMs };
              const name = (b: number) => (b % 4 === 3 ? young : old)(run * 100 + b);
              const message = (b: number) =>
                batches[b]!.map((at, i) =>
                  event(`run${run}-${b}-${i}`, { timestamp: start + at * minuteMs }),
                );
              const minutes = [0, 1].map((at) => bucket(start + at * minuteMs));
              const turn = (choice: number, b: number) =>
                [
                  () => keep(it, name(b), message(b)),
                  () => it.compact("p", range, until - (b % 2), 1 + (b % 2)),
                  () => it.compact("p", range, until, 10),
                  () => it.recount([minutes[b % 2]!]),
                  () => it.complete(minutes[b % 2]!, [name(b)]),
                  () => rollUp(it, "minute", 100),
                ][choice]!();
              // Each may be repeated: a busy machine's server may take longer than a harness waits.
              const all = (of: readonly (() => Promise<unknown>)[]) =>
                Promise.all(of.map((one) => eventually(one)));
              await all([
                ...batches.map((_, b) => () => keep(it, name(b), message(b))),
                ...turns.map((choice, i) => () => turn(choice, i % batches.length)),
              ]);
              await expectCounted(it, batches.flat().length, start);
              await it.compact("p", range, until, 10);
              await repair(it, minutes);
              await expectCounted(it, batches.flat().length, start);
            },
          ),
          { numRuns: Math.min(runs, 4) },
        );
      }),
    );
  });
}
