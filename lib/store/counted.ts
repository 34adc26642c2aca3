import { countPeriods, periods, type Period } from "../analytics/calendar.ts";
import {
  countTypes,
  countValues,
  eventRow,
  pickValues,
  type CountOptions,
  type Counts,
} from "../analytics/counts.ts";
import type { CountsQuestion } from "../analytics/counts-question.ts";
import { assign, coverAll, sourceOf, type Cover, type Marks } from "../analytics/cover.ts";
import { exactness, toldRange, type Told } from "../analytics/told.ts";
import { ServiceError } from "../errors.ts";
import { grainMs, grains, startOf } from "../event/bucket.ts";
import { shownValue } from "../event/shown-value.ts";
import type { ProjectId, StoredEvent } from "../event/event.ts";
import type { EventReads } from "./event-page.ts";
import type { EventFilter, EventQuery, Range, SectionRow } from "./store.ts";

/** A counts answer without `meta`: what the cacher keeps. */
export interface Counted extends Omit<Counts, "exact"> {
  readonly told: Told;
}

/** The most periods of one series. */
export const maxPeriods = 10_000;

const pageSize = 1_000;
const noCounts: Counted = { data: [], total: 0, told: { exact: true, source: "rollup", rows: 0 } };

/**
 * Answer a counts question from rollups where buckets are settled, from deltas where they are not,
 * and from events for what no bucket tells. The marks are read before the rollups, the finest grain
 * first (docs/protocol.md), so every batch that was acknowledged before the call is in the answer.
 *
 * @param until epoch milliseconds up to which a series without `to` runs where no event is later
 * @throws ServiceError VALIDATION where a series would have more than `maxPeriods` periods
 */
export async function counted(
  store: EventReads,
  project: ProjectId,
  question: CountsQuestion,
  until: number,
): Promise<Counted> {
  const range = await closedRange(store, project, question, until);
  if (range === undefined) return noCounts;
  const spans = question.interval && seriesOf(question, range);
  const options = { periods: spans, types: question.types };
  const columns = spans ?? [{ start: range.from, end: range.to }];

  if (
    question.sources !== undefined &&
    question.groupBy !== undefined &&
    question.groupBy !== "source"
  ) {
    const rows = await rowsFromEvents(
      store,
      { project, ...range, ...filterOf(question) },
      columns,
      question.groupBy,
    );
    return answerOf(countValues(question.groupBy, rows, options), "events", range);
  }
  const cover = coverAll(columns, await marksOf(store, project, range));
  const counts = await countCovered(store, project, question, cover, options);
  return answerOf(counts, sourceOf(cover), range);
}

function answerOf({ exact, ...counts }: Counts, source: Told["source"], range: Range): Counted {
  const told = { ...exactness(exact ? [] : ["other"]), source, rows: counts.data.length };
  return { ...counts, told: { ...told, range: toldRange(range) } };
}

function filterOf({ types, sources }: CountsQuestion): Partial<EventFilter> {
  return { types, sources };
}

async function countCovered(
  store: EventReads,
  project: ProjectId,
  { groupBy, sources }: CountsQuestion,
  cover: Cover,
  options: CountOptions,
): Promise<Counts> {
  if (groupBy !== undefined) {
    const rows = await coveredRows(store, project, cover, groupBy);
    const counts = countValues(groupBy, rows, options);
    return sources === undefined ? counts : onlyValues(counts, groupBy, sources);
  }
  if (sources !== undefined) {
    return countTypes(
      pickValues(await coveredRows(store, project, cover, "source"), sources.map(shownValue)),
      options,
    );
  }
  return countTypes(await coveredRows(store, project, cover, "types"), options);
}

function onlyValues(counts: Counts, dimension: string, values: readonly string[]): Counts {
  const data = counts.data.filter((row) => values.includes(row[dimension] as string));
  return { ...counts, data, total: data.reduce((total, { count }) => total + count, 0) };
}

function seriesOf({ interval, timezone }: CountsQuestion, range: Range): readonly Period[] {
  if (interval === undefined) return [];
  const count = countPeriods(interval, range);
  if (count > maxPeriods) {
    throw new ServiceError("VALIDATION", undefined, {
      errors: [
        {
          pointer: "interval",
          code: "too_many_periods",
          message: `the range has about ${count} periods of a ${interval}; at most ${maxPeriods} are answered: choose a longer interval or a shorter range`,
        },
      ],
    });
  }
  return periods(interval, timezone, range);
}

/** The range asked for, its open ends closed around the events there are; `undefined` where there are none. */
export async function closedRange(
  store: EventReads,
  project: ProjectId,
  { from, to, types, interval }: Pick<CountsQuestion, "from" | "to" | "types" | "interval">,
  until: number,
): Promise<Range | undefined> {
  if (from !== undefined && to !== undefined) return { from, to };
  const end = async (order: EventQuery["order"]) =>
    (await store.events({ project, types, from, to, order, limit: 1 }))[0]?.timestamp;
  const [first, last] = await Promise.all([end("asc"), end("desc")]);
  if (first === undefined || last === undefined) {
    return interval !== undefined && from !== undefined && from < until
      ? { from, to: until }
      : undefined;
  }
  const lastEnd = startOf("minute", last) + grainMs.minute;
  return {
    from: from ?? startOf("minute", first),
    to: to ?? (interval === undefined ? lastEnd : Math.max(lastEnd, until)),
  };
}

/** The marks around a range. */
export function marksOf(store: EventReads, project: ProjectId, range: Range): Promise<Marks> {
  // Whole days: a bucket is settled only where its parents' and children's marks are known too.
  const days = {
    from: startOf("day", range.from),
    to: startOf("day", range.to) + grainMs.day,
  };
  return store.marks(project, days);
}

/** One section of all that a cover leads to. */
export async function coveredRows<S extends string>(
  store: EventReads,
  project: ProjectId,
  cover: Cover,
  section: S,
): Promise<readonly SectionRow<S>[]> {
  const reads = grains
    .filter((grain) => cover.rollups[grain].length > 0)
    .map((grain) => store.rollups(project, grain, cover.rollups[grain], section));
  if (cover.deltas.length > 0) reads.push(store.deltaSums(project, cover.deltas, section));
  const partial = cover.events.map((range) =>
    rowsFromEvents(store, { project, ...range }, [{ start: range.from, end: range.to }], section),
  );
  return (await Promise.all([...reads, ...partial])).flat();
}

/** Rows counted from the events themselves, page by page; each lies within one period. */
async function rowsFromEvents<S extends string>(
  store: EventReads,
  filter: EventFilter,
  spans: readonly Pick<Period, "start" | "end">[],
  section: S,
): Promise<readonly SectionRow<S>[]> {
  const rows: SectionRow<S>[] = [];
  let after: EventQuery["after"];
  for (;;) {
    const found = await store.page({ ...filter, order: "asc", limit: pageSize, after });
    for (const [span, events] of Map.groupBy(found.events, ({ timestamp }) =>
      assign(spans, timestamp),
    )) {
      const start = spans[span]?.start;
      if (start !== undefined)
        rows.push(eventRow(start, events as readonly StoredEvent[], section));
    }
    after = found.next;
    if (after === undefined) return rows;
  }
}
