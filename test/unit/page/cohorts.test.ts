import { cohortRows, cohortTable, shade, type Cohort } from "../../../page/pure/cohorts.ts";

const zone = "Europe/Berlin";
const weeks: readonly Cohort[] = [
  { start: "2026-10-26T00:00:00+01:00", size: 0, returned: [0, 0, 0, 0] },
  { start: "2026-11-02T00:00:00+01:00", size: 300, returned: [300, 150, 90] },
  { start: "2026-11-09T00:00:00+01:00", size: 100, returned: [100, 20] },
  { start: "2026-11-16T00:00:00+01:00", size: 40, returned: [40] },
];

function table(asOf: string, to = "2026-11-22T23:00:00.000Z") {
  const range = { from: "2026-10-25T23:00:00.000Z", to };
  return cohortTable(weeks, { per: "week", zone, asOf, range });
}

describe("cohorts", () => {
  test("all cohorts are weighted by their sizes", () => {
    const { all, size } = table("2026-11-26T12:00:00Z");
    expect(size).toBe(440);
    // (150 + 20) of (300 + 100), not the mean of 50 % and 20 %.
    expect(all[1]).toMatchObject({ returned: 170, size: 400, share: 0.425 });
  });

  test("what is not over is open and left out of all cohorts", () => {
    const { rows, all } = table("2026-11-18T12:00:00Z");
    expect(rows.map(({ cells }) => cells.map(({ state }) => state))).toEqual([
      ["over", "over", "open"],
      ["over", "open"],
      ["open"],
    ]);
    expect(all[0]).toMatchObject({ returned: 400, size: 400 });
    expect(all[1]).toMatchObject({ returned: 150, size: 300 });
    expect(all[2]).toBeUndefined();
  });

  test("what has not begun has no row and is ahead", () => {
    const { rows } = table("2026-11-12T12:00:00Z");
    expect(rows.map(({ start }) => start.slice(0, 10))).toEqual(["2026-11-02", "2026-11-09"]);
    expect(rows[0]!.cells.map(({ state }) => state)).toEqual(["over", "open", "ahead"]);
  });

  test("every cohort that has begun is a row of the file, also one without users", () => {
    const asOf = "2026-11-12T12:00:00Z";
    const rows = cohortRows(weeks, { per: "week", zone, asOf, range: undefined });
    expect(rows.map(({ size, cells }) => [size, ...cells.map(({ state }) => state)])).toEqual([
      [0, "over", "over", "open", "ahead"],
      [300, "over", "open", "ahead"],
      [100, "open", "ahead"],
    ]);
  });

  test("a period that reaches beyond the range is open, however long ago", () => {
    const { rows } = table("2027-01-01T00:00:00Z", "2026-11-20T00:00:00.000Z");
    expect(rows.map(({ cells }) => cells.at(-1)!.state)).toEqual(["open", "open", "open"]);
  });

  test("periods in which nobody had come yet have no rows", () => {
    const { rows, emptyBefore } = table("2026-11-26T12:00:00Z");
    expect([rows.length, emptyBefore]).toEqual([3, 1]);
  });

  test("seven shades up to the largest share, none for nobody", () => {
    expect([null, 0, 0.001, 0.2, 0.4, 1].map((share) => shade(share, 0.4))).toEqual([
      ...[0, 0, 1, 4, 7, 7],
    ]);
  });
});
