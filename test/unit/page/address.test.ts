import { changed, readAddress, writeAddress } from "../../../page/pure/address.ts";
import {
  alikeValues,
  bodyFilter,
  bodyFilters,
  filterOfRow,
  filtersOfBody,
  filterValue,
  listParameters,
  readFilter,
  readStep,
  writeFilter,
  writeStep,
} from "../../../page/pure/filter.ts";
import { readParameter, strayParameters } from "../../../page/pure/parameters.ts";
import {
  bodyRange,
  comparedDays,
  fixedRange,
  isRange,
  movedRange,
  rangeParameters,
  rangeWithZone,
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

test("a parameter without a value is none", () => {
  expect(readAddress("/trends", "?by=&type=&per=day").parameters).toEqual([["per", "day"]]);
});

test.each([
  ["/trends?m=p42:data.amount&per=fortnight&per=day&shape=pie", "m per per shape", "/trends"],
  ["/trends?m=p95:data.amount&per=day&type=a&type=b&sort=total.asc&whole=1&cmp=year", "", ""],
  [
    "/trends?per=day&per=day&cmp=never&sort=change.asc&whole=0",
    "cmp per sort whole",
    "/trends?per=day",
  ],
  ["/funnel?step=a&window=1d", "step", "/funnel?window=1d"],
  ["/funnel?step=a&step=b;garbage&step=;is,x,1&step=c", "step step", "/funnel?step=a&step=c"],
  ["/funnel?actor=machine&sort=s2.asc", "actor", "/funnel?sort=s2.asc"],
  ["/retention?per=hour&shape=line&first=a", "per shape", "/retention?first=a"],
  ["/paths?len=9&column=-5&len=2", "column len len", "/paths"],
  ["/mail?mails=all&by=x&by=y&sort=up", "by mails sort", "/mail?by=x"],
  [
    "/events?order=up&follow=yes&range=7d&range=30d&tz=UTC&tz=x",
    "follow order range tz",
    "/events?range=7d&tz=UTC",
  ],
  ["/saved?edit=on", "edit", "/saved"],
  ["/admin?show=all", "show", "/admin"],
  ["/?paused=0", "paused", "/"],
])("what of %s has no effect is told: %s", (text, names, rest) => {
  const url = new URL(text, "http://localhost");
  const address = readAddress(url.pathname, url.search);
  const stray = strayParameters(address);
  const told = stray.unread.map(([name]) => name).sort();
  expect(told).toEqual(names === "" ? [] : names.split(" "));
  expect(stray.unknown).toEqual([]);
  const sorted = (one: string) => one.split(/[?&]/).sort();
  if (rest !== "") expect(sorted(writeAddress(changed(address, stray.rest)))).toEqual(sorted(rest));
});

test("a parameter of another view is not known, and none is read", () => {
  const address = readAddress("/mail", "?step=a&by=templateId&toString=1");
  expect(strayParameters(address).unknown).toEqual(["step", "toString"]);
  expect(readParameter(address, "toString")).toBeUndefined();
  expect(readParameter(address, "by")).toBe("templateId");
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

test.each([
  ["7d", [berlin]],
  ["this_month", [berlin]],
  ["all", []],
  ["2026-11-01..2026-11-07", []],
  ["2026-11-01T09:00..2026-11-01T12:00", []],
])("a body with the range %s has the zones %j", (text, zones) => {
  const { range, timezone } = rangeWithZone(text, berlin);
  expect(range).toEqual(bodyRange(text, berlin));
  expect(timezone === undefined ? [] : [timezone]).toEqual(zones);
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

test("filters of a body are those that it was written from; what nests more is none of the page's", () => {
  const filters = [
    { op: "is", property: "data.plan", values: ["pro", "10", "n:7", "s:8", "true"] },
    { op: "is_not", property: "data.b", values: ["b:false", "s:n:5", "n:0"] },
    { op: "exists", property: "metadata.userId", values: ["false"] },
    { op: "contains", property: "data.url", values: ["/a", "/b"] },
    { op: "gte", property: "data.amount", values: ["12.5"] },
    { op: "shown_as", property: "data.plan", values: ["(none)", "10"] },
  ] as const;
  expect(filtersOfBody(bodyFilters(filters))).toEqual(filters);
  for (const filter of filters) expect(filtersOfBody(bodyFilter(filter))).toEqual([filter]);
  expect(filtersOfBody(undefined)).toEqual([]);
  for (const nested of [
    ["not", ["is", "type", "a"]],
    ["or", ["is", "data.a", "1"], ["is", "data.b", "1"]],
    ["and", ["is", "data.a", "1"], ["and", ["is", "data.b", "1"], ["is", "data.c", "1"]]],
    "is",
  ]) {
    expect(filtersOfBody(nested)).toBeUndefined();
  }
});

test("a value of the catalogue means its kind alone where another kind reads the same", () => {
  const values = [{ value: "10" }, { value: "pro" }, { value: "10" }];
  expect(alikeValues(values)).toEqual(new Set(["10"]));
  expect(filterValue("10", "number", true)).toBe("n:10");
  expect(filterValue("10", "text", true)).toBe("s:10");
  expect(filterValue("true", "boolean", true)).toBe("b:true");
  expect(filterValue("pro", "text", false)).toBe("pro");
  const is = (value: string) => bodyFilter({ op: "is", property: "data.a", values: [value] });
  for (const text of ["n:10", "(none)", "\\(none)"]) {
    const shown = /\(none\)$/.test(text) ? `\\${text}` : text;
    expect(is(filterValue(shown, "text", false))).toEqual(["is", "data.a", [text]]);
  }
});
