import { countPeriods, intervals, periods, type Interval } from "../../../lib/counting/calendar.ts";

function timesOf(interval: Interval, zone: string, from: string, to: string): readonly string[] {
  const range = { from: Date.parse(from), to: Date.parse(to) };
  return periods(interval, zone, range).map(({ time }) => time);
}

function hoursOf(zone: string, from: string, to: string): readonly number[] {
  const range = { from: Date.parse(from), to: Date.parse(to) };
  return periods("day", zone, range).map(({ start, end }) => (end - start) / 3_600_000);
}

describe("days that are not like others", () => {
  test("23 and 25 hours in New York", () => {
    expect(hoursOf("America/New_York", "2024-03-09T05:00Z", "2024-03-12T04:00Z")).toEqual([
      24, 23, 24,
    ]);
    expect(hoursOf("America/New_York", "2024-11-03T04:00Z", "2024-11-05T05:00Z")).toEqual([25, 24]);
    expect(timesOf("day", "America/New_York", "2024-03-10T12:00Z", "2024-03-11T12:00Z")).toEqual([
      "2024-03-10T00:00:00-05:00",
      "2024-03-11T00:00:00-04:00",
    ]);
  });

  test("23.5 and 24.5 hours on Lord Howe Island", () => {
    expect(hoursOf("Australia/Lord_Howe", "2024-04-06T13:00Z", "2024-04-07T13:30Z")).toEqual([
      24.5,
    ]);
    expect(hoursOf("Australia/Lord_Howe", "2024-10-05T13:30Z", "2024-10-06T13:00Z")).toEqual([
      23.5,
    ]);
  });

  test("a midnight that was skipped: the day starts at the change", () => {
    expect(timesOf("day", "America/Sao_Paulo", "2018-11-03T12:00Z", "2018-11-05T12:00Z")).toEqual([
      "2018-11-03T00:00:00-03:00",
      "2018-11-04T01:00:00-02:00",
      "2018-11-05T00:00:00-02:00",
    ]);
  });

  test("a day that was skipped has no period", () => {
    expect(timesOf("day", "Pacific/Apia", "2011-12-29T12:00Z", "2011-12-31T12:00Z")).toEqual([
      "2011-12-29T00:00:00-10:00",
      "2011-12-31T00:00:00+14:00",
      "2012-01-01T00:00:00+14:00",
    ]);
  });

  test("a midnight that came twice: the second is within the day that the first began", () => {
    const days = hoursOf("America/St_Johns", "2010-11-06T02:30Z", "2010-11-08T03:30Z");
    expect(days).toEqual([24, 25]);
    // From 23:01 that came again the clock shows the date before, whose day is over.
    expect(timesOf("day", "America/St_Johns", "2010-11-07T02:40Z", "2010-11-07T12:00Z")).toEqual([
      "2010-11-07T00:00:00-02:30",
    ]);
  });
});

describe("hours that are not like others", () => {
  test("a repeated hour is two periods", () => {
    expect(timesOf("hour", "America/New_York", "2024-11-03T04:30Z", "2024-11-03T07:01Z")).toEqual([
      "2024-11-03T00:00:00-04:00",
      "2024-11-03T01:00:00-04:00",
      "2024-11-03T01:00:00-05:00",
      "2024-11-03T02:00:00-05:00",
    ]);
  });

  test("half an hour is one where the clock moves by that much", () => {
    expect(
      timesOf("hour", "Australia/Lord_Howe", "2024-04-06T14:00Z", "2024-04-06T16:00Z"),
    ).toEqual([
      "2024-04-07T01:00:00+11:00",
      "2024-04-07T01:30:00+10:30",
      "2024-04-07T02:00:00+10:30",
    ]);
    expect(
      timesOf("hour", "Australia/Lord_Howe", "2024-10-05T14:30Z", "2024-10-05T16:30Z"),
    ).toEqual([
      "2024-10-06T01:00:00+10:30",
      "2024-10-06T02:30:00+11:00",
      "2024-10-06T03:00:00+11:00",
    ]);
  });

  test("hours of a half-hour zone start on its own clock", () => {
    expect(timesOf("hour", "Asia/Kolkata", "2024-03-10T00:00Z", "2024-03-10T01:00Z")).toEqual([
      "2024-03-10T05:00:00+05:30",
      "2024-03-10T06:00:00+05:30",
    ]);
  });
});

test("weeks start on Monday and are clipped to the range", () => {
  const range = { from: Date.parse("2024-03-27T10:00Z"), to: Date.parse("2024-04-03T10:00Z") };
  expect(periods("week", "Europe/Berlin", range)).toEqual([
    {
      start: range.from,
      end: Date.parse("2024-03-31T22:00Z"),
      time: "2024-03-25T00:00:00+01:00",
    },
    { start: Date.parse("2024-03-31T22:00Z"), end: range.to, time: "2024-04-01T00:00:00+02:00" },
  ]);
});

test("an offset with seconds is rounded so that instant and date hold", () => {
  // Liberia was 44 minutes and 30 seconds behind until 1972.
  expect(timesOf("day", "Africa/Monrovia", "1970-01-02T12:00Z", "1970-01-03T00:00Z")).toEqual([
    "1970-01-02T00:00:30-00:44",
  ]);
});

test("the first years and the last that RFC 3339 can write", () => {
  expect(timesOf("month", "UTC", "0001-01-01T00:00Z", "0001-03-01T00:00Z")).toEqual([
    "0001-01-01T00:00:00Z",
    "0001-02-01T00:00:00Z",
  ]);
  expect(timesOf("day", "UTC", "9999-12-30T00:00Z", "9999-12-31T12:00Z")).toEqual([
    "9999-12-30T00:00:00Z",
    "9999-12-31T00:00:00Z",
  ]);
});

test("a period of a year that RFC 3339 cannot write is named in UTC", () => {
  expect(timesOf("day", "Pacific/Kiritimati", "9999-12-31T00:00Z", "9999-12-31T12:00Z")).toEqual([
    "9999-12-31T00:00:00+14:00",
    "9999-12-31T10:00:00Z",
  ]);
});

test("an empty range has no periods", () => {
  for (const interval of intervals) {
    expect(periods(interval, "UTC", { from: 5, to: 5 })).toEqual([]);
    expect(countPeriods(interval, { from: 5, to: 5 })).toBe(0);
    expect(countPeriods(interval, { from: 5, to: 0 })).toBe(0);
  }
});

test("the estimate allows for a change of the clock in a short range", () => {
  const range = { from: Date.parse("2024-04-06T14:59Z"), to: Date.parse("2024-04-06T15:31Z") };
  expect(periods("hour", "Australia/Lord_Howe", range)).toHaveLength(3);
  expect(countPeriods("hour", range)).toBeGreaterThanOrEqual(3);
});

test("a century by the minute is counted without walking it", () => {
  const century = { from: Date.UTC(1925, 0), to: Date.UTC(2025, 0) };
  expect(countPeriods("minute", century)).toBeGreaterThan(52_000_000);
});
