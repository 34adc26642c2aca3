import { addDays, daysBetween, instantAt, offsetText, wallClock } from "./zone.ts";
import { clockParts, dayShort, type Period } from "./format.ts";

/**
 * A range as the address writes it: a word, days `2026-10-28..2026-11-26` (both included), or times
 * of the clock `2026-10-28T09:00..2026-10-28T12:00`, with their offsets where the clock shows one of
 * them twice: `2026-10-25T02:00+02:00..2026-10-25T02:00+01:00`.
 */
export type RangeText = string;

/** A range in the API's form, in a body. */
export type BodyRange =
  string | { readonly last: string } | { readonly from: string; readonly to: string };

/** Instants that an answer was about, ISO texts, half open. */
export interface Instants {
  readonly from: string;
  readonly to: string;
}

/** The words, in the order of the list, with their key. */
export const rangeWords = [
  { word: "today", name: "Today", key: "d", group: 0 },
  { word: "yesterday", name: "Yesterday", group: 0 },
  { word: "24h", name: "Last 24 hours", group: 1 },
  { word: "7d", name: "Last 7 days", key: "w", group: 1 },
  { word: "30d", name: "Last 30 days", key: "t", group: 1 },
  { word: "90d", name: "Last 90 days", group: 1 },
  { word: "this_week", name: "This week", group: 2 },
  { word: "last_week", name: "Last week", group: 2 },
  { word: "this_month", name: "This month", key: "m", group: 2 },
  { word: "last_month", name: "Last month", group: 2 },
  { word: "this_year", name: "This year", group: 2 },
  { word: "all", name: "All time", group: 3 },
] as const;

const dayRange = /^(\d{4}-\d\d-\d\d)\.\.(\d{4}-\d\d-\d\d)$/;
const timeRange = /^(\d{4}-\d\d-\d\dT\d\d:\d\d)\.\.(\d{4}-\d\d-\d\dT\d\d:\d\d)$/;
const instantRange =
  /^(\d{4}-\d\d-\d\dT\d\d:\d\d[+-]\d\d:\d\d)\.\.(\d{4}-\d\d-\d\dT\d\d:\d\d[+-]\d\d:\d\d)$/;
const rolling = /^([1-9]\d{0,5})([dhm])$/;

/** The most of each unit that the API takes: ten years of days, one year of hours and of minutes. */
const mostRolled: Readonly<Record<string, number>> = { d: 3_660, h: 8_784, m: 527_040 };

/** The API's instants are of the years 1 to 9999; a day beside each end is left to the zones. */
const [firstDate, lastDate] = ["0001-01-03", "9999-12-29"];

export function isRange(text: string): boolean {
  if (rangeWords.some(({ word }) => word === text)) return true;
  const [, count, unit = ""] = rolling.exec(text) ?? [];
  if (count !== undefined) return Number(count) <= mostRolled[unit]!;
  const [, first = "", last = ""] = dayRange.exec(text) ?? [];
  if (first !== "") return isClock(first) && isClock(last) && first <= last;
  const [, from = "", to = ""] = timeRange.exec(text) ?? instantRange.exec(text) ?? [];
  return isClock(from) && isClock(to) && roughInstant(from) < roughInstant(to);
}

/** Whether a calendar has the date, and its clock the time. */
function isClock(text: string): boolean {
  const wall = text.slice(0, 16);
  const instant = roughInstant(wall);
  if (!Number.isFinite(instant + roughInstant(text))) return false;
  const date = wall.slice(0, 10);
  return new Date(instant).toISOString().startsWith(wall) && date >= firstDate && date <= lastDate;
}

/** The instant of a text with an offset; of any other as if the clock were that of UTC. */
function roughInstant(text: string): number {
  if (text.length === 10) return Date.parse(`${text}T00:00Z`);
  return Date.parse(text.length === 16 ? `${text}Z` : text);
}

/** Whether a range moves with the clock. */
export function isRelative(text: RangeText): boolean {
  return ends(text) === undefined;
}

/** Whether a range has ended: no event that comes now is in it, unless its own time is earlier. */
export function isOver(text: RangeText, zone: string, now: number): boolean {
  const range = bodyRange(text, zone);
  if (typeof range === "object" && "to" in range) return Date.parse(range.to) <= now;
  return ["yesterday", "last_week", "last_month"].includes(text);
}

/** The first and last text of the clock of a range that does not move, half open, `2026-10-28T00:00`. */
function ends(text: RangeText): readonly [string, string] | undefined {
  const days = dayRange.exec(text);
  if (days !== null) return [`${days[1]}T00:00`, `${addDays(days[2]!, 1)}T00:00`];
  const times = timeRange.exec(text) ?? instantRange.exec(text);
  return times === null ? undefined : [times[1]!, times[2]!];
}

export function bodyRange(text: RangeText, zone: string): BodyRange | undefined {
  if (text === "all") return undefined;
  const fixed = ends(text);
  if (fixed === undefined) return rolling.test(text) ? { last: text } : text;
  const [from, to] = fixed.map((end) => {
    const instant = end.length === 16 ? instantAt(`${end}:00`, zone) : Date.parse(end);
    return new Date(instant).toISOString();
  });
  return { from: from!, to: to! };
}

/**
 * A range, and the zone where the range is relative, in a body that takes no zone beside any other
 * range.
 */
export function rangeWithZone(
  text: RangeText,
  zone: string,
): { readonly range?: BodyRange; readonly timezone?: string } {
  const range = bodyRange(text, zone);
  if (range === undefined) return {};
  return { range, ...(isRelative(text) && { timezone: zone }) };
}

/** A range as parameters of an address. */
export function rangeParameters(
  text: RangeText,
  zone: string,
): readonly (readonly [string, string])[] {
  const range = bodyRange(text, zone);
  if (range === undefined) return [];
  if (typeof range === "string" || "last" in range) {
    return [
      ["range", typeof range === "string" ? range : range.last],
      ["timezone", zone],
    ];
  }
  return [
    ["from", range.from],
    ["to", range.to],
  ];
}

/** In words: `last 30 days`, `28 Oct – 26 Nov`, with years where one is not the present one. */
export function rangeName(text: RangeText, now = Date.now()): string {
  const known = rangeWords.find(({ word }) => word === text);
  if (known !== undefined) return known.name;
  const roll = rolling.exec(text);
  if (roll !== null) {
    const unit = { d: "days", h: "hours", m: "minutes" }[roll[2] as "d" | "h" | "m"];
    return `Last ${roll[1]} ${unit}`;
  }
  const [first = "", last = ""] = text.split("..");
  const today = new Date(now).toISOString();
  const beside = clockParts(first).year === clockParts(last).year ? today : first;
  const end = dayShort(last, beside);
  if (first === last) return end;
  if (first.length === 10) return `${dayShort(first, last)} – ${end}`;
  if (first.slice(0, 10) === last.slice(0, 10))
    return `${end}, ${timeName(first)} – ${timeName(last)}`;
  return `${dayShort(first, last)}, ${timeName(first)} – ${end}, ${timeName(last)}`;
}

/** `02:00`, where the clock shows it twice `02:00 (UTC+01:00)`. */
function timeName(text: string): string {
  const { time, offset } = clockParts(text);
  return offset === "" ? time : `${time} (UTC${offset})`;
}

/** Whether a day of the zone begins at an instant. */
function startsDay(instant: number, zone: string): boolean {
  return instantAt(wallClock(instant, zone).slice(0, 10), zone) === instant;
}

/** The first day and the day after the last one of instants that are whole days of the zone. */
function daysBounding({ from, to }: Instants, zone: string): readonly [string, string] | undefined {
  const instants = [Date.parse(from), Date.parse(to)];
  if (!instants.every((instant) => startsDay(instant, zone))) return undefined;
  const [first = "", end = ""] = instants.map((instant) => wallClock(instant, zone).slice(0, 10));
  return [first, end];
}

/**
 * The range as days or times of the zone's clock, by the instants of an answer: what a link "with
 * these dates" says.
 */
export function fixedRange(range: Instants, zone: string): RangeText {
  const days = daysBounding(range, zone);
  if (days !== undefined) return `${days[0]}..${addDays(days[1], -1)}`;
  const ends = [range.from, range.to].map((text) => {
    const instant = Date.parse(text);
    const wall = wallClock(instant, zone);
    const isFirst = instantAt(wall, zone) === instant - (instant % 1_000);
    return { isFirst, minute: wall.slice(0, 16), offset: offsetText(instant, zone) };
  });
  const isPlain = ends.every(({ isFirst }) => isFirst);
  return ends.map(({ minute, offset }) => (isPlain ? minute : minute + offset)).join("..");
}

/** The range moved by so many of its own lengths, back where negative. */
export function movedRange(instants: Instants, zone: string, by: number): RangeText {
  const days = daysBounding(instants, zone);
  if (days !== undefined) {
    const length = daysBetween(...days) * by;
    return `${addDays(days[0], length)}..${addDays(days[1], length - 1)}`;
  }
  const lengthMs = (Date.parse(instants.to) - Date.parse(instants.from)) * by;
  return fixedRange(
    {
      from: new Date(Date.parse(instants.from) + lengthMs).toISOString(),
      to: new Date(Date.parse(instants.to) + lengthMs).toISOString(),
    },
    zone,
  );
}

export function daysOf({ from, to }: Instants, zone: string): number {
  const length = daysBetween(wallClock(Date.parse(from), zone), wallClock(Date.parse(to), zone));
  return Math.max(1, length);
}

export type Comparison = "previous" | "weekdays" | "year";
export const comparisonNames: Readonly<Record<Comparison, string>> = {
  previous: "Period before",
  weekdays: "Same weekdays",
  year: "A year before",
};

/** Roughly, before any answer: in days. */
export function lengthOf(text: RangeText): number {
  const roll = rolling.exec(text);
  if (roll !== null) return Number(roll[1]) / { d: 1, h: 24, m: 1_440 }[roll[2] as "d" | "h" | "m"];
  const words: Readonly<Record<string, number>> = {
    ...{ today: 1, yesterday: 1, this_week: 7, last_week: 7 },
    ...{ this_month: 31, last_month: 31, this_year: 366, all: 3_660 },
  };
  const fixed = ends(text);
  if (fixed !== undefined) return (roughInstant(fixed[1]) - roughInstant(fixed[0])) / 86_400_000;
  return words[text] ?? 30;
}

/** The default length of a chart's periods. */
export function periodFor(days: number): Period {
  if (days <= 0.25) return "minute";
  if (days <= 4) return "hour";
  if (days <= 92) return "day";
  return days <= 549 ? "week" : "month";
}

const slotDays: Readonly<Record<Period, number>> = {
  ...{ minute: 1 / 1_440, hour: 1 / 24 },
  ...{ day: 1, week: 7, month: 30 },
};

/** The periods that a range of so many days can be shown by: up to 400 slots. */
export function periodsFor(days: number): readonly Period[] {
  const all: readonly Period[] = ["minute", "hour", "day", "week", "month"];
  return all.filter((per) => days / slotDays[per] <= 400);
}
