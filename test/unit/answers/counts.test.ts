import fc from "fast-check";
import { grainMs, grains, startOf, type Grain } from "../../../lib/counting/bucket.ts";
import type { StoredEvent } from "../../../lib/event/event.ts";
import type { Range } from "../../../lib/event/filter.ts";
import {
  type SectionRow,
  cutCells,
  mergeCells,
  sectionOf,
  type Cells,
} from "../../../lib/counting/cells.ts";
import { intervals, periods, type Period } from "../../../lib/counting/calendar.ts";
import {
  CountTable,
  type CountOptions,
  type CountRow,
  type Counts,
  maxPoints,
} from "../../../lib/answers/counts.ts";
import { coverAll, type Marks } from "../../../lib/counting/cover.ts";
import { eventRow } from "../../../lib/answers/rollup-reads.ts";
import { cellsOf, deltasOf } from "../../../lib/counting/delta.ts";
import { valueOf } from "../../../lib/event/shown-value.ts";
import { eventsWithin, names, origin } from "../../support/arbitraries.ts";
import { FoldOverflow } from "../../../lib/questions/fold.ts";

const dimensions = ["source", "context.browser"];
const spanMs = 3 * grainMs.day;

function countTypes(rows: readonly SectionRow<"types">[], options: CountOptions = {}): Counts {
  const table = new CountTable(options);
  for (const row of rows) table.addTypes(row);
  return table.finish();
}

function countValues(rows: readonly SectionRow<string>[], options: CountOptions = {}): Counts {
  const table = new CountTable(options);
  for (const row of rows) table.addValues(row);
  return table.finish();
}

type Rollups = Readonly<Record<Grain, ReadonlyMap<number, Cells>>>;

/** What a store holds once everything is settled. */
function rollUp(events: readonly StoredEvent[]): Rollups {
  const group = (cells: readonly (readonly [number, Cells])[], grain: Grain) =>
    new Map(
      [...Map.groupBy(cells, ([start]) => startOf(grain, start))].map(([start, parts]) => {
        return [start, cutCells(mergeCells(parts.map(([, part]) => part)))] as const;
      }),
    );
  const deltas = deltasOf("b", "p", events, dimensions);
  const minute = group(
    deltas.map(({ bucket, cells }) => [bucket.start, cells] as const),
    "minute",
  );
  const hour = group([...minute], "hour");
  return { minute, hour, day: group([...hour], "day") };
}

/** Read a section as the query does; what is marked is not in the rollups, as if none was ever written. */
function read<S extends string>(
  events: readonly StoredEvent[],
  parts: readonly Pick<Period, "start" | "end">[],
  marks: Marks,
  section: S,
): SectionRow<S>[] {
  const store = rollUp(events);
  const within = ({ from, to }: Range, start: number) => start >= from && start < to;
  const row = (start: number, cells: Cells) => {
    return { start, cells: sectionOf(cells, section), exact: true };
  };
  const { rollups, deltas, events: ends } = coverAll(parts, marks);
  return [
    ...ends.map((range) =>
      eventRow(
        range.from,
        events.filter(({ timestamp }) => within(range, timestamp)),
        section,
      ),
    ),
    ...grains.flatMap((grain) =>
      [...store[grain]]
        .filter(([start]) => rollups[grain].some((range) => within(range, start)))
        .filter(([start]) => !marks[grain].includes(start))
        .map(([start, cells]) => row(start, cells)),
    ),
    ...deltas
      .filter((start) => store.minute.has(start))
      .map((start) => row(start, store.minute.get(start)!)),
  ];
}

/** A plain recount. */
function recount(
  events: readonly StoredEvent[],
  parts: readonly Period[],
  keyOf: (event: StoredEvent) => string,
): Map<string, number[]> {
  const counts = new Map<string, number[]>();
  for (const event of events) {
    const column = parts.findIndex(
      ({ start, end }) => event.timestamp >= start && event.timestamp < end,
    );
    if (column < 0) continue;
    const series = counts.get(keyOf(event)) ?? parts.map(() => 0);
    counts.set(keyOf(event), series.with(column, series[column]! + 1));
  }
  return counts;
}

function seriesOf(rows: readonly CountRow[], ...keys: string[]): Map<string, number[]> {
  return new Map(
    rows.map((row) => [
      JSON.stringify(keys.map((key) => row[key])),
      row.series!.map(({ count }) => count),
    ]),
  );
}

const question = fc.record({
  events: eventsWithin(spanMs),
  bounds: fc.tuple(fc.nat(spanMs), fc.nat(spanMs)).filter(([a, b]) => a !== b),
  interval: fc.constantFrom(...intervals.filter((interval) => interval !== "minute")),
  zone: fc.constantFrom("UTC", "Asia/Kolkata", "America/New_York", "Australia/Lord_Howe"),
  marked: fc.array(fc.nat(spanMs - 1), { maxLength: 5 }),
  types: fc.option(fc.uniqueArray(names), { nil: undefined }),
});

test("a series by type is what a plain recount of the events gives", () => {
  fc.assert(
    fc.property(question, ({ events, bounds, interval, zone, marked, types }) => {
      const range = { from: origin + Math.min(...bounds), to: origin + Math.max(...bounds) };
      const parts = periods(interval, zone, range);
      const marks = marksOf(marked);
      const answer = countTypes(read(events, parts, marks, "types"), { periods: parts, types });
      const asked = events.filter(({ type }) => types?.includes(type) ?? true);
      const expected = recount(asked, parts, ({ type }) => JSON.stringify([type]));
      expect(seriesOf(answer.data, "type")).toEqual(expected);
      expectAssembled(answer, parts);

      const plain = countTypes(
        read(events, [{ start: range.from, end: range.to }], marks, "types"),
        { types },
      );
      expect(plain.data).toEqual(answer.data.map(({ type, count }) => ({ type, count })));
    }),
    { numRuns: 150 },
  );
});

test("grouped by a dimension, and filtered by its values, it is too", () => {
  fc.assert(
    fc.property(question, fc.uniqueArray(names), (asked, values) => {
      const { events, bounds, interval, zone, marked, types } = asked;
      const range = { from: origin + Math.min(...bounds), to: origin + Math.max(...bounds) };
      const parts = periods(interval, zone, range);
      const ofTypes = events.filter(({ type }) => types?.includes(type) ?? true);
      for (const dimension of dimensions) {
        const rows = read(events, parts, marksOf(marked), dimension);
        const answer = countValues(rows, { periods: parts, types, groupBy: dimension });
        expect(seriesOf(answer.data, "type", dimension)).toEqual(
          recount(ofTypes, parts, (event) => {
            return JSON.stringify([event.type, valueOf(event, dimension)]);
          }),
        );
        expectAssembled(answer, parts);

        const picked = countValues(rows, { periods: parts, types, values });
        expect(seriesOf(picked.data, "type")).toEqual(
          recount(
            ofTypes.filter((event) => values.includes(valueOf(event, dimension))),
            parts,
            ({ type }) => JSON.stringify([type]),
          ),
        );
      }
    }),
    { numRuns: 100 },
  );
});

/** Marks on the buckets of some instants, minutes first, as the aggregator meets them. */
function marksOf(offsets: readonly number[]): Marks {
  const marks: Record<Grain, number[]> = { minute: [], hour: [], day: [] };
  offsets.forEach((offset, i) => {
    const grain = grains[i % grains.length]!;
    marks[grain].push(startOf(grain, origin + offset));
  });
  return marks;
}

function expectAssembled({ data, total, rows }: Counts, parts: readonly Period[]): void {
  expect(data.reduce((sum, { count }) => sum + count, 0)).toBe(total);
  expect(data).toHaveLength(rows);
  data.forEach(({ type, count, series }, i) => {
    expect(series!.map(({ time }) => time)).toEqual(parts.map(({ time }) => time));
    expect(series!.reduce((sum, point) => sum + point.count, 0)).toBe(count);
    const before = data[i - 1];
    if (before === undefined) return;
    expect(before.count).toBeGreaterThanOrEqual(count);
    if (before.count === count) expect(before.type <= type).toBe(true);
  });
}

test("rows are ordered by count, then type, then value, and carry the dimension's name", () => {
  const cells = cellsOf([], ["source"]);
  expect(
    countValues([{ start: 0, cells: cells.dimensions["source"]!, exact: true }], {
      groupBy: "source",
    }),
  ).toEqual({ data: [], total: 0, rows: 0 });
  const row = {
    start: 0,
    cells: { b: { y: 1, x: 1 }, a: { x: 1, "10": 3 } },
    exact: true,
  };
  const { data } = countValues([row], { groupBy: "source" });
  expect(JSON.stringify(data)).toBe(
    JSON.stringify([
      { type: "a", source: "10", count: 3 },
      { type: "a", source: "x", count: 1 },
      { type: "b", source: "x", count: 1 },
      { type: "b", source: "y", count: 1 },
    ]),
  );
});

test("rows outside of all periods do not count", () => {
  const parts = [{ start: 0, end: 10, time: "first" }];
  const rows = [0, 9, 10, -1].map((start) => ({ start, cells: { t: 1 }, exact: true }));
  expect(countTypes(rows, { periods: parts })).toEqual({
    data: [{ type: "t", count: 2, series: [{ time: "first", count: 2 }] }],
    total: 2,
    rows: 1,
  });
});

test("rows of JSON with hostile keys are rows like others", () => {
  const cells = JSON.parse(
    '{"__proto__":{"__proto__":2,"constructor":1}}',
  ) as SectionRow<"d">["cells"];
  const row = { start: 0, cells, exact: true };
  expect(JSON.stringify(countValues([row], { groupBy: "__proto__" }).data)).toBe(
    '[{"type":"__proto__","__proto__":"__proto__","count":2},{"type":"__proto__","__proto__":"constructor","count":1}]',
  );
  expect(countValues([row], { values: ["constructor", "toString"] }).data).toEqual([
    { type: "__proto__", count: 1 },
  ]);
});

test("rows are shown from an offset up to a limit; the total is of all", () => {
  const cells = Object.fromEntries(Array.from({ length: 10 }, (_, i) => [`t${i}`, i + 1]));
  const table = new CountTable();
  table.addTypes({ start: 0, cells, exact: true });
  const { data, total, rows } = table.finish(3, 2);
  expect(data.map(({ type }) => type)).toEqual(["t7", "t6", "t5"]);
  expect({ total, rows }).toEqual({ total: 55, rows: 10 });
});

test("more points than are answered are refused with their number before they are made", () => {
  const minutes = periods("minute", "UTC", { from: origin, to: origin + 2_000 * 60_000 });
  const table = new CountTable({ periods: minutes });
  const cells = Object.fromEntries(Array.from({ length: 60 }, (_, i) => [`t${i}`, 1]));
  table.addTypes({ start: origin, cells, exact: true });
  expect(() => table.finish()).toThrow(/60 rows .* 120000 points/);
  expect(table.finish(maxPoints / 2_000).data).toHaveLength(50);

  const full = new CountTable({ periods: minutes });
  const many = Object.fromEntries(Array.from({ length: 1_000 }, (_, i) => [`t${i}`, 1]));
  expect(() => {
    for (const { start } of minutes) full.addTypes({ start, cells: many, exact: true });
  }).toThrow(FoldOverflow);
});
