import { higher, rawFloor, withoutFinal, type Floors } from "../counting/floors.ts";
import type { Grain } from "../counting/bucket.ts";
import type { Marks } from "../counting/cover.ts";
import type { EventFilter, OpenRange, Range } from "../event/filter.ts";
import { exactness, type OwnMeta, type Reason } from "../questions/answer-meta.ts";
import type { Gone } from "../store/retention.ts";

const thingsOf = { minute: "minutes", hour: "hours", day: "days" } as const;

/**
 * The data of a project that retention has dropped. It remembers whether one answer needed any of
 * it.
 */
export class Losses {
  readonly #gone: Gone;
  #isTouched = false;

  constructor(gone: Gone) {
    this.#gone = gone;
  }

  /** Whether the answer needed something that is gone. */
  get isTouched(): boolean {
    return this.#isTouched;
  }

  /**
   * The range in which events of some types, or of any, were dropped; `undefined` where none were.
   */
  rangeOf(types?: readonly string[]): Range | undefined {
    const { lost, lostFrom } = this.#gone;
    const to = rawFloor(lost, types);
    return to === null || lostFrom === null ? undefined : { from: lostFrom, to };
  }

  /** Below what all is final. */
  get sealed(): Floors {
    return this.#gone.sealed;
  }

  /** Removes the marks of final buckets, whose parts may be gone. */
  open(marks: Marks): Marks {
    return withoutFinal(marks, this.#gone.sealed);
  }

  /** The instant from which on no event of these types was dropped. */
  wholeFrom(types?: readonly string[]): number | undefined {
    return rawFloor(this.#gone.lost, types) ?? undefined;
  }

  /**
   * The instant from which on rollups count the stored events of these types: neither such an event
   * nor a rollup was dropped.
   */
  countedFrom(types?: readonly string[]): number | undefined {
    const { lost } = this.#gone;
    const { minutes, hours, days } = lost;
    return [minutes, hours, days].reduce(higher, rawFloor(lost, types)) ?? undefined;
  }

  /** Notes that events of a filter are read. */
  readsEvents({ from, to, types }: OpenRange & Pick<EventFilter, "types">): void {
    const until = rawFloor(this.#gone.lost, types);
    this.#touch([{ from: from ?? -Infinity, to: to ?? Infinity }], until);
  }

  /** Notes that rollups are read. */
  readsRollups(grain: Grain, ranges: readonly Range[]): void {
    this.#touch(ranges, this.#gone.lost[thingsOf[grain]]);
  }

  /** Whether rollups of a grain were dropped within a range. */
  hasDropped(grain: Grain, range: Range): boolean {
    return this.#isGone([range], this.#gone.lost[thingsOf[grain]]);
  }

  #touch(ranges: readonly Range[], until: number | null): void {
    if (this.#isGone(ranges, until)) this.#isTouched = true;
  }

  #isGone(ranges: readonly Range[], until: number | null): boolean {
    if (until === null) return false;
    const since = this.#gone.lostFrom ?? -Infinity;
    return ranges.some(({ from, to }) => from < until && to > since);
  }
}

/** Adds reasons to those of an answer's `meta`. */
export function withReasons<Own extends Pick<OwnMeta, "because" | "exact">>(
  own: Own,
  reasons: readonly Reason[],
): Own {
  return { ...own, ...exactness([...(own.because ?? []), ...reasons]) };
}
