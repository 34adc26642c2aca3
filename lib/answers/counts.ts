import type { Period } from "../counting/calendar.ts";
import { isCut, OTHER, type ValueCounts, type SectionRow } from "../counting/cells.ts";
import { CountTable, type CountRow, type Counts } from "./count-rows.ts";
import type { CountsQuestion } from "../questions/counts.ts";
import { rowCursorOf } from "../questions/reading/row-cursor.ts";
import { exactness, metaRange, type OwnMeta, type AnswerMeta } from "../questions/answer-meta.ts";
import { shownValue } from "../event/shown-value.ts";
import type { QuestionContext } from "./context.ts";
import { closedByRollups, closedRange } from "./closed-range.ts";
import { readCovered, readRollups, type Covered, type Reading } from "./rollup-reads.ts";
import { readEvents } from "./cut-rows.ts";
import { seriesOf } from "./series.ts";
import type { Range } from "../event/filter.ts";
import { bounded, withinBudget } from "./within-budget.ts";

/** A counts answer without `meta`, as the cacher keeps it. */
export interface Counted extends Omit<Counts, "rows"> {
  /** Leads to the rows that were left out; `null` where none were. */
  readonly nextCursor: string | null;
  readonly ownMeta: OwnMeta;
}

const noCounts: Counted = {
  data: [],
  total: 0,
  nextCursor: null,
  ownMeta: { exact: true, source: "rollup", rows: 0, rowsLeftOut: 0 },
};

/**
 * Answer a counts question from rollups where buckets are settled, from deltas where they are not,
 * and from events for what no bucket tells. The marks are read before the rollups, the finest grain
 * first (docs/protocol.md), so every batch that was acknowledged before the call is in the answer.
 *
 * @throws ServiceError VALIDATION where a series would have more than `maxPeriods` periods,
 * QUERY_TOO_EXPENSIVE where there would be too many points
 */
export async function answerCounts(
  asking: QuestionContext,
  question: CountsQuestion,
): Promise<Counted> {
  const range = question.page.range ?? (await rangeOf(asking, question));
  if (range === undefined) return noCounts;
  const { interval, timezone, limit, page } = question;
  const spans = interval && seriesOf("interval", { interval, timezone }, question, range);
  return bounded(async () => {
    const { table, isCut, source } = await count(asking, question, range, spans);
    const { rows, ...counts } = table.finish(limit, page.offset);
    const end = page.offset + counts.data.length;
    const rowsLeftOut = Math.max(0, rows - end);
    const because = [...(isCut ? ["other" as const] : []), ...leftOut(rowsLeftOut)];
    const ownMeta = { ...exactness(because), source, rows: counts.data.length, rowsLeftOut };
    const nextCursor = rowsLeftOut > 0 ? rowCursorOf(page, end, range) : null;
    return { ...counts, nextCursor, ownMeta: { ...ownMeta, range: metaRange(range) } };
  });
}

/**
 * Whether the question filters by one dimension and groups by another: a rollup has no counts for
 * pairs of values.
 */
export function crossesDimensions({ sources, groupBy }: CountsQuestion): boolean {
  return sources !== undefined && groupBy !== undefined && groupBy !== "source";
}

function leftOut(rows: number): readonly "rowsLeftOut"[] {
  return rows > 0 ? ["rowsLeftOut"] : [];
}

async function count(
  asking: QuestionContext,
  question: CountsQuestion,
  range: Range,
  spans: readonly Period[] | undefined,
): Promise<Pick<Covered, "isCut" | "source"> & { readonly table: CountTable }> {
  const { types, sources, groupBy } = question;
  const filter = { types, sources };
  const section = groupBy ?? (sources === undefined ? "types" : "source");
  const values = section === "source" ? sources?.map(shownValue) : undefined;
  const begin = () => new CountTable({ periods: spans, types, values, groupBy });
  const into = (table: CountTable) => (row: SectionRow<string>) => {
    if (section === "types") table.addTypes(row);
    else table.addValues(row);
  };
  if (crossesDimensions(question)) {
    const table = begin();
    const columns = spans ?? [{ start: range.from, end: range.to }];
    const ranges = columns.map(({ start, end }) => ({ from: start, to: end }));
    await readEvents(asking, { columns, section, filter }, ranges, into(table));
    return { table, isCut: false, source: "events" };
  }
  const rollups = await readRollups(asking, range, spans);
  const reading = { ...rollups, section, needs: needsOther(section, types), filter };
  return withinBudget(async (budget) => {
    const table = begin();
    return { table, ...(await readCovered(asking, reading, budget, into(table))) };
  });
}

/**
 * Each row counts one type, so an answer by type always needs what a rollup sums under `(other)`.
 */
function needsOther(section: string, types: readonly string[] | undefined): Reading["needs"] {
  return (cells) => Object.hasOwn(cells, OTHER) || (section !== "types" && isCut(cells, types));
}

/** The question's range; for a series, with its open ends closed around the counted events. */
async function rangeOf(
  asking: QuestionContext,
  question: CountsQuestion,
): Promise<Range | undefined> {
  const { from, to, types, sources, interval } = question;
  const range = await closedRange(asking, question, types);
  const isClosed = from !== undefined && to !== undefined;
  if (range === undefined || isClosed || sources === undefined || interval === undefined)
    return range;
  const needs = needsOther("source", types);
  return closedByRollups(asking, question, range, {
    section: "source",
    isIn: ({ cells, exact }) =>
      (!exact && needs(cells)) || hasAny(cells, types, sources.map(shownValue)),
  });
}

function hasAny(
  cells: ValueCounts,
  types: readonly string[] | undefined,
  values: readonly string[],
): boolean {
  return (types ?? Object.keys(cells)).some(
    (type) =>
      Object.hasOwn(cells, type) && values.some((value) => Object.hasOwn(cells[type]!, value)),
  );
}
export interface CountsAnswer {
  readonly data: readonly CountRow[];
  readonly total: number;
  readonly nextCursor: string | null;
  readonly meta: AnswerMeta;
}
