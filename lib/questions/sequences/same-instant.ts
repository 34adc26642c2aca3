/**
 * Finds how far an attempt at a funnel gets among the events of one instant. These count as if they
 * had come in the order of the steps, and each event is one step of an attempt, though it may fit
 * several. So the steps take events, one after the other, as long as the steps before can take
 * others (augmenting paths in a bipartite graph, H. W. Kuhn, "The Hungarian method for the
 * assignment problem", 1955).
 */
export class SameInstant {
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
