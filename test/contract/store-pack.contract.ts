import { grains } from "../../lib/counting/bucket.ts";
import { deltasOf, fewDeltas } from "../../lib/counting/delta.ts";
import type { StoredEvent } from "../../lib/event/event.ts";
import { pack } from "../../lib/store/rows.ts";
import { packDocuments } from "../../lib/store/mongo/batch-pack.ts";
import type { BatchPack, EventStore } from "../../lib/store/store.ts";
import { rollUpAll, storeBatch, storePack } from "../../lib/store/protocol.ts";
import {
  always,
  asJson,
  bucket,
  event,
  hour,
  hourMs,
  minute,
  minuteMs,
  type OnStore,
} from "./store-harness.ts";

const countedBy = ["source"];

/** What the store counts in a minute, and how many deltas that sums. */
async function counted(from: EventStore, start = minute): Promise<unknown> {
  const { v, cells } = await from.sumDeltas(bucket(start));
  return asJson({ v, types: cells.types, source: cells.dimensions["source"] });
}

const spread = [
  event("a", { data: { plan: "pro" }, metadata: { userId: "\ud800" }, correlationId: "c" }),
  event("b", { timestamp: minute + minuteMs }),
  event("c"),
];

/** Batches as enrichment hands them over: `storePack`, and `keepWhole` where a store has it. */
export function packContract(onStore: OnStore): void {
  describe.each([
    ["SQLite", pack],
    ["MongoDB", packDocuments],
  ])("a batch packed for %s, on any store", (_name, packed) => {
    const packOf = (batch: string, events: readonly StoredEvent[]): BatchPack =>
      packed({ batch, project: "p", events, deltas: deltasOf(batch, "p", events, countedBy) });
    const store = (
      to: EventStore,
      batch: string,
      events: readonly StoredEvent[],
      leftOut: readonly string[] = [],
    ) =>
      storePack(
        to,
        packOf(batch, events),
        (owned) => Promise.resolve(deltasOf(batch, "p", owned, countedBy)),
        leftOut,
      );

    test(
      "is stored, counted and marked, once, however often it comes",
      onStore(async (to) => {
        for (let delivery = 0; delivery < 2; delivery += 1) {
          expect(await store(to, "b1", spread)).toEqual({
            owned: 3,
            duplicates: 0,
            conflicts: 0,
            held: 0,
            refused: 0,
          });
        }
        expect(asJson(await to.event("p", "a"))).toEqual(asJson({ ...spread[0]!, batch: "b1" }));
        const source = { "mail.opened": { web: 2 } };
        expect(await counted(to)).toEqual({ v: 1, types: { "mail.opened": 2 }, source });
        // The minutes, or their hour where they stay without a rollup.
        const marks = await to.marks("p", { from: hour, to: hour + hourMs });
        if (marks.hour.length === 0) expect(marks.minute).toEqual([minute, minute + minuteMs]);
        else expect(marks).toEqual({ minute: [], hour: [hour], day: [] });
        await rollUpAll(to, 10);
        for (const grain of ["hour", "day"] as const) {
          const [row] = await to.rollups("p", grain, [always], "types");
          expect(row!.cells).toEqual({ "mail.opened": 3 });
        }
      }),
    );

    test(
      "is in every rollup once all are written, however many came before",
      onStore(async (to) => {
        for (let n = 1; n <= 2 * fewDeltas; n++) {
          await store(to, `b${n}`, [event(`e${n}`), event(`f${n}`, { timestamp: hour })]);
          if (n % 3 === 0) await rollUpAll(to, 10);
        }
        await rollUpAll(to, 10);
        for (const grain of grains) {
          const rows = await to.rollups("p", grain, [always], "types");
          const counts = rows.map(({ cells }) => cells["mail.opened"]);
          const each = 2 * fewDeltas;
          expect(counts).toEqual(grain === "minute" ? [each, each] : [2 * each]);
        }
      }),
    );

    test(
      "counts only what it owns, and tells repeats from conflicts",
      onStore(async (to) => {
        await store(to, "b1", [event("a", { hash: "first" }), event("b")]);
        const late = [event("a", { hash: "second" }), event("b"), event("c")];
        expect(await store(to, "b2", late)).toEqual({
          owned: 1,
          duplicates: 1,
          conflicts: 1,
          held: 0,
          refused: 0,
        });
        expect(await counted(to)).toMatchObject({ v: 2, types: { "mail.opened": 3 } });
      }),
    );

    const early = [event("a"), event("b", { timestamp: minute + minuteMs })];
    const other = [event("x"), event("y", { timestamp: minute + minuteMs })];
    const condensed = async (to: EventStore) => {
      for (let n = 0; n < 40; n++) await store(to, `c${n}`, [event(`c${n}`)]);
      await to.condense(bucket());
    };
    const plain = () => Promise.resolve();

    test.each([
      ["with the others", 0, plain, (late: StoredEvent) => [[late, ...early]]],
      ["alone", 0, plain, (late: StoredEvent) => [[late]]],
      ["beside a stranger", 0, plain, (late: StoredEvent) => [[late, other[0]!, ...early]]],
      ["to condensed deltas", 40, condensed, (late: StoredEvent) => [[late], [late, ...early]]],
    ])(
      "counts an event once that joins it late, %s, in any minute",
      (_how, others, meanwhile, deliveries) =>
        onStore(async (to) => {
          await store(to, "b0", other);
          await store(to, "b1", early);
          await meanwhile(to);
          await rollUpAll(to, 100);
          const starts = [minute, minute + minuteMs, minute + 2 * minuteMs];
          const late = starts.map((timestamp, n) => event(`late${n}`, { timestamp }));
          for (const one of late) {
            for (const delivery of deliveries(one)) {
              expect(await store(to, "b1", delivery)).toMatchObject({ conflicts: 0, refused: 0 });
              await store(to, "b1", delivery);
            }
          }
          await store(to, "b1", early);
          await rollUpAll(to, 100);
          const rows = await to.rollups("p", "minute", [always], "types");
          const counts = rows.map(({ cells }) => cells["mail.opened"]);
          expect(counts).toEqual([3 + others, 3, 1]);
          const [day] = await to.rollups("p", "day", [always], "types");
          expect(day!.cells).toEqual({ "mail.opened": 7 + others });
        })(),
    );

    test(
      "counts an event that a delivery stored and the next one left out, in any minute",
      onStore(async (to) => {
        const late = event("late");
        const apart = event("apart", { timestamp: minute + 2 * minuteMs });
        await to.append("b1", [late, apart, ...early]);
        await store(to, "b1", early, ["late", "apart", "never stored"]);
        for (let time = 0; time < 3; time++) {
          await rollUpAll(to, 100);
          const [day] = await to.rollups("p", "day", [always], "types");
          expect(day!.cells).toEqual({ "mail.opened": 4 });
          for (const one of [late, apart]) await store(to, "b1", [one]);
        }
        expect(await counted(to)).toMatchObject({ types: { "mail.opened": 2 } });
      }),
    );

    test(
      "counts all events of two deliveries at once that bring different ones",
      onStore(async (to) => {
        const count = (some: readonly StoredEvent[]) => deltasOf("b1", "p", some, countedBy);
        const deltas = (some: readonly StoredEvent[]) => Promise.resolve(count(some));
        const done = { batch: "b1", project: "p", events: early, deltas: count(early) };
        const ownership = await to.append("b1", early);
        await store(to, "b1", [event("late")]);
        await storeBatch(to, done, deltas, ownership);
        await rollUpAll(to, 100);
        expect(await counted(to)).toMatchObject({ types: { "mail.opened": 2 } });
        const [day] = await to.rollups("p", "day", [always], "types");
        expect(day!.cells).toEqual({ "mail.opened": 3 });
      }),
    );

    test.each([
      ["with the others", (late: StoredEvent) => [late, ...early]],
      ["alone", (late: StoredEvent) => [late]],
    ])(
      "counts an event that joined it late, in a delivery that stopped, once it comes again %s",
      (_how, delivered) =>
        onStore(async (to) => {
          const late = event("late");
          await store(to, "b1", early);
          await to.append("b1", [late, ...early]);
          for (let time = 0; time < 2; time++) await store(to, "b1", delivered(late));
          await rollUpAll(to, 100);
          expect(await counted(to)).toMatchObject({ types: { "mail.opened": 2 } });
          const [day] = await to.rollups("p", "day", [always], "types");
          expect(day!.cells).toEqual({ "mail.opened": 3 });
        })(),
    );

    test(
      "is completed where an earlier delivery stopped after its events",
      onStore(async (to) => {
        await to.append("b1", spread);
        expect(await counted(to)).toMatchObject({ v: 0 });
        expect(await store(to, "b1", spread)).toMatchObject({ owned: 3 });
        expect(await counted(to)).toMatchObject({ v: 1, types: { "mail.opened": 2 } });
      }),
    );

    test(
      "kept whole says so, and adds nothing where it owns not all",
      onStore(async (to) => {
        if (to.keepWhole === undefined) return;
        expect(await to.keepWhole(packOf("b1", [event("a")]))).toBe(true);
        expect(await to.keepWhole(packOf("b2", [event("a"), event("b")]))).not.toBe(true);
        expect(await counted(to)).toMatchObject({ v: 1, types: { "mail.opened": 1 } });
      }),
    );
  });
}
