import { deltasOf } from "../../lib/counting/delta.ts";
import { builtInDimensions } from "../../lib/counting/dimensions.ts";
import { readCountsQuestion } from "../../lib/questions/counts.ts";
import { readQueryQuestion } from "../../lib/questions/query/question.ts";
import type { Raw } from "../../lib/questions/reading/field.ts";
import type { StoredEvent } from "../../lib/event/event.ts";
import { QuestionReads } from "../../lib/answers/reads.ts";
import { answerCounts } from "../../lib/answers/counts.ts";
import { generousBudget } from "../fixtures/budget.ts";
import { rollUpAll, storeBatch } from "../../lib/store/protocol.ts";
import { answerQuery } from "../../lib/answers/query.ts";
import type { EventStore } from "../../lib/store/store.ts";
import { day, dayMs, event, minute, minuteMs, type OnStore } from "./store-harness.ts";

/** Covered by a rollup of the day. */
const wholeDay = { range: { from: day, to: day + dayMs } };

/** What a rollup cuts is told by the events, or the answer says that it is not. */
export function cutsContract(onStore: OnStore): void {
  describe("more than a rollup keeps", () => {
    test(
      "of campaigns: a rare one counts, whatever the question; rows do not depend on what else is asked",
      onStore(async (store) => {
        const campaign = (i: number) => ({ utm: { source: "s", campaign: `c${i}` } });
        await keep(store, 1_400, (i) => ({ context: campaign(i % 1_300) }));
        const reads = readsOf(store);
        const filters: readonly (readonly [unknown, number])[] = [
          [["is", "context.utm.campaign", "c1299"], 1],
          [["not", ["is", "context.utm.campaign", ["c1299", "c0"]]], 1_397],
          [["or", ["is", "context.utm.campaign", "c1298"], ["is", "type", "t1"]], 468],
        ];
        for (const [filter, count] of filters) {
          const plain = await query(reads, { ...wholeDay, filters: filter });
          const beside = await query(reads, {
            ...wholeDay,
            metrics: ["count", "uniques"],
            filters: filter,
          });
          expect([plain.results[0]!.metrics[0], plain.ownMeta.exact]).toEqual([count, true]);
          expect(beside.results[0]!.metrics[0]).toBe(count);
        }
        const dimensions = ["utm.campaign"];
        const plain = await query(reads, { ...wholeDay, dimensions });
        const beside = await query(reads, {
          ...wholeDay,
          dimensions,
          metrics: ["count", "uniques"],
        });
        expect(plain.ownMeta).toMatchObject({
          because: ["rowsLeftOut"],
          rows: 1_000,
          rowsLeftOut: 300,
        });
        expect(plain.results.map((row) => row.dimensions)).toEqual(
          beside.results.map((row) => row.dimensions),
        );

        const rows = await counts(reads, {
          ...wholeDay.range,
          groupBy: "utm.campaign",
          type: "t2",
          limit: "1",
        });
        expect(rows).toMatchObject({ total: 466, ownMeta: { rows: 1, rowsLeftOut: 465 } });
        const poor = readsOf(store, 1_000);
        const cut = await query(poor, {
          ...wholeDay,
          dimensions,
          orderBy: ["context.utm.campaign"],
          limit: 2,
        });
        expect(cut.ownMeta.because).toEqual(["other", "rowsLeftOut"]);
        expect(cut.results[0]).toEqual({ dimensions: ["(other)"], metrics: [300] });
      }),
    );

    test(
      "of types: each counts, with its users and values, and what asks for no type needs no event",
      onStore(async (store) => {
        await keep(store, 1_200, (i) => ({
          type: `t${i % 1_100}`,
          metadata: { userId: `u${i % 7}` },
        }));
        const reads = readsOf(store);
        const filters = ["is", "type", "t1099"];
        const metrics = ["count", "uniques"];
        expect((await query(reads, { ...wholeDay, metrics, filters })).results[0]!.metrics).toEqual(
          [1, 1],
        );
        expect(await counts(reads, { ...wholeDay.range, type: "t1098,t0" })).toMatchObject({
          data: [
            { type: "t0", count: 2 },
            { type: "t1098", count: 1 },
          ],
          ownMeta: { exact: true },
        });
        expect(await counts(reads, wholeDay.range)).toMatchObject({
          total: 1_200,
          ownMeta: { because: ["rowsLeftOut"], rows: 1_000, rowsLeftOut: 100 },
        });
        const all = await query(reads, { ...wholeDay, metrics, dimensions: ["source"] });
        expect(all.results).toEqual([{ dimensions: ["web"], metrics: [1_200, 7] }]);
        const bySource = await query(readsOf(store, 10), { ...wholeDay, dimensions: ["source"] });
        expect(bySource).toMatchObject({ ownMeta: { exact: true, source: "rollup" } });
        const poor = await counts(readsOf(store, 10), { type: "t1099", ...wholeDay.range });
        expect(poor.ownMeta).toMatchObject({ exact: false, because: ["other"] });
      }),
    );

    test(
      "of types: a list of some of them has its true total",
      onStore(async (store) => {
        await keep(store, 1_200, (i) => ({ type: `t${i % 1_100}` }));
        const { range } = wholeDay;
        const totals: readonly (readonly [readonly string[] | undefined, number])[] = [
          [["t1099"], 1],
          [["t0"], 2],
          [["t1099", "t0", "none"], 3],
          [["none"], 0],
          [["(other)"], 0],
          [Array.from({ length: 100 }, (_, i) => `t${1_000 + i}`), 100],
          [undefined, 1_200],
        ];
        for (const [types, total] of totals) {
          for (const span of [range, {}, { from: range.from }]) {
            const { store: reads } = readsOf(store);
            const filter = { project: "p", types, ...span };
            expect([types, await reads.countEvents(filter)]).toEqual([types, total]);
          }
        }
      }),
    );

    test(
      "of characters: values that begin alike are a row each",
      onStore(async (store) => {
        const long = (i: number) => `https://example.com/${"path/".repeat(60)}${i % 3}`;
        await keep(store, 9, (i) => ({ source: long(i), data: { link: long(i) } }));
        const reads = readsOf(store);
        for (const dimension of ["source", "data.link"]) {
          const { results, ownMeta } = await query(reads, { dimensions: [dimension] });
          expect(results).toEqual([0, 1, 2].map((i) => ({ dimensions: [long(i)], metrics: [3] })));
          expect(ownMeta.exact).toBe(true);
        }
        const grouped = await counts(reads, { groupBy: "source", type: "t0" });
        expect(grouped.data.map(({ source }) => source)).toEqual([long(0)]);
      }),
    );

    test(
      "of time: a misdated event of another source does not widen a series, nor does now",
      onStore(async (store) => {
        await keep(store, 6, (i) =>
          i === 0 ? { source: "clock", timestamp: Date.UTC(1971, 0) } : {},
        );
        const reads = readsOf(store);
        const range = {
          from: new Date(minute + minuteMs).toISOString(),
          to: new Date(minute + 6 * minuteMs).toISOString(),
        };
        const series = await counts(reads, { source: "web", interval: "hour" });
        expect(series.total).toBe(5);
        expect(series.ownMeta.range).toEqual(range);
        for (const metrics of [["count"], ["count", "max:data.n"]]) {
          const { ownMeta } = await query(reads, {
            metrics,
            dimensions: ["time:minute"],
            filters: ["is", "source", "web"],
          });
          expect(ownMeta).toMatchObject({ rows: 5, range });
        }
      }),
    );

    test(
      "of time: events under (other) do not widen a series that they are not in",
      onStore(async (store) => {
        const source = `https://example.com/${"path/".repeat(60)}`;
        await keep(store, 7, (i) => {
          if (i === 0) return { source, timestamp: day - 30 * dayMs };
          return i === 6 ? { source, timestamp: day + 30 * dayMs } : {};
        });
        const range = {
          from: new Date(minute + minuteMs).toISOString(),
          to: new Date(minute + 6 * minuteMs).toISOString(),
        };
        const filters = ["is", "source", "web"];
        const ask = { dimensions: ["time:day"], filters };
        const series = { source: "web", interval: "day" };
        const reads = readsOf(store);
        expect((await counts(reads, series)).ownMeta.range).toEqual(range);
        expect((await counts(reads, { ...series, to: range.to })).ownMeta.range).toEqual(range);
        expect((await query(reads, ask)).ownMeta.range).toEqual(range);
        expect(await counts(reads, { ...series, source: "none" })).toMatchObject({ data: [] });

        const poor = readsOf(store, 1);
        expect((await query(poor, ask)).ownMeta.range).toEqual({
          from: new Date(day - 30 * dayMs).toISOString(),
          to: new Date(day + 30 * dayMs + minuteMs).toISOString(),
        });
      }),
    );
  });
}

function query(reads: QuestionReads, body: Raw) {
  return answerQuery(reads, readQueryQuestion(body));
}

function counts(reads: QuestionReads, raw: Raw) {
  return answerCounts(reads, readCountsQuestion(raw, builtInDimensions));
}

function readsOf(store: EventStore, maxEvents = 1_000_000): QuestionReads {
  const budget = { ...generousBudget(), maxEvents };
  return new QuestionReads({ store, project: "p", rolledUp: builtInDimensions, budget });
}

/** Store events of three types, one a minute, and roll them up. */
async function keep(
  store: EventStore,
  count: number,
  of: (i: number) => Partial<StoredEvent>,
): Promise<void> {
  const events = Array.from({ length: count }, (_, i) =>
    event(`e${i}`, { type: `t${i % 3}`, timestamp: minute + (i % 60) * minuteMs, ...of(i) }),
  );
  const deltas = deltasOf("b", "p", events, builtInDimensions);
  await storeBatch(store, { batch: "b", project: "p", events, deltas }, () =>
    Promise.resolve(deltas),
  );
  await rollUpAll(store, 1_000);
}
