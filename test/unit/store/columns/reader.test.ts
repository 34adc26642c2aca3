import fc from "fast-check";
import { rowReader, type Cell, type Column } from "../../../../lib/questions/fold.ts";
import { meets, type EventFilter } from "../../../../lib/event/filter.ts";
import { nameOf, type PropertyPath } from "../../../../lib/event/property-path.ts";
import { columnName, columnsRead } from "../../../../lib/store/columns/names.ts";
import type { WrittenColumns } from "../../../../lib/store/columns/writer.ts";
import { MissingColumn, type ColumnReader } from "../../../../lib/store/columns/reader.ts";
import { events, path, predicate } from "../../../contract/store-arbitraries.ts";
import { event, minute } from "../../../contract/store-harness.ts";
import { columnReaderOf, writtenColumns } from "./segments.ts";

/** The rows that a fold of these columns gets. */
function rowsOf(
  segment: ColumnReader,
  filter: Omit<EventFilter, "project">,
  columns: readonly Column[],
) {
  const rows: (readonly Cell[])[] = [];
  const fold = {
    columns,
    add: (row: readonly Cell[]) => void rows.push([...row]),
    partial: () => rows,
    merge: () => undefined,
    finish: () => rows,
  };
  const count = segment.fold({ project: "p", ...filter }, fold);
  expect(count).toBe(rows.length);
  return rows;
}

const column: fc.Arbitrary<Column> = fc.oneof(
  fc.record({ path: path.filter(([top]) => ["data", "metadata", "context"].includes(top)) }),
  fc.record({ meets: predicate }),
  fc
    .constantFrom("type", "timestamp", "source", "correlationId", "user")
    .map((field) => ({ field })),
);

test("those columns of a chunk that are announced tell what its events do (any events, filter and columns)", () => {
  let untold = 0;
  let told = 0;
  fc.assert(
    fc.property(
      events,
      fc.array(predicate, { maxLength: 2 }),
      fc.array(column, { minLength: 1, maxLength: 3 }),
      fc.boolean(),
      (stored, where, columns, isKnown) => {
        const read = rowReader(columns);
        const expected = stored
          .filter((one) => where.every((part) => meets(one, part)))
          .map((one) => read(one));
        try {
          const known = { isOfProject: isKnown, isWithin: isKnown };
          const announced = columnsRead({ project: "p", where }, columns, known);
          const segment = columnReaderOf(stored, [], announced, isKnown ? "p" : undefined);
          expect(rowsOf(segment, { where }, columns)).toEqual(expected);
          told++;
        } catch (error) {
          if (!(error instanceof MissingColumn)) throw error;
          untold++;
        }
      },
    ),
    { numRuns: 600 },
  );
  expect(told).toBeGreaterThan(untold / 4);
});

describe("a segment", () => {
  const stored = [
    event("a", { data: { plan: "pro", n: 1 }, metadata: { userId: 7 } }),
    event("b", { data: { plan: ["x"] }, project: "q" }),
    event("c", { type: "t", source: "s\ud800", timestamp: minute + 5, correlationId: "k" }),
  ];

  test("keeps to the project, the range, types, sources and the user", () => {
    const columns = [{ field: "type" }] as const;
    const types = (filter: Omit<EventFilter, "project">) => {
      const announced = columnsRead({ project: "p", ...filter }, columns);
      return rowsOf(columnReaderOf(stored, [], announced), filter, columns).flat();
    };
    expect(types({})).toEqual(["mail.opened", "t"]);
    expect(types({ from: minute + 5 })).toEqual(["t"]);
    expect(types({ to: minute + 5 })).toEqual(["mail.opened"]);
    expect(types({ types: ["t", "u"] })).toEqual(["t"]);
    expect(types({ sources: ["s\ud800"] })).toEqual(["t"]);
    expect(types({ correlationId: "k" })).toEqual(["t"]);
    expect(types({ userId: "7" })).toEqual(["mail.opened"]);
    expect(() => types({ where: [{ path: ["user"], op: "is", values: ["7"] }] })).toThrow(
      MissingColumn,
    );
  });

  test("says what it cannot tell before a fold has got anything", () => {
    const segment = columnReaderOf(stored);
    expect(() => rowsOf(segment, {}, [{ field: "type" }, { field: "id" }])).toThrow(MissingColumn);
  });
});

test("a column with any byte changed says nothing, and the fold has got nothing", () => {
  const stored = Array.from({ length: 50 }, (_, i) => event(`e${i}`, { data: { n: i % 7 } }));
  const { columns } = writtenColumns(stored);
  const asked: readonly Column[] = [{ path: ["data", "n"] }, { field: "timestamp" }];
  const names = ['["data","n"]', "timestamp"];
  for (const [name, bytes] of columns.filter(([name]) => names.includes(name))) {
    for (let at = 0; at < bytes.length; at++) {
      const changed = Uint8Array.from(bytes);
      changed[at]! ^= 0x40;
      const segment = columnReaderOf(stored, [[name, changed]]);
      expect(() => rowsOf(segment, {}, asked)).toThrow(MissingColumn);
    }
  }
});

test("who makes up names as they go gets columns for some; of the others nothing is claimed", () => {
  const many = Array.from({ length: 1_200 }, (_, i) => event(`e${i}`, { data: { [`k${i}`]: i } }));
  const { complete, columns } = writtenColumns(many);
  expect(complete).toBe(false);
  expect(columns.length).toBeLessThan(1_100);
  const segment = columnReaderOf(many);
  const pathOf = (i: number) => [{ path: ["data", `k${i}`] as [string, ...string[]] }];
  expect(rowsOf(segment, {}, pathOf(0)).filter(([cell]) => cell === 0)).toHaveLength(1);
  expect(() => rowsOf(segment, {}, pathOf(1_199))).toThrow(MissingColumn);
});

test("a path that is too long for any name gets no column, nor what is within it", () => {
  const asked = ["k".repeat(1_017), "n"] as const;
  const many = Object.fromEntries(Array.from({ length: 1_000 }, (_, i) => [`a${i}`, i]));
  const stored = [event("a", { data: { [asked[0]]: { n: 7 }, ["k".repeat(40_000)]: many } })];
  expect(nameOf(["data", ...asked])).toHaveLength(1_024);
  const { complete, columns } = writtenColumns(stored);
  expect(complete).toBe(true);
  expect(columns.filter(([name]) => name.includes("k")).map(([name]) => name)).toEqual([
    columnName(["data", asked[0]]),
    columnName(["data", ...asked]),
  ]);
  const cells = (path: PropertyPath) => rowsOf(columnReaderOf(stored), {}, [{ path }]);
  expect(cells(["data", ...asked])).toEqual([[7]]);
  expect(cells(["data", "plan"])).toEqual([[undefined]]);
});

test("long texts that do not repeat get no column", () => {
  const texts = Array.from({ length: 20 }, (_, i) =>
    event(`e${i}`, { data: { html: `${i}`.repeat(60_000) } }),
  );
  expect(writtenColumns(texts).complete).toBe(false);
  expect(() => rowsOf(columnReaderOf(texts), {}, [{ path: ["data", "html"] }])).toThrow(
    MissingColumn,
  );
});

test("columns in the order of time are those of the events in that order (any events and columns)", () => {
  fc.assert(
    fc.property(events, fc.array(column, { minLength: 1, maxLength: 3 }), (stored, columns) => {
      const ordered = stored.toSorted((a, b) => a.timestamp - b.timestamp);
      const read = (changed: WrittenColumns["columns"]) => {
        try {
          return rowsOf(columnReaderOf(ordered, changed), {}, columns);
        } catch (error) {
          if (error instanceof MissingColumn) return undefined;
          throw error;
        }
      };
      expect(read(writtenColumns(stored, true).columns)).toEqual(read([]));
    }),
  );
});
