import type { Rows } from "./timeline.ts";

const runLength = 24;

/**
 * Sort the rows `[start, end)` in place by instant, those of one instant by mark. Linear where they
 * are in order already, else `n log n`, whatever their order: a merge sort of short runs.
 */
export function sortRows(rows: Rows, start: number, end: number): void {
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

/** Two sorted neighbours; the left one is moved out of the way. */
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
