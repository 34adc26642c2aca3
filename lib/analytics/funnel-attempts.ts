import type { Rows } from "./timeline.ts";

/** One attempt at a funnel. */
export interface Attempt {
  /** How many steps it reached; 0 for no attempt. */
  readonly depth: number;
  /** When it reached each of them; what stands behind them means nothing. */
  readonly instants: Float64Array;
}

/**
 * Finds the best attempts of one actor after the other, each in one pass over the actor's events from
 * the last to the first. The pass knows of each step how an attempt that stands there goes on: so at
 * an event of the first step the whole attempt is known, and none needs to be tried.
 * Time: events by steps. The attempts are of the last actor read, and are used again for the next.
 */
export class Attempts {
  readonly #steps: number;
  readonly #windowMs: number;
  /** In row `k`, from column `k` on: the instants of the way from the earliest known event of step `k` to the end. */
  readonly #ways: Float64Array;
  readonly #best: Slot;
  readonly #bestOf = new Map<number, Slot>();
  readonly #spare: Slot[] = [];

  constructor(steps: number, windowMs: number) {
    this.#steps = steps;
    this.#windowMs = windowMs;
    this.#ways = new Float64Array(steps * steps);
    this.#best = new Slot(steps);
  }

  get best(): Attempt {
    return this.#best;
  }

  /** The best one of each value that an attempt began with, where values were asked for. */
  get bestOf(): ReadonlyMap<number, Attempt> {
    return this.#bestOf;
  }

  /** @param rows marked by the steps they are of: bit `k` for step `k` */
  read(rows: Rows, start: number, end: number, byValue: boolean): void {
    const { instants, marks, values } = rows;
    this.#forget();
    for (let last = end, first = end; last > start; last = first) {
      const instant = instants[last - 1]!;
      let steps = 0;
      do steps |= marks[--first]!;
      while (first > start && instants[first - 1] === instant);
      this.#stand(steps, instant);
      if ((steps & 1) === 0) continue;
      const depth = this.#depth();
      this.#best.take(depth, this.#ways);
      if (!byValue) continue;
      for (let row = first; row < last; row++) {
        if ((marks[row]! & 1) === 1) this.#slotOf(values[row]!).take(depth, this.#ways);
      }
    }
  }

  /** Steps ascend, so that what follows a step is strictly later than this instant. */
  #stand(steps: number, instant: number): void {
    const count = this.#steps;
    const ways = this.#ways;
    for (let step = 0; step < count; step++) {
      if ((steps & (1 << step)) === 0) continue;
      const way = step * count;
      ways[way + step] = instant;
      for (let next = step + 1; next < count; next++) ways[way + next] = ways[way + count + next]!;
    }
  }

  #depth(): number {
    const ways = this.#ways;
    const until = Math.min(ways[0]! + this.#windowMs, Number.MAX_VALUE);
    let depth = 1;
    while (depth < this.#steps && ways[depth]! <= until) depth += 1;
    return depth;
  }

  #slotOf(value: number): Slot {
    const known = this.#bestOf.get(value);
    if (known !== undefined) return known;
    const slot = this.#spare.pop() ?? new Slot(this.#steps);
    this.#bestOf.set(value, slot);
    return slot;
  }

  #forget(): void {
    this.#ways.fill(Infinity);
    this.#best.depth = 0;
    for (const slot of this.#bestOf.values()) {
      slot.depth = 0;
      this.#spare.push(slot);
    }
    this.#bestOf.clear();
  }
}

class Slot implements Attempt {
  depth = 0;
  readonly instants: Float64Array;

  constructor(steps: number) {
    this.instants = new Float64Array(steps);
  }

  /** Keeps the better one; attempts come from the latest to the earliest. */
  take(depth: number, instants: Float64Array): void {
    if (depth < this.depth) return;
    if (depth === this.depth && spanOf(depth, instants) > spanOf(depth, this.instants)) return;
    this.depth = depth;
    for (let step = 0; step < depth; step++) this.instants[step] = instants[step]!;
  }
}

function spanOf(depth: number, instants: Float64Array): number {
  return instants[depth - 1]! - instants[0]!;
}
