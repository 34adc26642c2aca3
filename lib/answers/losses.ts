import { rawFloor, withoutFinal } from "../counting/floors.ts";
import type { Grain } from "../counting/bucket.ts";
import type { Marks } from "../counting/cover.ts";
import type { EventFilter, OpenRange, Range } from "../event/filter.ts";
import { exactness, type OwnMeta } from "../questions/answer-meta.ts";
import type { Gone } from "../store/retention.ts";

const thingsOf = { minute: "minutes", hour: "hours", day: "days" } as const;

/** What was dropped of a project as one answer meets it: it remembers whether any was needed. */
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

  /** In which range events were dropped; `undefined` where none were. */
  get range(): Range | undefined {
    const { lost, lostFrom } = this.#gone;
    const to = rawFloor(lost);
    return to === null || lostFrom === null ? undefined : { from: lostFrom, to };
  }

  /** Without the marks of buckets that stand as they are. */
  open(marks: Marks): Marks {
    return withoutFinal(marks, this.#gone.sealed);
  }

  /** Where events of some types begin of which none is gone. */
  wholeFrom(types?: readonly string[]): number | undefined {
    return rawFloor(this.#gone.lost, types) ?? undefined;
  }

  /** Events of a filter are read. */
  readsEvents({ from, to, types }: OpenRange & Pick<EventFilter, "types">): void {
    const until = rawFloor(this.#gone.lost, types);
    this.#touch([{ from: from ?? -Infinity, to: to ?? Infinity }], until);
  }

  /** Rollups are read. */
  readsRollups(grain: Grain, ranges: readonly Range[]): void {
    this.#touch(ranges, this.#gone.lost[thingsOf[grain]]);
  }

  #touch(ranges: readonly Range[], until: number | null): void {
    if (until === null) return;
    const since = this.#gone.lostFrom ?? -Infinity;
    if (ranges.some(({ from, to }) => from < until && to > since)) this.#isTouched = true;
  }
}

/** What an answer says of itself, where it needed something that is gone. */
export function withRetention<Own extends Pick<OwnMeta, "because" | "exact">>(own: Own): Own {
  return { ...own, ...exactness([...(own.because ?? []), "retention"]) };
}
