import { FoldOverflow } from "../fold.ts";
import { Actors } from "./actors.ts";

/** The rows of a timeline; an index names one row in all arrays. */
export interface Rows {
  /** Epoch milliseconds. */
  readonly instants: Float64Array;
  readonly marks: Int32Array;
  readonly values: Int32Array;
}

/** The rows sorted by actor, those of one actor by instant, and those of one instant by mark. */
export interface OrderedRows extends Rows {
  /** The index at which each actor's rows begin; the next entry is where they end. */
  readonly starts: Uint32Array;
}

const maxRows = 5_000_000;

/**
 * Collects which actor did what at which instant. Rows come in any order, and are then sorted at
 * once. A row takes 20 bytes, and 16 more once it is sorted; an actor's text is kept once.
 */
export class Timeline {
  readonly #limit: number;
  readonly #actors = new Actors();
  #size = 0;
  #actor = new Int32Array(1_024);
  #instant = new Float64Array(1_024);
  #mark = new Int32Array(1_024);
  #value = new Int32Array(1_024);

  constructor(limit: number = maxRows) {
    this.#limit = limit;
  }

  /** The number that an actor's rows are added under. */
  numberOf(actor: string): number {
    return this.#actors.numberOf(actor);
  }

  /** The same by the actor's hash (`writeHash`), which begins at a place among others. */
  numberOfHash(hashes: Uint8Array, at: number): number {
    return this.#actors.numberOfHash(hashes, at);
  }

  /**
   * Adds a row.
   * @param actor the actor's number
   * @param mark the kind of the event, as a number of the caller
   * @param value the value of the event, as a number of the caller
   * @throws FoldOverflow where there are too many rows
   */
  add(actor: number, instant: number, mark: number, value: number = 0): void {
    const row = this.#size;
    if (row === this.#limit) {
      throw new FoldOverflow(
        `the question is about more than ${this.#limit} events, which is the most it can be`,
      );
    }
    if (row === this.#actor.length) this.#grow();
    this.#actor[row] = actor;
    this.#instant[row] = instant;
    this.#mark[row] = mark;
    this.#value[row] = value;
    this.#size = row + 1;
  }

  /**
   * Orders the rows; linear in the rows where each actor has a few.
   * @param markFor replaces each mark; absent: the marks stay
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

const runLength = 24;

/**
 * Sorts the rows `[start, end)` in place by instant, those of one instant by mark. Takes linear
 * time where they are sorted already, else `n log n` for any order: a merge sort of short runs.
 */
function sortRows(rows: Rows, start: number, end: number): void {
  for (let run = start; run < end; run += runLength) {
    insertionSort(rows, run, Math.min(run + runLength, end));
  }
  if (end - start <= runLength) return;
  const scratch = {
    instants: new Float64Array(end - start),
    marks: new Int32Array(end - start),
    values: new Int32Array(end - start),
  };
  for (let width = runLength; width < end - start; width *= 2) {
    for (let left = start; left + width < end; left += 2 * width) {
      merge(rows, left, left + width, Math.min(left + 2 * width, end), scratch);
    }
  }
}

function insertionSort({ instants, marks, values }: Rows, start: number, end: number): void {
  for (let row = start + 1; row < end; row++) {
    const instant = instants[row]!;
    const mark = marks[row]!;
    const value = values[row]!;
    let place = row;
    for (; place > start; place--) {
      const before = instants[place - 1]!;
      if (before < instant || (before === instant && marks[place - 1]! <= mark)) break;
      instants[place] = before;
      marks[place] = marks[place - 1]!;
      values[place] = values[place - 1]!;
    }
    instants[place] = instant;
    marks[place] = mark;
    values[place] = value;
  }
}

/** Merges two sorted neighbours; the left one is copied aside. */
function merge(rows: Rows, start: number, middle: number, end: number, scratch: Rows): void {
  const { instants, marks } = rows;
  const isOrdered =
    instants[middle - 1]! < instants[middle]! ||
    (instants[middle - 1] === instants[middle] && marks[middle - 1]! <= marks[middle]!);
  if (isOrdered) return;
  scratch.instants.set(instants.subarray(start, middle));
  scratch.marks.set(marks.subarray(start, middle));
  scratch.values.set(rows.values.subarray(start, middle));
  let left = 0;
  let right = middle;
  for (let place = start; left < middle - start; place++) {
    const instant = scratch.instants[left]!;
    const goesRight =
      right < end &&
      (instants[right]! < instant ||
        (instants[right] === instant && marks[right]! < scratch.marks[left]!));
    if (goesRight) copy(rows, right++, rows, place);
    else copy(scratch, left++, rows, place);
  }
}

function copy(from: Rows, row: number, to: Rows, place: number): void {
  to.instants[place] = from.instants[row]!;
  to.marks[place] = from.marks[row]!;
  to.values[place] = from.values[row]!;
}
