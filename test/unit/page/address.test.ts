import fc from "fast-check";
import { changed, readAddress, writeAddress, type Address } from "../../../page/pure/address.ts";
import { readFilter, readStep, writeFilter, writeStep } from "../../../page/pure/filter.ts";
import { comparedDays, shiftedInstants } from "../../../page/pure/compared-range.ts";
import { readParameter, readParameters, strayParameters } from "../../../page/pure/parameters.ts";
import {
  bodyRange,
  fixedRange,
  isRange,
  lengthOf,
  movedRange,
  rangeName,
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

test("a parameter without a value is none, but where it names the row of an empty text", () => {
  expect(readAddress("/trends", "?by=&type=&per=day").parameters).toEqual([["per", "day"]]);
  const hidden = readAddress("/trends", "?hide=&hide=a");
  expect([readParameters(hidden, "hide"), writeAddress(hidden)]).toEqual([
    ["", "a"],
    "/trends?hide=&hide=a",
  ]);
  const picked = readAddress("/funnel", "?row=");
  expect([readParameter(picked, "row"), strayParameters(picked).unread]).toEqual(["", []]);
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
});

test.each([
  ...["soon", "2026-02-30..2026-03-01", "2026-03-02..2026-03-01", "2026-11-01..2026-11-01T12:00"],
  ...["2026-10-28T25:00..2026-10-28T26:00", "2026-10-28T09:60..2026-10-28T10:00"],
  ...["2026-10-28T23:00..2026-10-28T24:00", "2026-10-28T09:00..2026-10-28T09:00"],
  ...[
    "2026-10-25T02:00+01:00..2026-10-25T02:00+02:00",
    "2026-10-25T02:00+99:00..2026-10-25T03:00+01:00",
  ],
  ...[
    "2026-10-25T02:00..2026-10-25T02:00+01:00",
    "9999-12-01..9999-12-31",
    "0000-01-01..0000-01-02",
  ],
  ...["3661d", "8785h", "527041m", "0d"],
])("%s is no range", (text) => {
  expect(isRange(text)).toBe(false);
});

test.each([
  ...["2026-10-25T02:00+02:00..2026-10-25T02:00+01:00", "0001-01-03..9999-12-29"],
  ...["2026-10-28T23:00..2026-10-29T00:00", "3660d", "8784h", "527040m"],
])("%s is a range, with two ends, a length and a name", (text) => {
  expect(isRange(text)).toBe(true);
  expect(bodyRange(text, berlin)).toBeDefined();
  expect(lengthOf(text)).toBeGreaterThan(0);
  expect(rangeName(text)).not.toBe("");
});

test("an hour that the clock shows twice is written with its offset", () => {
  const [first, second] = ["00", "01"].map((hour, index) =>
    fixedRange(
      { from: `2026-10-25T${hour}:00:00Z`, to: `2026-10-25T0${index + 1}:00:00Z` },
      berlin,
    ),
  );
  expect(first).toBe("2026-10-25T02:00+02:00..2026-10-25T02:00+01:00");
  expect(second).toBe("2026-10-25T02:00+01:00..2026-10-25T03:00+01:00");
  expect(rangeName(first!)).toBe("25 Oct, 02:00 (UTC+02:00) – 02:00 (UTC+01:00)");
});

const zones = [berlin, "America/Havana", "Australia/Lord_Howe", "Asia/Kolkata", "America/St_Johns"];

test("a fixed range means the instants that it was made of", () => {
  const minute = fc.integer({ min: 29_400_000, max: 30_000_000 });
  const length = fc.integer({ min: 1, max: 5_000 });
  fc.assert(
    fc.property(fc.constantFrom(...zones), minute, length, (zone, from, minutes) => {
      const instants = { from: at(from), to: at(from + minutes) };
      const text = fixedRange(instants, zone);
      expect(isRange(text)).toBe(true);
      expect(bodyRange(text, zone)).toEqual(instants);
      expect(readAddress("/trends", writeAddress(withRange(text)).slice(7)).parameters).toEqual([
        ["range", text],
      ]);
    }),
  );
  // Each minute about the ends of summer times.
  const ends = { [berlin]: "2026-10-25T01:00Z", "America/Havana": "2026-11-01T05:00Z" };
  for (const [zone, end] of Object.entries(ends)) {
    for (let minutes = -130; minutes < 130; minutes += 10) {
      const from = Date.parse(end) / 60_000 + minutes;
      for (const long of [10, 60, 120, 1_440]) {
        const instants = { from: at(from), to: at(from + long) };
        expect(bodyRange(fixedRange(instants, zone), zone)).toEqual(instants);
      }
    }
  }
});

function at(minute: number): string {
  return new Date(minute * 60_000).toISOString();
}

function withRange(text: string): Address {
  return { view: "trends", parameters: [["range", text]] };
}

test("a compared range of the hours that a clock shows twice is as long as the range", () => {
  const first = { from: "2026-10-25T00:00:00.000Z", to: "2026-10-25T01:00:00.000Z" };
  expect(shiftedInstants(first, berlin, 7)).toEqual({
    from: "2026-10-18T00:00:00.000Z",
    to: "2026-10-18T01:00:00.000Z",
  });
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
  expect(comparedDays("weekdays", week, berlin)).toBe(7);
});

test.each([
  ["2026-11-02T00:00", "2026-11-09T00:00", 7],
  ["2026-11-02T00:00", "2026-11-09T12:00", 14],
  ["2026-11-02T12:00", "2026-11-09T12:00", 7],
  ["2026-11-02T12:00", "2026-11-09T12:01", 14],
  ["2026-11-02T12:00", "2026-11-02T13:00", 7],
])("from %s to %s the same weekdays are %d days before", (from, to, days) => {
  const instants = { from: `${from}:00Z`, to: `${to}:00Z` };
  expect(comparedDays("weekdays", instants, "UTC")).toBe(days);
  const before = shiftedInstants(instants, "UTC", days);
  expect(Date.parse(before.to)).toBeLessThanOrEqual(Date.parse(instants.from));
});
