import type { PropertyPath } from "../../event/property-path.ts";
import { ExactSum, type ExactSumPart } from "./exact-sum.ts";
import type { Cell, Column } from "../fold.ts";
import { Quantiles, type QuantilesPart } from "./quantiles.ts";
import { estimate, hashBytes, Union, writeHash, type Sketch } from "../../counting/sketch.ts";

/**
 * A number about a group of events.
 * - `count`: the number of events.
 * - `uniques`: the number of their users (`userOf`); exact up to 1,024, beyond that within 2 % at
 *   95 of 100.
 * - The others are about the numbers of one property; they skip other values, and events without
 *   it. Without any number `sum` is 0 and the others are `null`. `sum` is exact but for its last
 *   rounding, and infinite where it is larger than any number; quantiles are within 1 % of a value
 *   of their rank.
 */
export type Metric =
  | { readonly op: "count" | "uniques" }
  | { readonly op: "sum" | "avg" | "min" | "max"; readonly path: PropertyPath }
  | { readonly op: "quantile"; readonly q: number; readonly path: PropertyPath };

/** Computes one metric, event by event. */
export interface Accumulator {
  /**
   * Adds a value of some events.
   * @param cell the metric's property; for `uniques` the user's number, -1 for no user
   * @param times the number of events with the value
   */
  add(cell: Cell, times: number): void;
  /**
   * The values so far as plain data, safe in JSON, for another accumulator of the metric to merge.
   */
  partial(): unknown;
  merge(part: unknown): void;
  readonly value: number | null;
  /** Whether the number comes from a sketch. */
  readonly isEstimate: boolean;
}

/** The column that a metric reads; `undefined` for a count, which looks at no value. */
export function columnOfMetric(metric: Metric): Column | undefined {
  if (metric.op === "uniques") return { field: "user", mayBeHashed: true };
  return "path" in metric ? { path: metric.path } : undefined;
}

export function accumulatorOf(metric: Metric, users: Users): Accumulator {
  switch (metric.op) {
    case "count":
      return new Count();
    case "uniques":
      return new Uniques(users);
    case "sum":
    case "avg":
      return new Total(metric.op);
    case "min":
    case "max":
      return new Extreme(metric.op);
    case "quantile":
      return new Quantile(metric.q);
  }
}

class Count implements Accumulator {
  readonly isEstimate = false;
  value = 0;

  add(_cell: Cell, times: number): void {
    this.value += times;
  }

  partial(): number {
    return this.value;
  }

  merge(count: number): void {
    this.value += count;
  }
}

class Total implements Accumulator {
  readonly isEstimate = false;
  readonly #op: "sum" | "avg";
  readonly #sum = new ExactSum();
  #count = 0;

  constructor(op: "sum" | "avg") {
    this.#op = op;
  }

  add(cell: Cell, times: number): void {
    if (typeof cell !== "number") return;
    if (times === 1) this.#sum.add(cell);
    else this.#sum.addTimes(cell, times);
    this.#count += times;
  }

  partial(): readonly [ExactSumPart, number] {
    return [this.#sum.partial(), this.#count];
  }

  merge([sum, count]: readonly [ExactSumPart, number]): void {
    this.#sum.merge(sum);
    this.#count += count;
  }

  get value(): number | null {
    if (this.#op === "sum") return this.#sum.value;
    return this.#count === 0 ? null : this.#sum.by(this.#count);
  }
}

class Extreme implements Accumulator {
  readonly isEstimate = false;
  readonly #op: "min" | "max";
  value: number | null = null;

  constructor(op: "min" | "max") {
    this.#op = op;
  }

  add(cell: Cell): void {
    if (typeof cell !== "number") return;
    if (this.value === null || (this.#op === "min" ? cell < this.value : cell > this.value)) {
      // The sum removes the sign of zero, so that the order of 0 and -0 does not show.
      this.value = cell + 0;
    }
  }

  partial(): number | null {
    return this.value;
  }

  merge(extreme: number | null): void {
    this.add(extreme);
  }
}

class Quantile implements Accumulator {
  readonly #q: number;
  readonly #quantiles = new Quantiles();

  constructor(q: number) {
    this.#q = q;
  }

  add(cell: Cell, times: number): void {
    if (typeof cell === "number") this.#quantiles.add(cell, times);
  }

  partial(): QuantilesPart | null {
    return this.#quantiles.partial();
  }

  merge(part: QuantilesPart | null): void {
    this.#quantiles.merge(part);
  }

  get value(): number | null {
    return this.#quantiles.at(this.#q);
  }

  get isEstimate(): boolean {
    return this.#quantiles.isEstimate;
  }
}

class Uniques implements Accumulator {
  readonly #users: Users;
  readonly #union = new Union();

  constructor(users: Users) {
    this.#users = users;
  }

  add(cell: Cell): void {
    const user = cell as number;
    if (user >= 0) this.#union.addHash(this.#users.hashes, user * hashBytes);
  }

  partial(): Sketch {
    return this.#union.toSketch();
  }

  merge(sketch: Sketch): void {
    this.#union.addSketch(sketch);
  }

  get value(): number {
    return estimate(this.#union.toSketch());
  }

  get isEstimate(): boolean {
    return !this.#union.isExact;
  }
}

/** The most users in memory at a time. A user who was forgotten is hashed again. */
const maxKnown = 262_144;

/** The number of a user whose name is unknown: only the hash is. */
const hashedUser = 0;

/** The users of all groups, each hashed once. A user's number is valid until the next call. */
export class Users {
  readonly #numbers = new Map<string, number>();
  #next = hashedUser + 1;
  #hashes = Buffer.alloc(1_024 * hashBytes);

  get hashes(): Buffer {
    return this.#hashes;
  }

  /** A user's number; -1 for no user. */
  numberOf(user: Cell): number {
    if (typeof user !== "string") return -1;
    const known = this.#numbers.get(user);
    if (known !== undefined) return known;
    if (this.#next === maxKnown) {
      this.#numbers.clear();
      this.#next = hashedUser + 1;
    }
    const number = this.#next++;
    this.#numbers.set(user, number);
    if (this.#next * hashBytes > this.#hashes.length) {
      this.#hashes = Buffer.concat([this.#hashes], 2 * this.#hashes.length);
    }
    writeHash(user, this.#hashes, number * hashBytes);
    return number;
  }

  /** The number of a user, by the hash at an offset of `hashes`. */
  numberOfHash(hashes: Uint8Array, offset: number): number {
    this.#hashes.set(hashes.subarray(offset, offset + hashBytes), hashedUser * hashBytes);
    return hashedUser;
  }
}
