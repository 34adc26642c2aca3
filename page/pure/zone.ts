/** Instants and the clocks of zones, without the browser's own zone. */

/** The parts of Temporal that are used here. */
interface Clocks {
  readonly Now: { timeZoneId(): string };
  readonly Instant: { fromEpochMilliseconds(ms: number): ClockInstant };
}

interface ClockInstant {
  toZonedDateTimeISO(zone: string): {
    toPlainDateTime(): { toString(options: { readonly smallestUnit: "second" }): string };
  };
}

/** Browsers may have Temporal: Intl's first format of dates costs 20 ms of the first load. */
const clocks = (globalThis as { readonly Temporal?: Clocks }).Temporal;

/** The reader's zone. */
export function ownZone(): string {
  return clocks?.Now.timeZoneId() ?? Intl.DateTimeFormat().resolvedOptions().timeZone;
}

const formats = new Map<string, Intl.DateTimeFormat>();

function clockOf(zone: string): Intl.DateTimeFormat {
  let format = formats.get(zone);
  if (format === undefined) {
    format = new Intl.DateTimeFormat("en-US-u-hc-h23", {
      timeZone: zone,
      year: "numeric",
      month: "2-digit",
      day: "2-digit",
      hour: "2-digit",
      minute: "2-digit",
      second: "2-digit",
    });
    formats.set(zone, format);
  }
  return format;
}

/** What the clock of a zone shows at an instant: `2026-11-26T14:24:09`. */
export function wallClock(instant: number, zone: string): string {
  if (clocks !== undefined) {
    const clock = clocks.Instant.fromEpochMilliseconds(instant).toZonedDateTimeISO(zone);
    return clock.toPlainDateTime().toString({ smallestUnit: "second" });
  }
  const parts = Object.fromEntries(
    clockOf(zone)
      .formatToParts(instant)
      .map(({ type, value }) => [type, value]),
  );
  const { year = "", month = "", day = "", hour = "", minute = "", second = "" } = parts;
  return `${year.padStart(4, "0")}-${month}-${day}T${hour}:${minute}:${second}`;
}

/** How far a zone's clock is ahead of UTC at an instant, in milliseconds. */
function offsetAt(instant: number, zone: string): number {
  return Date.parse(`${wallClock(instant, zone)}Z`) - Math.floor(instant / 1_000) * 1_000;
}

/** The first instant at which a zone's clock shows this, or has gone past it where it skips it. */
export function instantAt(wall: string, zone: string): number {
  const plain = Date.parse(`${wall.length === 10 ? `${wall}T00:00:00` : wall}Z`);
  const candidates = [-86_400_000, 86_400_000]
    .map((around) => plain - offsetAt(plain + around, zone))
    .sort((one, other) => one - other);
  const shown = (instant: number) => instant + offsetAt(instant, zone);
  const exact = candidates.find((instant) => shown(instant) === plain);
  if (exact !== undefined) return exact;
  // The clock skipped this time: returns the first instant after the change.
  let [before, after] = [candidates[0]! - 7_200_000, candidates[1]! + 7_200_000];
  while (after - before > 1) {
    const middle = Math.floor((before + after) / 2);
    if (shown(middle) >= plain) after = middle;
    else before = middle;
  }
  return after;
}

/** `UTC`, `UTC+1`, `UTC+5:30`. */
export function offsetName(instant: number, zone: string): string {
  const minutes = Math.round(offsetAt(instant, zone) / 60_000);
  if (minutes === 0) return "UTC";
  const size = Math.abs(minutes);
  const rest = size % 60 === 0 ? "" : `:${String(size % 60).padStart(2, "0")}`;
  return `UTC${minutes < 0 ? "−" : "+"}${Math.floor(size / 60)}${rest}`;
}

/** `+01:00`, as instants with an offset are written. */
export function offsetText(instant: number, zone: string): string {
  const minutes = Math.round(offsetAt(instant, zone) / 60_000);
  const [hours, rest] = [Math.floor(Math.abs(minutes) / 60), Math.abs(minutes) % 60];
  const digits = [hours, rest].map((part) => String(part).padStart(2, "0"));
  return `${minutes < 0 ? "-" : "+"}${digits.join(":")}`;
}

/** The last part of a zone's name, as people say it: `Berlin`, `New York`. */
export function placeOf(zone: string): string {
  return zone.slice(zone.lastIndexOf("/") + 1).replaceAll("_", " ");
}

export function isZone(name: string): boolean {
  try {
    wallClock(0, name);
    return /^[A-Za-z]/.test(name);
  } catch {
    return false;
  }
}

/** Days before or after a date of the calendar: `2026-11-26`. */
export function addDays(date: string, days: number): string {
  return new Date(Date.parse(`${date.slice(0, 10)}T00:00:00Z`) + days * 86_400_000)
    .toISOString()
    .slice(0, 10);
}

export function addMonths(year: number, month: number, by: number): readonly [number, number] {
  const index = year * 12 + (month - 1) + by;
  return [Math.floor(index / 12), (index % 12) + 1];
}

/** Days from one date to another. */
export function daysBetween(from: string, to: string): number {
  return Math.round(
    (Date.parse(`${to.slice(0, 10)}T00:00:00Z`) - Date.parse(`${from.slice(0, 10)}T00:00:00Z`)) /
      86_400_000,
  );
}

/** The clock's text, so many days later or earlier. */
export function shiftWall(wall: string, days: number): string {
  return addDays(wall, days) + wall.slice(10);
}

/** 0 is Monday. */
export function weekdayOf(date: string): number {
  return (new Date(`${date.slice(0, 10)}T00:00:00Z`).getUTCDay() + 6) % 7;
}
