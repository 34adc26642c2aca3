import { exact, over } from "./protocol.ts";
import type { Rules } from "./rules.ts";
import type { World } from "./world.ts";

const single: World = {
  batches: 1,
  processors: 1,
  compactors: 1,
  recounter: false,
  reader: false,
};

/** The worlds in which every run of the test shows the protocol to be right. */
export const worlds: Readonly<Record<string, World>> = {
  "compaction, two processors": { ...single, processors: 2 },
  "compaction, two batches": { ...single, batches: 2 },
  "compaction, two compactors": { ...single, compactors: 2 },
  "compaction, counting anew": { ...single, recounter: true },
  "compaction, a reader": { ...single, reader: true },
  "compaction, a clock set back": { ...single, setBack: true },
};

/** Larger worlds, for a longer run. */
export const largeWorlds: Readonly<Record<string, World>> = {
  "compaction, two batches, two processors": { ...single, batches: 2, processors: 2 },
  "compaction, two batches, counting anew": { ...single, batches: 2, recounter: true },
};

export const mistakes: Readonly<
  Record<string, { readonly wrong: Partial<Rules>; readonly world: World; readonly breaks: string }>
> = {
  "compact what may be young elsewhere": {
    wrong: { bound: "never" },
    world: { ...single, setBack: true },
    breaks: exact,
  },
  "compact before all know the bound": {
    wrong: { bound: "without a wait" },
    world: { ...single, setBack: true },
    breaks: exact,
  },
  "compact without a word before": {
    wrong: { announce: "never" },
    world: single,
    breaks: exact,
  },
  "say it under the same number": {
    wrong: { number: "the same" },
    world: { ...single, recounter: true },
    breaks: exact,
  },
  "remove before the fold is written": {
    wrong: { remove: "before the fold is written" },
    world: single,
    breaks: exact,
  },
  "sum a delta that is gone": { wrong: { sum: "takes them" }, world: single, breaks: over },
  "look for compaction before inserting": {
    wrong: { look: "before inserting its delta" },
    world: single,
    breaks: exact,
  },
  "never look for compaction": { wrong: { look: "never" }, world: single, breaks: exact },
  "ask for the age on receipt": {
    wrong: { age: "when it was received" },
    world: single,
    breaks: exact,
  },
  "count nothing of a late batch": { wrong: { late: "nothing" }, world: single, breaks: exact },
  "count anew without what is gone": {
    wrong: { anew: "batches with deltas" },
    world: { ...single, recounter: true },
    breaks: exact,
  },
  "count anew and forget what is gone": {
    wrong: { carries: "nothing" },
    world: { ...single, processors: 2, recounter: true },
    breaks: over,
  },
};
