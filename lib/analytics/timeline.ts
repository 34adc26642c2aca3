import { FoldOverflow } from "./fold.ts";
import { Texts } from "./texts.ts";
import { sortRows } from "./timeline-sort.ts";

/** The rows of a timeline; equal indexes are of one row. */
export interface Rows {
  /** Epoch milliseconds. */
  readonly instants: Float64Array;
  readonly marks: Int32Array;
  readonly values: Int32Array;
}

/** The rows by actor; of each actor by instant, of one instant by mark. */
export interface OrderedRows extends Rows {
  /** Where each actor's rows begin and, one further, end. */
  readonly starts: Uint32Array;
}

const maxRows = 5_000_000;

/**
 * Who did what when: rows collected in any order, then put in order at once. A row takes 20 bytes,
 * in order 16 more; an actor's text is kept once.
 */
export class Timeline {
  readonly #limit: number;
  readonly #actors = new Texts();
  #size = 0;
  #actor = new Int32Array(1_024);
  #instant = new Float64Array(1_024);
  #mark = new Int32Array(1_024);
  #value = new Int32Array(1_024);

  constructor(limit: number = maxRows) {
    this.#limit = limit;
  }

  /**
   * @param mark what it was, and
   * @param value which value it had, in the caller's own numbers
   * @throws FoldOverflow where there are too many rows
   */
  add(actor: string, instant: number, mark: number, value: number = 0): void {
    const row = this.#size;
    if (row === this.#limit) {
      throw new FoldOverflow(
        `the question is about more than ${this.#limit} events, which is the most it can be`,
      );
    }
    if (row === this.#actor.length) this.#grow();
    this.#actor[row] = this.#actors.numberOf(actor);
    this.#instant[row] = instant;
    this.#mark[row] = mark;
    this.#value[row] = value;
    this.#size = row + 1;
  }

  /**
   * The rows in order; linear in the rows where each actor has a few.
   * @param markFor what takes the place of each mark; absent for no change
   */
  inOrder(markFor?: Int32Array): OrderedRows {
    const size = this.#size;
    const instants = new Float64Array(size);
    const marks = new Int32Array(size);
    const values = new Int32Array(size);
    const starts = this.#starts();
    const places = starts.slice();
    for (let row = 0; row < size; row++) {
      const place = places[this.#actor[row]!]!++;
      const mark = this.#mark[row]!;
      instants[place] = this.#instant[row]!;
      marks[place] = markFor === undefined ? mark : markFor[mark]!;
      values[place] = this.#value[row]!;
    }
    const rows = { instants, marks, values, starts };
    for (let actor = 0; actor < this.#actors.size; actor++) {
      sortRows(rows, starts[actor]!, starts[actor + 1]!);
    }
    return rows;
  }

  #starts(): Uint32Array {
    const starts = new Uint32Array(this.#actors.size + 1);
    for (let row = 0; row < this.#size; row++) starts[this.#actor[row]! + 1]! += 1;
    for (let actor = 0; actor < this.#actors.size; actor++) starts[actor + 1]! += starts[actor]!;
    return starts;
  }

  #grow(): void {
    const length = Math.min(this.#limit, this.#actor.length * 2);
    this.#actor = grown(this.#actor, new Int32Array(length));
    this.#instant = grown(this.#instant, new Float64Array(length));
    this.#mark = grown(this.#mark, new Int32Array(length));
    this.#value = grown(this.#value, new Int32Array(length));
  }
}

function grown<T extends Int32Array | Float64Array>(source: T, target: T): T {
  target.set(source);
  return target;
}
