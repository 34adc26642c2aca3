import { readCountsQuestion } from "../../lib/questions/counts.ts";
import { maxPeriods } from "../../lib/counting/calendar.ts";
import { deltasOf } from "../../lib/counting/delta.ts";
import { builtInDimensions } from "../../lib/counting/dimensions.ts";
import { readQueryQuestion } from "../../lib/questions/query/question.ts";
import type { Raw } from "../../lib/questions/reading/field.ts";
import { answerCounts } from "../../lib/answers/counts.ts";
import { rollUpAll, storeBatch } from "../../lib/store/protocol.ts";
import { answerQuery } from "../../lib/answers/query.ts";
import type { EventStore } from "../../lib/store/store.ts";
import { readsOf } from "./histories.ts";
import { event, hourMs, minute, minuteMs, type OnStore } from "./store-harness.ts";

const far = Date.UTC(1971, 4, 6, 7, 8, 9);
const known = new Date(minute).toISOString();
const end = new Date(minute + minuteMs).toISOString();

/** One event of a far year keeps an open series from being answered, not a closed one, and is named. */
export function farContract(onStore: OnStore): void {
  test(
    "a series with more periods than are answered names the events that its open ends lie at",
    onStore(async (store) => {
      await keepFarEvent(store);
      const reads = readsOf(store, "p");
      const query = async (body: Raw) =>
        answerQuery(reads, readQueryQuestion({ dimensions: ["time:day"], ...body }));
      const counts = async (raw: Raw) =>
        answerCounts(reads, readCountsQuestion({ interval: "day", ...raw }, builtInDimensions));

      const both = `from 1971-05-06T07:08:00.000Z (the oldest event asked about) to ${end} (the newest event asked about)`;
      const last = `from 1970-01-02T00:00:00.000Z to ${end} (the newest event asked about)`;
      const from = "1970-01-02T00:00:00Z";
      const refused: readonly (readonly [Promise<unknown>, string, string])[] = [
        [query({}), "/dimensions", both],
        [query({ metrics: ["max:data.n"] }), "/dimensions", both],
        [query({ range: { from } }), "/dimensions", last],
        [counts({}), "interval", both],
        [counts({ source: "web" }), "interval", both],
        [counts({ from }), "interval", last],
      ];
      for (const [answer, pointer, span] of refused) {
        const message = expect.stringContaining(`the range ${span} has at least 19`) as string;
        const errors = [{ pointer, code: "too_many_periods", message }];
        await expect(answer).rejects.toMatchObject({ type: "VALIDATION", data: { errors } });
      }

      const near = await query({ range: { from: known } });
      expect(near.results).toMatchObject([{ metrics: [1] }]);
      expect(near.ownMeta.range).toEqual({ from: known, to: end });
      expect(await counts({ from: known })).toMatchObject({ total: 1, ownMeta: { exact: true } });
    }),
  );

  test(
    "a series of as many periods as are answered is answered, also where the one before has more",
    onStore(async (store) => {
      await keepFarEvent(store);
      const reads = readsOf(store, "p");
      // This range has two springs and one autumn, the one before it one of each.
      const timezone = "Europe/Berlin";
      const from = Date.parse("2023-03-01T00:00:00Z");
      const [exactly, more] = [maxPeriods, maxPeriods + 1].map((hours) => ({
        from,
        to: from + hours * hourMs,
      }));
      const query = (range: object, compare?: string) =>
        answerQuery(
          reads,
          readQueryQuestion({ dimensions: ["time:hour"], range, timezone, compare }),
        );
      const counts = (range: object) =>
        answerCounts(
          reads,
          readCountsQuestion({ interval: "hour", timezone, ...range }, builtInDimensions),
        );
      expect((await query(exactly!)).results).toHaveLength(maxPeriods);
      const { data } = await counts(exactly!);
      expect(data.map(({ series }) => series?.length)).toEqual([maxPeriods]);
      const compared = await query(exactly!, "previous_period");
      expect(compared.ownMeta.rows).toBe(maxPeriods);
      expect(compared.ownMeta.rowsLeftOut).toBeGreaterThan(0);
      const tooMany = { data: { errors: [{ code: "too_many_periods" }] } };
      await expect(query(more!)).rejects.toMatchObject(tooMany);
      await expect(counts(more!)).rejects.toMatchObject(tooMany);
    }),
  );
}

async function keepFarEvent(store: EventStore): Promise<void> {
  const events = [event("near"), event("far", { timestamp: far })];
  const deltas = deltasOf("b", "p", events, builtInDimensions);
  await storeBatch(store, { batch: "b", project: "p", events, deltas }, () =>
    Promise.resolve(deltas),
  );
  await rollUpAll(store, 100);
}
