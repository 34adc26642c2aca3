import { readCountsQuestion } from "../../lib/questions/counts.ts";
import { deltasOf } from "../../lib/counting/delta.ts";
import { builtInDimensions } from "../../lib/counting/dimensions.ts";
import { readQueryQuestion } from "../../lib/questions/query/question.ts";
import type { Raw } from "../../lib/questions/reading/field.ts";
import { answerCounts } from "../../lib/answers/counts.ts";
import { rollUpAll, storeBatch } from "../../lib/store/protocol.ts";
import { answerQuery } from "../../lib/answers/query.ts";
import type { EventStore } from "../../lib/store/store.ts";
import { readsOf } from "./histories.ts";
import { event, minute, minuteMs, type OnStore } from "./store-harness.ts";

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
        const message = expect.stringContaining(`the range ${span} has about 19`) as string;
        const errors = [{ pointer, code: "too_many_periods", message }];
        await expect(answer).rejects.toMatchObject({ type: "VALIDATION", data: { errors } });
      }

      const near = await query({ range: { from: known } });
      expect(near.results).toMatchObject([{ metrics: [1] }]);
      expect(near.ownMeta.range).toEqual({ from: known, to: end });
      expect(await counts({ from: known })).toMatchObject({ total: 1, ownMeta: { exact: true } });
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
