import { Temporal } from "temporal-polyfill";
import type { Range } from "../event/filter.ts";

/** A stretch of time in which a zone's offset does not change. Milliseconds. */
export interface Segment {
  readonly from: number;
  readonly to: number;
  /** Local time less UTC. */
  readonly offset: number;
}

/** The most zones whose changes are remembered; each takes some kilobytes. */
const maxZones = 100;

const clocks = new Map<string, ZoneClock>();

/**
 * The segments of a zone that a range touches, ascending; the first and the last reach beyond it. A
 * change of the clock takes about 0.3 ms when it is met for the first time.
 * @throws RangeError where the zone is none
 */
export function segmentsOf(zone: string, range: Range): readonly Segment[] {
  const { timeZoneId } = Temporal.Instant.fromEpochMilliseconds(0).toZonedDateTimeISO(zone);
  const clock = clocks.get(timeZoneId) ?? new ZoneClock(timeZoneId);
  clocks.delete(timeZoneId);
  clocks.set(timeZoneId, clock);
  if (clocks.size > maxZones) clocks.delete(clocks.keys().next().value!);
  return clock.within(range);
}

/**
 * From this year on clocks change by rules alone, on the same days in each year that begins on the
 * same day of the week and is as long: the IANA database lists single changes until 2087.
 */
const firstRuledYear = 2101;

/** The first of these years that is derived from an earlier one; each kind came before it. */
const firstDerivedYear = firstRuledYear + 40;
const derivedFrom = Date.UTC(firstDerivedYear);

/** A change of a clock: `at` milliseconds after its year began, UTC. */
interface Change {
  readonly at: number;
  /** The offset from then on. */
  readonly offset: number;
}

class ZoneClock {
  readonly #zone: string;
  /** Ascending, without a gap, up to the first change after `derivedFrom` at the most. */
  #segments: readonly Segment[] = [];
  #changes: ReadonlyMap<string, readonly Change[]> | undefined;

  constructor(zone: string) {
    this.#zone = zone;
  }

  within({ from, to }: Range): readonly Segment[] {
    const near = this.#near(Math.min(Math.floor(from), derivedFrom - 1), Math.min(to, derivedFrom));
    const all = [...near, ...this.#derived(near.at(-1)!.to, { from, to })];
    return all.filter((one) => one.to > from && one.from < to);
  }

  #near(from: number, until: number): readonly Segment[] {
    const [first] = this.#segments;
    if (first === undefined) {
      this.#segments = walk(this.#zone, from, until);
    } else if (from < first.from) {
      this.#segments = [...walk(this.#zone, from, first.to), ...this.#segments.slice(1)];
    }
    const { to } = this.#segments.at(-1)!;
    if (to < until) this.#segments = [...this.#segments, ...walk(this.#zone, to, until)];
    return this.#segments;
  }

  /** The segments of derived years, from a change on or later. */
  #derived(change: number, { from, to }: Range): readonly Segment[] {
    if (change === Infinity || to <= change) return [];
    const changes = (this.#changes ??= changesOf(this.#zone));
    const starts: { readonly from: number; readonly offset: number }[] = [];
    // The last change before the range may be one of the year before; one more ends the last segment.
    const first = Math.max(firstDerivedYear, yearOf(from) - 1);
    for (let year = first; year <= yearOf(to) + 1; year += 1) {
      const begun = Date.UTC(year);
      for (const { at, offset } of changes.get(kindOf(year)) ?? []) {
        if (begun + at >= change) starts.push({ from: begun + at, offset });
      }
    }
    return starts.map((one, i) => ({ ...one, to: starts[i + 1]?.from ?? Infinity }));
  }
}

/** The segments from an instant on, up to the first change that is not before another instant. */
function walk(zone: string, from: number, until: number): readonly Segment[] {
  const segments: Segment[] = [];
  let clock: Temporal.ZonedDateTime | null =
    Temporal.Instant.fromEpochMilliseconds(from).toZonedDateTimeISO(zone);
  while (clock !== null && clock.epochMilliseconds < until) {
    const next: Temporal.ZonedDateTime | null = clock.getTimeZoneTransition("next");
    segments.push({
      from: clock.epochMilliseconds,
      to: next?.epochMilliseconds ?? Infinity,
      offset: clock.offsetNanoseconds / 1e6,
    });
    clock = next;
  }
  return segments;
}

/** The changes of the years of each kind. */
function changesOf(zone: string): ReadonlyMap<string, readonly Change[]> {
  const [, ...changes] = walk(zone, Date.UTC(firstRuledYear) - 1, derivedFrom);
  const years = new Map<string, number>();
  for (let year = firstRuledYear; year < firstDerivedYear; year += 1) {
    if (!years.has(kindOf(year))) years.set(kindOf(year), year);
  }
  return new Map(
    [...years].map(([kind, year]) => {
      const own = changes.filter(({ from }) => yearOf(from) === year);
      return [kind, own.map(({ from, offset }) => ({ at: from - Date.UTC(year), offset }))];
    }),
  );
}

/** The day of the week on which a year begins, and its length. */
function kindOf(year: number): string {
  const begun = Date.UTC(year);
  return `${new Date(begun).getUTCDay()} ${Date.UTC(year + 1) - begun}`;
}

function yearOf(instant: number): number {
  return new Date(instant).getUTCFullYear();
}
