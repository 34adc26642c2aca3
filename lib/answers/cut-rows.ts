import type { Period } from "../counting/calendar.ts";
import { NONE, record, type Section, type SectionRow } from "../counting/cells.ts";
import { assign } from "../counting/cover.ts";
import { pathOf } from "../counting/dimensions.ts";
import { maxGroups } from "./plan.ts";
import type { FoldedSource } from "./source.ts";
import type { EventFilter, Range } from "../event/filter.ts";

/** What to count in events. */
export interface Counting {
  /** Ascending, not overlapping. */
  readonly columns: readonly Pick<Period, "start" | "end">[];
  /** `types` or a dimension. */
  readonly section: Section;
  /** The events that the question is about. */
  readonly filter: Omit<EventFilter, "project" | "from" | "to">;
}

/** How many events were expected, and how many met the filter. */
export interface EventsRead {
  readonly estimate: number;
  readonly met: number;
}

/**
 * Counts the rows of buckets, or of other ranges, from their events; each range lies within one
 * column.
 * @throws ServiceError QUERY_TOO_EXPENSIVE
 */
export async function readEvents(
  asking: FoldedSource,
  { columns, section, filter }: Counting,
  cut: readonly Range[],
  take: (row: SectionRow<string>) => void,
): Promise<EventsRead> {
  const periods = joined(columns, cut);
  const range = { from: periods[0]!.start, to: periods.at(-1)!.end };
  const path = section === "types" ? [] : [{ path: pathOf(section) }];
  const { result, events, estimate } = await asking.analyze(
    { ...filter, ...range },
    {
      kind: "breakdown",
      metrics: [{ op: "count" }],
      dimensions: [{ path: ["type"] }, ...path, { time: true }],
      periods,
      totals: false,
      maxGroups,
    },
  );
  const rows = new Map<number, Record<string, Record<string, number>>>();
  for (const { dimensions, metrics } of result.groups) {
    const [type, value, period] = (
      section === "types" ? [dimensions[0], NONE, dimensions[1]] : dimensions
    ) as [string, string, number];
    let cells = rows.get(period);
    if (cells === undefined) rows.set(period, (cells = record()));
    (cells[type] ??= record())[value] = metrics[0]!;
  }
  for (const [period, cells] of rows) {
    take({ start: periods[period]!.start, cells: shapedAs(section, cells), exact: true });
  }
  return { estimate, met: events };
}

/** The buckets as ranges, ascending; adjacent ones in one column are joined. */
function joined(
  columns: Counting["columns"],
  buckets: readonly Range[],
): readonly { readonly start: number; readonly end: number }[] {
  const periods: { start: number; end: number; column: number }[] = [];
  for (const { from, to } of buckets.toSorted((a, b) => a.from - b.from)) {
    const column = assign(columns, from);
    const last = periods.at(-1);
    if (last?.end === from && last.column === column) last.end = to;
    else periods.push({ start: from, end: to, column });
  }
  return periods.map(({ start, end }) => ({ start, end }));
}

/** Gives a row the shape of its section: the section `types` has counts alone. */
function shapedAs(
  section: Section,
  cells: Record<string, Record<string, number>>,
): SectionRow<string>["cells"] {
  if (section !== "types") return cells;
  const types = record<number>();
  for (const type of Object.keys(cells)) types[type] = cells[type]![NONE]!;
  return types as unknown as SectionRow<string>["cells"];
}
