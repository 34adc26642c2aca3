import type { QueryAnswer, Row } from "../api/answers.ts";
import { clockParts, periodName, type Period } from "./format.ts";
import type { Instants } from "./range.ts";
import { addDays, addMonths, instantAt, shiftWall } from "./zone.ts";

/** A line or a row of bars: a value for each period of the chart, `null` where there is none. */
export interface Series {
  readonly id: string;
  readonly name: string;
  /** The name of a colour of the style sheet: `s1`. */
  readonly colour: string;
  readonly values: readonly (number | null)[];
  /** The values of the compared range, by their place. */
  readonly previous?: readonly (number | null)[] | undefined;
}

/** The periods of a chart. All places have the same width, whatever the clock did. */
export interface Periods {
  /** The starts, as the answer wrote them. */
  readonly times: readonly string[];
  readonly per: Period;
  /** The places of periods that are unfinished, or began before the range. */
  readonly part: ReadonlySet<number>;
  /** The places of periods that have not begun. */
  readonly ahead: ReadonlySet<number>;
}

/** When a period ends, an instant: where the next one starts on the calendar of the zone. */
export function periodEnd(start: string, per: Period, zone: string): number {
  const { year, month } = clockParts(start);
  const date = start.slice(0, 10);
  switch (per) {
    case "minute":
      return Date.parse(start) + 60_000;
    case "hour":
      return Date.parse(start) + 3_600_000;
    case "day":
      return instantAt(`${addDays(date, 1)}T00:00:00`, zone);
    case "week":
      return instantAt(`${addDays(date, 7)}T00:00:00`, zone);
    case "month": {
      const [nextYear, nextMonth] = addMonths(year, month, 1);
      return instantAt(`${nextYear}-${String(nextMonth).padStart(2, "0")}-01T00:00:00`, zone);
    }
  }
}

/**
 * Decides which periods are whole, by the answer's range and `asOf` alone, never by the reader's
 * clock. A period that begins before the range or ends behind it, or behind `asOf`, is a part.
 * Without a range the question was about all time, which cuts no period.
 */
export function periodsOf(
  times: readonly string[],
  per: Period,
  answer: { readonly range: Instants | undefined; readonly asOf: string; readonly zone: string },
): Periods {
  const asOf = Date.parse(answer.asOf);
  const from = answer.range === undefined ? -Infinity : Date.parse(answer.range.from);
  const until = Math.min(asOf, answer.range === undefined ? asOf : Date.parse(answer.range.to));
  const part = new Set<number>();
  const ahead = new Set<number>();
  for (const [index, time] of times.entries()) {
    const start = Date.parse(time);
    if (start > asOf) ahead.add(index);
    else if (start < from || periodEnd(time, per, answer.zone) > until) part.add(index);
  }
  return { times, per, part, ahead };
}

/** A period's name among the others: with its year where the last one is of another. */
export function nameOf(periods: Periods, place: number): string {
  const { times, per } = periods;
  const withOffset = isRepeated(periods, place);
  return periodName(times[place]!, per, { withOffset, beside: times.at(-1)! });
}

/** Whether the period is an hour that the clock shows twice: its offset is then shown. */
function isRepeated({ times }: Pick<Periods, "times">, place: number): boolean {
  const wall = times[place]!.slice(0, 19);
  return [times[place - 1], times[place + 1]].some((time) => time?.startsWith(wall) === true);
}

/** The first period that has or may have events, by the project's first event. */
export function firstKnown({ times, per }: Periods, firstEvent: number, zone: string): number {
  const place = times.findIndex((time) => periodEnd(time, per, zone) > firstEvent);
  return place < 0 ? times.length : place;
}

/**
 * The value of each row at each period, by the row's name; `undefined` in `names` takes all rows as
 * one.
 */
export function seriesValues(
  rows: readonly Row[],
  times: readonly string[],
  at: { readonly name: number | undefined; readonly time: number },
): ReadonlyMap<string, readonly (number | null)[]> {
  const places = new Map(times.map((time, index) => [time, index]));
  const found = new Map<string, (number | null)[]>();
  for (const { dimensions, metrics } of rows) {
    const place = places.get(dimensions[at.time] ?? "");
    if (place === undefined) continue;
    const name = at.name === undefined ? "" : (dimensions[at.name] ?? "");
    let values = found.get(name);
    if (values === undefined) found.set(name, (values = times.map(() => null)));
    values[place] = metrics[0] ?? null;
  }
  return found;
}

/** The periods of an answer, in the order of time. */
export function timesOf(answer: QueryAnswer, at: number): readonly string[] {
  const times = new Set<string>();
  for (const { dimensions } of answer.results) {
    const time = dimensions[at];
    if (typeof time === "string") times.add(time);
  }
  return [...times].sort((one, other) => Date.parse(one) - Date.parse(other));
}

/**
 * The place of each period's counterpart in a range so many days before: by the clock, and of a
 * time that comes twice by its turn; months by their number. `undefined` where the clock of that
 * range shows no such time.
 */
export function counterparts(
  times: readonly string[],
  before: readonly string[],
  per: Period,
  days: number,
): readonly (number | undefined)[] {
  if (per === "month") return times.map((_, place) => (place < before.length ? place : undefined));
  const length = per === "hour" || per === "minute" ? 16 : 10;
  const places = new Map(turnsOf(before, length, 0).map((turn, place) => [turn, place]));
  return turnsOf(times, length, -days).map((turn) => places.get(turn));
}

/** The clock's texts so many days later, each with how often it came before. */
function turnsOf(times: readonly string[], length: number, days: number): readonly string[] {
  const seen = new Map<string, number>();
  return times.map((time) => {
    const wall = shiftWall(time.slice(0, length), days);
    const turn = seen.get(wall) ?? 0;
    seen.set(wall, turn + 1);
    return `${wall} ${turn}`;
  });
}

const typeColours: ReadonlyMap<string, string> = new Map(
  Object.entries({
    "email.sent": "s1",
    "email.opened": "s2",
    "email.delivered": "s3",
    "email.clicked": "s4",
    "email.unsubscribed": "s5",
    "email.bounced": "s6",
    "email.complained": "s6",
  }),
);
const palette = ["s1", "s2", "s3", "s4", "s5", "s6"];

/**
 * Colours of names: a type keeps its colour everywhere; other names, and the second of a clash,
 * take the next free one, then grey.
 */
export function coloursOf(names: readonly string[]): ReadonlyMap<string, string> {
  const colours = new Map<string, string>();
  const taken = new Set<string>();
  for (const name of names.slice(0, palette.length)) {
    const own = typeColours.get(name);
    if (own === undefined || taken.has(own)) continue;
    colours.set(name, own);
    taken.add(own);
  }
  for (const name of names) {
    if (colours.has(name)) continue;
    const free = palette.find((colour) => !taken.has(colour)) ?? "s0";
    colours.set(name, free);
    taken.add(free);
  }
  return colours;
}
