import type { Marks } from "./cover.ts";
import { grainMs, startOf, type Grain } from "./bucket.ts";

/**
 * How long a project's events and rollups are kept, in whole days; `null`: for ever. A coarser
 * grain is kept at least as long as a finer one.
 */
export interface Retention {
  readonly events: number | null;
  readonly minutes: number | null;
  readonly hours: number | null;
  readonly days: number | null;
  /** Overrides `events` for some types. */
  readonly types: Readonly<Record<string, number | null>>;
}

/** The kinds of data that have a floor. */
const dataKinds = ["events", "minutes", "hours", "days"] as const;
type DataKind = (typeof dataKinds)[number];

/**
 * Data older than these instants (epoch milliseconds, starts of days) may be gone. `null`: nothing
 * is.
 */
export type Floors = Readonly<Record<DataKind, number | null>> & {
  readonly types: Readonly<Record<string, number | null>>;
};

export const noFloors: Floors = { events: null, minutes: null, hours: null, days: null, types: {} };

/** The floors that follow from a retention at an instant. */
export function floorsAt(retention: Retention, now: number): Floors {
  const floor = (days: number | null) =>
    days === null ? null : startOf("day", now) - days * grainMs.day;
  const { events, minutes, hours, days, types } = retention;
  return {
    events: floor(events),
    minutes: floor(minutes),
    hours: floor(hours),
    days: floor(days),
    types: Object.fromEntries(Object.entries(types).map(([type, age]) => [type, floor(age)])),
  };
}

/** The higher of two floors for each kind of data. */
export function raised(a: Floors, b: Floors): Floors {
  const names = new Set([...Object.keys(a.types), ...Object.keys(b.types)]);
  return {
    events: higher(a.events, b.events),
    minutes: higher(a.minutes, b.minutes),
    hours: higher(a.hours, b.hours),
    days: higher(a.days, b.days),
    types: Object.fromEntries(
      [...names].map((type) => [type, higher(floorOf(a, type), floorOf(b, type))]),
    ),
  };
}

export function sameFloors(a: Floors, b: Floors): boolean {
  const types = [...Object.keys(a.types), ...Object.keys(b.types)];
  return (
    dataKinds.every((one) => a[one] === b[one]) &&
    types.every((type) => floorOf(a, type) === floorOf(b, type))
  );
}

/** The highest of all floors. */
export function highestFloor(floors: Floors): number | null {
  return dataKinds.map((one) => floors[one]).reduce(higher, rawFloor(floors));
}

/** The floor for events of a type. */
export function floorOf({ events, types }: Floors, type: string): number | null {
  return Object.hasOwn(types, type) ? types[type]! : events;
}

/** Events older than this, of some types or of any, may be gone. */
export function rawFloor(floors: Floors, types?: readonly string[]): number | null {
  if (types !== undefined) return types.map((type) => floorOf(floors, type)).reduce(higher, null);
  return Object.values(floors.types).reduce(higher, floors.events);
}

/** Events older than this are not accepted any more, whatever their type. */
export function inflowFloor({ events, types }: Floors): number | null {
  return Object.values(types).reduce(
    (least, floor) => (least === null || floor === null ? null : Math.min(least, floor)),
    events,
  );
}

/**
 * The floor of the parts that a bucket of a grain sums. Below it the parts may be gone, so the
 * bucket is final.
 */
export function floorBelow(floors: Floors, grain: Grain): number | null {
  return grain === "minute"
    ? inflowFloor(floors)
    : grain === "hour"
      ? floors.minutes
      : floors.hours;
}

export function isBelow(instant: number, floor: number | null): boolean {
  return floor !== null && instant < floor;
}

/**
 * Removes the marks of final buckets: no event can be added to them, and their parts may be gone.
 */
export function withoutFinal(marks: Marks, floors: Floors): Marks {
  const open = (grain: Grain) => {
    const floor = floorBelow(floors, grain);
    return marks[grain].filter((start) => !isBelow(start, floor));
  };
  return { minute: open("minute"), hour: open("hour"), day: open("day") };
}

/** The higher of two floors; `null` is the lowest. */
export function higher(a: number | null, b: number | null): number | null {
  return a === null || b === null ? (a ?? b) : Math.max(a, b);
}
