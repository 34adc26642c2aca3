import type { Rows } from "./timeline.ts";

/** One attempt at a funnel. */
export interface Attempt {
  /** How many steps the attempt reached; 0 for no attempt. */
  readonly depth: number;
  /** The instants at which it reached them; entries behind these mean nothing. */
  readonly instants: Float64Array;
}

/**
 * Finds the best attempts of one actor after the other, each in one pass over the actor's events
 * from the last to the first. For each step the pass keeps how an attempt continues from there: so
 * an event of the first step completes an attempt at once, and no attempt is tried out. The time is
 * events by steps. The attempts belong to the last actor read, and are reused for the next.
 */
export class Attempts {
  readonly #steps: number;
  readonly #windowMs: number;
  readonly #instantEvents: SameInstant;
  /**
   * Row `k` holds, from column `k` on, the instants of the way from the earliest known event of
   * step `k` to the end.
   */
  readonly #ways: Float64Array;
  readonly #scratchWay: Float64Array;
  readonly #best: Slot;
  readonly #bestOf = new Map<number, Slot>();
  readonly #spare: Slot[] = [];

  /**
   * @param strictlyLater whether a step must be later than the one before; otherwise it may have
   *   the same instant
   */
  constructor(steps: number, windowMs: number, strictlyLater: boolean) {
    this.#steps = steps;
    this.#windowMs = windowMs;
    this.#instantEvents = new SameInstant(steps, strictlyLater);
    this.#ways = new Float64Array(steps * steps);
    this.#scratchWay = new Float64Array(steps);
    this.#best = new Slot(steps);
  }

  get best(): Attempt {
    return this.#best;
  }

  /** The best attempt for each value that attempts began with, where values were asked for. */
  get bestOf(): ReadonlyMap<number, Attempt> {
    return this.#bestOf;
  }

  /** @param rows marked by the steps of their events: bit `k` for step `k` */
  read(rows: Rows, start: number, end: number, byValue: boolean): void {
    const { instants, marks } = rows;
    this.#forget();
    for (let last = end, first = end; last > start; last = first) {
      const instant = instants[last - 1]!;
      do first -= 1;
      while (first > start && instants[first - 1] === instant);
      this.#instantEvents.read(marks, first, last);
      if (byValue) this.#beginEach(rows, first, last);
      this.#recordWays(instant);
      if ((this.#instantEvents.steps & 1) === 1)
        this.#best.take(this.#depth(this.#ways), this.#ways);
    }
  }

  /**
   * Begins the attempts of the rows of one instant, while the ways are still those of later events.
   */
  #beginEach({ instants, marks, values }: Rows, first: number, last: number): void {
    for (let row = first; row < last; row++) {
      const mark = marks[row]!;
      if ((mark & 1) === 0) continue;
      // Rows with the same mark are adjacent, and get equally far.
      const isKnown = row > first && marks[row - 1] === mark;
      if (!isKnown)
        this.#lead(this.#scratchWay, 0, instants[row]!, this.#instantEvents.reach(0, mark));
      this.#slotOf(values[row]!).take(this.#depth(this.#scratchWay), this.#scratchWay);
    }
  }

  /**
   * Steps are taken in ascending order, so that each way continues strictly later than this
   * instant.
   */
  #recordWays(instant: number): void {
    for (let step = 0; step < this.#steps; step++) {
      if ((this.#instantEvents.steps & (1 << step)) === 0) continue;
      const way = this.#ways.subarray(step * this.#steps, (step + 1) * this.#steps);
      this.#lead(way, step, instant, this.#instantEvents.reach(step));
    }
  }

  /**
   * Fills in a way that takes the steps from one to another at an instant, and then continues as
   * the known way.
   */
  #lead(way: Float64Array, from: number, instant: number, to: number): void {
    const next = (to + 1) * this.#steps;
    for (let step = from; step <= to; step++) way[step] = instant;
    for (let step = to + 1; step < this.#steps; step++) way[step] = this.#ways[next + step]!;
  }

  #depth(way: Float64Array): number {
    const until = Math.min(way[0]! + this.#windowMs, Number.MAX_VALUE);
    let depth = 1;
    while (depth < this.#steps && way[depth]! <= until) depth += 1;
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

  /** Keeps the better attempt. Attempts come from the latest to the earliest. */
  take(depth: number, instants: Float64Array): void {
    if (depth < this.depth) return;
    if (depth === this.depth && this.#isBetterThan(instants)) return;
    this.depth = depth;
    for (let step = 0; step < depth; step++) this.instants[step] = instants[step]!;
  }

  /**
   * Compares with an attempt of the same depth that begins no later: a shorter one is better; of
   * two with one beginning, the one with an earlier step.
   */
  #isBetterThan(instants: Float64Array): boolean {
    const [own, other] = [spanOf(this.depth, this.instants), spanOf(this.depth, instants)];
    if (own !== other) return own < other;
    if (this.instants[0] !== instants[0]) return false;
    const step = this.instants.findIndex((instant, at) => instant !== instants[at]);
    return step >= 0 && step < this.depth && this.instants[step]! < instants[step]!;
  }
}

function spanOf(depth: number, instants: Float64Array): number {
  return instants[depth - 1]! - instants[0]!;
}

/**
 * Finds how far an attempt at a funnel gets among the events of one instant. These count as if they
 * had come in the order of the steps, and each event is one step of an attempt, though it may fit
 * several. So the steps take events, one after the other, as long as the steps before can take
 * others (augmenting paths in a bipartite graph, H. W. Kuhn, "The Hungarian method for the
 * assignment problem", 1955).
 */
class SameInstant {
  readonly #steps: number;
  readonly #strictly: boolean;
  /** The steps that each event fits; of equal events no more than an attempt can use. */
  readonly #marks: number[] = [];
  /** The step that took each event, or -1. */
  readonly #given: number[] = [];
  readonly #tried: boolean[] = [];
  #union = 0;
  #isPlain = true;

  /**
   * @param strictly whether each step must be later than the one before: an instant then has one
   *   step of an attempt
   */
  constructor(steps: number, strictly: boolean) {
    this.#steps = steps;
    this.#strictly = strictly;
  }

  /** The steps that have events here, as bits. */
  get steps(): number {
    return this.#union;
  }

  /** Reads the events of the rows `[first, last)`, which are in the order of their marks. */
  read(marks: Int32Array, first: number, last: number): void {
    this.#marks.length = 0;
    this.#union = 0;
    this.#isPlain = true;
    for (let row = first, alike = 0; row < last; row++) {
      const mark = marks[row]!;
      alike = row > first && marks[row - 1] === mark ? alike + 1 : 0;
      if (alike >= this.#steps) continue;
      this.#marks.push(mark);
      this.#union |= mark;
      if ((mark & (mark - 1)) !== 0) this.#isPlain = false;
    }
  }

  /**
   * The last step that an attempt reaches here whose next step is `step`; that step has an event.
   * @param mark the mark of the event that must be this step; absent: any event
   */
  reach(step: number, mark?: number): number {
    if (this.#strictly || this.#marks.length === 1) return step;
    let last = step;
    if (this.#isPlain) {
      while (last + 1 < this.#steps && (this.#union & (1 << (last + 1))) !== 0) last += 1;
      return last;
    }
    this.#given.length = 0;
    for (const each of this.#marks) {
      const isFirst = each === mark && !this.#given.includes(step);
      this.#given.push(isFirst ? step : -1);
    }
    const fixed = mark === undefined ? -1 : this.#given.indexOf(step);
    if (fixed < 0) this.#give(step, fixed);
    while (last + 1 < this.#steps && this.#give(last + 1, fixed)) last += 1;
    return last;
  }

  /** Gives a step an event; returns false and changes nothing where none is left. */
  #give(step: number, fixed: number): boolean {
    for (let i = 0; i < this.#marks.length; i++) this.#tried[i] = i === fixed;
    return this.#find(step);
  }

  #find(step: number): boolean {
    for (let i = 0; i < this.#marks.length; i++) {
      if (this.#tried[i] || (this.#marks[i]! & (1 << step)) === 0) continue;
      this.#tried[i] = true;
      if (this.#given[i]! >= 0 && !this.#find(this.#given[i]!)) continue;
      this.#given[i] = step;
      return true;
    }
    return false;
  }
}
