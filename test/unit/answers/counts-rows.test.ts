import { periods } from "../../../lib/counting/calendar.ts";
import { CountTable, maxPoints } from "../../../lib/answers/count-rows.ts";
import { FoldOverflow } from "../../../lib/questions/fold.ts";
import { origin } from "../../support/arbitraries.ts";

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
