import { high, low } from "./actors.ts";
import { exact, whole } from "./protocol.ts";
import type { Rules } from "./rules.ts";
import type { World } from "./world.ts";

const single: World = { batches: 1, processors: 1, aggregators: 1, reader: false };
const two: World = { ...single, batches: 2 };
const twoAggregators: World = { ...two, aggregators: 2 };

/** The worlds in which each run of the test shows the rules to be right. */
export const worlds: Readonly<Record<string, World>> = {
  "a busy minute, two batches, two aggregators": twoAggregators,
  "a busy minute, two batches, a reader": { ...two, reader: true },
  "a busy minute, two batches, two processors": { ...two, processors: 2 },
  "a busy minute, three batches": { ...single, batches: 3 },
};

/** Larger worlds, for a longer search. */
export const largeWorlds: Readonly<Record<string, World>> = {
  "a busy minute, two batches, two processors, a reader": { ...two, processors: 2, reader: true },
  "a busy minute, two batches, two processors, two aggregators": {
    ...twoAggregators,
    processors: 2,
  },
  "a busy minute, three batches, a reader": { ...single, batches: 3, reader: true },
  "a busy minute, two batches, two aggregators, a reader": { ...twoAggregators, reader: true },
};

export interface Mistake {
  readonly wrong: Partial<Rules>;
  /** A small world in which the mistake shows. */
  readonly world: World;
  readonly breaks: string;
}

export const mistakes: Readonly<Record<string, Mistake>> = {
  "close before the fold is written": {
    wrong: { order: "closing before fold" },
    world: single,
    breaks: whole,
  },
  "a fold that names no deltas": { wrong: { names: "none" }, world: single, breaks: whole },
  "replace a fold whatever its number": {
    wrong: { replace: "always" },
    world: twoAggregators,
    breaks: whole,
  },
  "a number that comes again": {
    wrong: { number: "how many deltas it names" },
    world: { ...two, reader: true },
    breaks: low,
  },
  "leave named deltas open": { wrong: { held: "left" }, world: two, breaks: whole },
  "close what another's fold may lack": {
    wrong: { closing: "everyone" },
    world: twoAggregators,
    breaks: whole,
  },
  "remove closed deltas": { wrong: { closed: "nothing" }, world: single, breaks: whole },
  "a fold weighs as one delta": {
    wrong: { weight: "one" },
    world: { ...single, batches: 3 },
    breaks: exact,
  },
  "read the deltas before the fold": {
    wrong: { reading: "deltas, then fold" },
    world: { ...two, reader: true },
    breaks: high,
  },
  "read the number once": {
    wrong: { check: "none" },
    world: { ...single, reader: true },
    breaks: low,
  },
};
