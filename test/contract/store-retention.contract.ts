import { answerCounts } from "../../lib/answers/counts.ts";
import { Losses } from "../../lib/answers/losses.ts";
import { answerQuery } from "../../lib/answers/query.ts";
import { QuestionReads } from "../../lib/answers/reads.ts";
import { noFloors, type Retention } from "../../lib/counting/floors.ts";
import { deltasOf } from "../../lib/counting/delta.ts";
import { builtInDimensions } from "../../lib/counting/dimensions.ts";
import type { StoredEvent } from "../../lib/event/event.ts";
import { readCountsQuestion } from "../../lib/questions/counts.ts";
import { readQueryQuestion } from "../../lib/questions/query/question.ts";
import { audit } from "../../lib/store/audit.ts";
import { newAudit } from "../../lib/store/audit-job.ts";
import { newErasure } from "../../lib/store/erasure-job.ts";
import { rollUpAll, storeBatch } from "../../lib/store/protocol.ts";
import {
  beginRetentions,
  carryOutRetention,
  goneOf,
  graceMs,
  retentionKey,
  retentionOf,
  setRetention,
} from "../../lib/store/retention.ts";
import type { EventStore } from "../../lib/store/store.ts";
import { generousBudget } from "../fixtures/budget.ts";
import {
  always,
  bucket,
  day,
  dayMs,
  event,
  hour,
  hourMs,
  ids,
  minute,
  minuteMs,
  type OnStore,
} from "./store-harness.ts";

const forEver: Retention = { events: null, minutes: null, hours: null, days: null, types: {} };
const whole = { project: "p", order: "asc", limit: 1_000 } as const;

/** @param broken the ids of further events of the minute, which break their schema */
function keep(
  to: EventStore,
  batch: string,
  events: readonly StoredEvent[],
  broken: readonly string[] = [],
) {
  const own = events.map((one) => ({ ...one, batch }));
  const count = (some: readonly StoredEvent[]) => deltasOf(batch, "p", some, builtInDimensions);
  const apart = broken.map((id) => ({
    event: event(id, { batch }),
    country: null,
    version: 1,
    findings: [],
  }));
  const done = { batch, project: "p", events: own, deltas: count(own), broken: apart };
  return storeBatch(to, done, (owned) => Promise.resolve(count(owned)));
}

/** One pass of the job at an instant. */
async function pass(store: EventStore, now: number, isEnding = () => false): Promise<number> {
  const job = await store.job(...retentionKey("p"));
  const worker = { store, owner: "w", now: () => now, isEnding };
  return carryOutRetention(worker, job!, forEver);
}

/** Refuse, wait, seal and drop. */
async function retain(store: EventStore, now: number): Promise<number> {
  await pass(store, now);
  await rollUpAll(store, 100);
  return pass(store, now + graceMs);
}

const totals = async (store: EventStore, grain: "minute" | "hour" | "day") =>
  (await store.rollups("p", grain, [always], "types")).map((row) =>
    Object.values(row.cells).reduce((sum, n) => sum + n, 0),
  );

async function readsOf(store: EventStore, losses?: Losses): Promise<QuestionReads> {
  return new QuestionReads({
    store,
    project: "p",
    rolledUp: builtInDimensions,
    budget: generousBudget(),
    losses: losses ?? new Losses((await goneOf(store, "p"))!),
  });
}

/** `below`, `drop` and what comes of a retention; the rules are `test/model/retention`'s. */
export function retentionContract(onStore: OnStore): void {
  describe("retention", () => {
    test(
      "drops events, then minutes, then hours, and what is coarser stands",
      onStore(async (it) => {
        const later = { timestamp: minute + 3 * dayMs };
        await keep(it, "b1", [event("a"), event("b", { timestamp: minute + minuteMs })]);
        await keep(it, "b2", [event("c", later)]);
        await setRetention(it, "p", { ...forEver, events: 2 }, day);
        const now = day + 3 * dayMs + hourMs;
        expect(await pass(it, now)).toBe(0);
        expect(await pass(it, now + graceMs - 1)).toBe(0);
        // Something is marked still.
        expect(await pass(it, now + graceMs)).toBe(0);
        expect(ids(await it.events(whole))).toEqual(["a", "b", "c"]);
        await rollUpAll(it, 100);
        const before = await it.fingerprint("p", { from: day, to: day + dayMs });
        expect(await pass(it, now + graceMs)).toBeGreaterThan(1);
        expect(await it.fingerprint("p", { from: day, to: day + dayMs })).not.toBe(before);
        expect(ids(await it.events(whole))).toEqual(["c"]);
        expect(await totals(it, "minute")).toEqual([1, 1, 1]);
        expect(await pass(it, now + graceMs)).toBe(0);

        await setRetention(it, "p", { ...forEver, events: 2, minutes: 2 }, day);
        await retain(it, now + graceMs);
        expect(await totals(it, "minute")).toEqual([1]);
        expect(await totals(it, "hour")).toEqual([2, 1]);
        await setRetention(it, "p", { ...forEver, events: 1, minutes: 2, hours: 2 }, day);
        await retain(it, now + 3 * graceMs);
        expect(await totals(it, "hour")).toEqual([1]);
        expect(await totals(it, "day")).toEqual([2, 1]);
        await setRetention(it, "p", { ...forEver, events: 1, minutes: 1, hours: 1, days: 1 }, day);
        await retain(it, now + 6 * graceMs);
        expect(await totals(it, "day")).toEqual([1]);
      }),
    );

    test(
      "drops nothing where a longer retention is set before anything was dropped",
      onStore(async (it) => {
        const now = day + 9 * dayMs;
        const refused = async () => (await retentionOf(it, "p"))!.refused;
        await keep(it, "b1", [event("a")]);
        await rollUpAll(it, 100);
        await setRetention(it, "p", { ...forEver, events: 2, types: { other: 3 } }, now);
        await pass(it, now);
        expect(await refused()).toMatchObject({ events: day + 7 * dayMs });
        await setRetention(it, "p", forEver, now + 1);
        expect(await pass(it, now + graceMs)).toBe(0);
        expect(await refused()).toEqual(noFloors);
        await setRetention(it, "p", { ...forEver, events: 2 }, now + 3 * graceMs);
        await retain(it, now + 3 * graceMs);
        await setRetention(it, "p", forEver, now + 5 * graceMs);
        await pass(it, now + 5 * graceMs);
        expect(await refused()).toMatchObject({ events: day + 7 * dayMs });
      }),
    );

    test(
      "changes no count by marks, repeats, audits or erasures that come later",
      onStore(async (it) => {
        const old = [event("a"), event("b", { metadata: { userId: "u" } })];
        await keep(it, "b1", old);
        await keep(it, "b2", [event("c", { timestamp: minute + 9 * dayMs })]);
        await setRetention(it, "p", { ...forEver, events: 2, minutes: 2 }, day);
        const now = day + 9 * dayMs;
        await retain(it, now);
        // Delivered again, and what comes late: older than it is kept.
        await keep(it, "b1", old);
        const ownership = await keep(it, "b3", [event("late"), event("z", { timestamp: now })]);
        expect([...ownership.owned]).toEqual(["z"]);
        expect(ownership.foreign).toEqual([]);
        await it.recount([bucket()]);
        await it.complete(bucket(), ["b1", "b9"]);
        await it.erase("p", [{ id: "a", batch: "b1", timestamp: minute }], {
          at: now,
          reusable: false,
        });
        await rollUpAll(it, 100);
        const auditing = { store: it, now: () => now + dayMs, repairs: true };
        expect(await audit(auditing, "p", always)).toMatchObject({ drifted: 0, uncounted: 0 });
        await rollUpAll(it, 100);
        expect(await totals(it, "hour")).toEqual([2, 1, 1]);
        expect(await totals(it, "day")).toEqual([2, 2]);
        expect(ids(await it.events(whole))).toEqual(["z", "c"]);
      }),
    );

    test(
      "keeps events of some types for another time, whatever their names, and their minutes as they are",
      onStore(async (it) => {
        const noise = { type: "__proto__" };
        await keep(it, "b1", [event("a"), event("b", noise)]);
        await keep(it, "b2", [event("c", { ...noise, timestamp: minute + 4 * dayMs })]);
        await setRetention(it, "p", { ...forEver, events: 6, types: { [noise.type]: 2 } }, day);
        await retain(it, day + 4 * dayMs);
        expect(ids(await it.events(whole))).toEqual(["a", "c"]);
        const auditing = { store: it, now: () => day + 4 * dayMs, repairs: true };
        const { drifted, changed } = await audit(auditing, "p", always);
        expect({ drifted, changed }).toEqual({ drifted: 0, changed: ["a", "c"] });
        await it.recount([bucket()]);
        await rollUpAll(it, 100);
        expect(await totals(it, "day")).toEqual([2, 1]);
        expect([...(await keep(it, "b3", [event("d"), event("e", noise)])).owned]).toEqual(["d"]);
        const losses = new Losses((await goneOf(it, "p"))!);
        losses.readsEvents({ types: ["mail.opened"] });
        expect(losses.isTouched).toBe(false);
        losses.readsEvents({ types: [noise.type], from: day + dayMs });
        expect(losses.isTouched).toBe(false);
        losses.readsEvents({ from: day });
        expect(losses.isTouched).toBe(true);
      }),
    );

    test(
      "leaves the counts that rollups cut where their events are gone, and reads the events that are left",
      onStore(async (it) => {
        const long = "https://example.com/".repeat(20);
        const recent = { source: long, timestamp: minute + 4 * dayMs };
        const of = (type: string) => [
          event(`${type} 1`, { type }),
          event(`${type} 2`, { type, source: long }),
          event(`${type} 3`, { type, ...recent }),
        ];
        await keep(it, "b1", [...of("a"), ...of("b")]);
        await rollUpAll(it, 100);
        await setRetention(it, "p", { ...forEver, types: { a: 2 } }, day);
        const now = day + 5 * dayMs;
        await retain(it, now);
        expect(ids(await it.events(whole))).toEqual(["b 1", "b 2", "a 3", "b 3"]);
        const range = { from: day, to: now };
        const reads = await readsOf(it);
        const bySource = async (type: string) => {
          const raw = { ...range, type, groupBy: "source" };
          const { data, ownMeta } = await answerCounts(
            reads,
            readCountsQuestion(raw, builtInDimensions),
          );
          const rows = data.map(({ source, count }) => [source, count] as const);
          return { ...ownMeta, rows: Object.fromEntries(rows) as object };
        };
        expect(await bySource("a")).toMatchObject({
          rows: { web: 1, "(other)": 1, [long]: 1 },
          because: ["other"],
          source: "mixed",
        });
        expect(await bySource("b")).toMatchObject({ rows: { web: 1, [long]: 2 }, exact: true });
        const question = readQueryQuestion({ range, dimensions: ["source"] });
        const { results, ownMeta } = await answerQuery(reads, question);
        const found = results.map(({ dimensions, metrics }) => [dimensions[0], metrics[0]]);
        expect(Object.fromEntries(found)).toEqual({ web: 2, "(other)": 2, [long]: 2 });
        expect(ownMeta.because).toEqual(["other"]);
      }),
    );

    test(
      "begins a series without a range where its types begin, whatever else was dropped before",
      onStore(async (it) => {
        const later = minute + 600 * dayMs;
        const viewed = { type: "page.viewed" };
        const late = [
          event("c", { timestamp: later }),
          event("d", { ...viewed, timestamp: later }),
        ];
        const kept = { type: "kept", timestamp: later };
        await keep(it, "b1", [event("a"), event("b", { ...viewed, timestamp: minute + hourMs })]);
        await keep(it, "b2", [...late, event("e", { type: "signup", timestamp: later })]);
        await keep(it, "b3", [event("f", kept)]);
        await rollUpAll(it, 100);
        const now = day + 601 * dayMs;
        await setRetention(it, "p", { ...forEver, events: 2, types: { [kept.type]: null } }, day);
        await retain(it, now);
        expect(ids(await it.events(whole))).toEqual(["c", "d", "e", "f"]);

        const seriesOf = async (type: string, interval: string) => {
          const losses = new Losses((await goneOf(it, "p"))!);
          const question = readCountsQuestion({ type, interval }, builtInDimensions);
          const { data, ownMeta } = await answerCounts(await readsOf(it, losses), question);
          const points = data.map(({ series }) => series!.map(({ count }) => count));
          return { from: ownMeta.range?.from, points, isTouched: losses.isTouched };
        };
        const from = new Date(later).toISOString();
        const one = { from, points: [[1]], isTouched: false };
        expect(await seriesOf("signup", "hour")).toEqual(one);
        expect(await seriesOf(kept.type, "hour")).toEqual(one);
        expect(await seriesOf("none", "hour")).toMatchObject({ points: [] });
        const firstViewed = async () => {
          const { from: begin, points, isTouched } = await seriesOf(viewed.type, "day");
          expect([points[0]!.length, points[0]![0], isTouched]).toEqual([601, 1, false]);
          return Date.parse(begin!);
        };
        expect(await firstViewed()).toBe(minute + hourMs);
        // Once the minutes are gone, the hours are left.
        await setRetention(it, "p", { ...forEver, events: 2, minutes: 2 }, day);
        await retain(it, now + graceMs);
        expect(await totals(it, "minute")).toEqual([]);
        expect(await firstViewed()).toBe(hour + hourMs);
      }),
    );

    test(
      "leaves the users of types that rollups cut where their events are gone",
      onStore(async (it) => {
        const metadata = { userId: "u" };
        const old = Array.from({ length: 1_100 }, (_, i) =>
          event(`e${i}`, { type: `t${i}`, metadata }),
        );
        await keep(it, "b1", old);
        await keep(it, "b2", [event("z", { type: "t0", timestamp: minute + dayMs, metadata })]);
        await rollUpAll(it, 100);
        await setRetention(it, "p", { ...forEver, events: 2 }, day);
        const now = day + 5 * dayMs;
        await pass(it, now);
        while ((await pass(it, now + graceMs)) > 0);
        expect(await it.events(whole)).toEqual([]);
        const body = {
          range: { from: day, to: now },
          dimensions: ["type"],
          metrics: ["count", "uniques"],
        };
        const { results, ownMeta } = await answerQuery(
          await readsOf(it),
          readQueryQuestion({ ...body, limit: 2 }),
        );
        expect(results).toEqual([
          { dimensions: ["(other)"], metrics: [100, 1] },
          { dimensions: ["t0"], metrics: [2, 1] },
        ]);
        expect(ownMeta.because).toEqual(["other", "rowsLeftOut"]);
      }),
    );

    test(
      "counts for a list what is stored, and no event that rollups alone still count",
      onStore(async (it) => {
        const viewed = { type: "page.viewed" };
        await keep(it, "b1", [event("a"), event("b", viewed), event("c", viewed)]);
        const later = { timestamp: minute + 4 * dayMs };
        await keep(it, "b2", [event("d", later), event("e", { ...viewed, ...later })]);
        await rollUpAll(it, 100);
        await setRetention(it, "p", { ...forEver, types: { [viewed.type]: 2 } }, day);
        const now = day + 5 * dayMs;
        await retain(it, now);
        const { store: reads } = await readsOf(it);
        const total = (of: object) => reads.countEvents({ project: "p", ...of });
        const types = [viewed.type];
        expect(await total({})).toBe(3);
        expect(await total({ from: day, to: now })).toBe(3);
        expect(await total({ from: day, to: day + dayMs })).toBe(1);
        expect(await total({ from: day + dayMs, types })).toBe(1);
        expect(await total({ types })).toBe(1);
        expect(await total({ types: ["mail.opened"] })).toBe(2);
      }),
    );

    test(
      "refuses what is too old whether it keeps its schema or not, and what comes out of quarantine",
      onStore(async (it) => {
        const old = { timestamp: minute, receivedAt: day + 9 * dayMs };
        await keep(it, "b1", [event("a", { timestamp: minute + 9 * dayMs })], ["x", "y"]);
        expect((await it.quarantine.release("p", "x", "r1"))!.replay).toBe("r1");
        await setRetention(it, "p", { ...forEver, events: 2 }, day);
        const now = day + 9 * dayMs;
        await pass(it, now);
        const late = await keep(it, "b2", [event("b", old)], ["z"]);
        expect([late.owned.size, late.foreign, late.held.size]).toEqual([0, [], 0]);
        expect(await it.quarantine.find("p", "z")).toBeUndefined();
        // Refused before it is dropped and afterwards.
        for (let time = 0; time < 2; time++) {
          const out = await keep(it, "r1", [event("x", old)]);
          expect([out.owned.size, out.foreign, out.held.size]).toEqual([0, [], 0]);
          await rollUpAll(it, 100);
          await pass(it, now + graceMs);
        }
        expect(await it.quarantine.list({ project: "p", limit: 10 })).toEqual([]);
        expect(ids(await it.events(whole))).toEqual(["a"]);
      }),
    );

    test(
      "waits for an erasure and for no audit, is gone on with after a stop, and tells nothing lost where nothing was",
      onStore(async (it) => {
        await keep(it, "b1", [event("a")]);
        await setRetention(it, "p", { ...forEver, events: 2 }, day);
        const now = day + 5 * dayMs;
        await pass(it, now);
        await rollUpAll(it, 100);
        const question = { erasure: { kind: "eraseEvent", id: "x" }, reusable: false } as const;
        const job = newErasure("p", "j", question, now);
        await it.putJob(job);
        const range = { from: day, to: day + dayMs };
        for (const kind of ["auditCounts", "rebuildRollups"] as const) {
          await it.putJob(newAudit("p", kind, { range, repairs: true }, now, kind));
        }
        expect(await pass(it, now + graceMs)).toBe(0);
        await it.putJob({ ...job, revision: 2, isOpen: false });
        expect(await pass(it, now + graceMs, () => true)).toBe(0);
        expect((await goneOf(it, "p"))!.lost.events).toBe(day + dayMs);
        expect(await pass(it, now + graceMs)).toBeGreaterThan(0);
        expect(await it.events(whole)).toEqual([]);
        await retain(it, now + 9 * dayMs);
        expect((await goneOf(it, "p"))!.lost.events).toBe(day + dayMs);
        await it.markDirty([bucket(hour, "minute", "q")]);
        await beginRetentions(it, now);
        expect(await goneOf(it, "q")).toMatchObject({ lostFrom: null });
      }),
    );
  });
}
