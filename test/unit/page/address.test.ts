import { changed, readAddress, writeAddress } from "../../../page/pure/address.ts";
import {
  bodyFilter,
  bodyFilters,
  filterOfRow,
  listParameters,
  readFilter,
  readStep,
  writeFilter,
  writeStep,
} from "../../../page/pure/filter.ts";
import {
  bodyRange,
  comparedDays,
  fixedRange,
  isRange,
  movedRange,
  rangeParameters,
} from "../../../page/pure/range.ts";

const berlin = "Europe/Berlin";

test("an address is written as it was read", () => {
  const text = "/trends?type=email.opened&f=is,context.machine,false&tz=Europe/Berlin&range=30d";
  const url = new URL(text, "http://localhost");
  const address = readAddress(url.pathname, url.search);
  expect(writeAddress(address)).toBe(text);
  expect(writeAddress(changed(address, { type: ["a", "b"], f: undefined }))).toBe(
    "/trends?tz=Europe/Berlin&range=30d&type=a&type=b",
  );
  expect(readAddress("/events/m%2F1", "").opened).toEqual({ kind: "event", id: "m/1" });
});

test("filters with commas, semicolons and percent signs come back as they were", () => {
  const filter = { op: "is", property: 'data["a,b"]', values: ["50%", "x,y;z"] } as const;
  expect(readFilter(writeFilter(filter))).toEqual(filter);
  const step = { type: "Order; Completed", filters: [filter] };
  expect(readStep(writeStep(step))).toEqual(step);
  expect(readFilter("nonsense,data.a,1")).toBeUndefined();
});

test("a value stands for its text and for what it spells, a marked one for its kind alone", () => {
  const of = (value: string) => bodyFilter({ op: "is", property: "data.plan", values: [value] });
  expect(of("10")).toEqual(["is", "data.plan", ["10", 10]]);
  expect(of("n:10")).toEqual(["is", "data.plan", [10]]);
  expect(of("s:10")).toEqual(["is", "data.plan", ["10"]]);
  expect(of("b:true")).toEqual(["is", "data.plan", [true]]);
  expect(of("pro")).toEqual(["is", "data.plan", ["pro"]]);
  expect(bodyFilter(filterOfRow("data.plan", "(none)"))).toEqual([
    "shown_as",
    "data.plan",
    ["(none)"],
  ]);
  expect(bodyFilters([], ["a"])).toEqual(["is", "type", ["a"]]);
  expect(listParameters([{ op: "is", property: "data.n", values: ["n:10"] }])).toEqual([
    ["data.n[gte]", "10"],
    ["data.n[lte]", "10"],
  ]);
});

test("ranges are asked as they are written: words stay relative, days are the zone's own", () => {
  expect(bodyRange("30d", berlin)).toEqual({ last: "30d" });
  expect(bodyRange("this_month", berlin)).toBe("this_month");
  expect(bodyRange("all", berlin)).toBeUndefined();
  // The day on which the clock is set back has 25 hours.
  expect(bodyRange("2026-10-25..2026-10-25", berlin)).toEqual({
    from: "2026-10-24T22:00:00.000Z",
    to: "2026-10-25T23:00:00.000Z",
  });
  expect(rangeParameters("7d", berlin)).toEqual([
    ["range", "7d"],
    ["timezone", berlin],
  ]);
  expect(["2026-02-30..2026-03-01", "2026-03-02..2026-03-01", "soon"].map(isRange)).toEqual([
    false,
    false,
    false,
  ]);
});

test("a range is moved by its own length, over a change of the clock too", () => {
  const week = { from: "2026-10-18T22:00:00.000Z", to: "2026-10-25T23:00:00.000Z" };
  expect(fixedRange(week, berlin)).toBe("2026-10-19..2026-10-25");
  expect(movedRange(week, berlin, 1)).toBe("2026-10-26..2026-11-01");
  expect(
    comparedDays(
      "weekdays",
      { from: "2026-10-27T23:00:00.000Z", to: "2026-11-26T23:00:00.000Z" },
      berlin,
    ),
  ).toBe(35);
  expect(comparedDays("year", week, berlin)).toBe(364);
});
