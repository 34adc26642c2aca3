import { exact, low, over, type World } from "./protocol.ts";
import type { Rules } from "./rules.ts";

const single: World = {
  batches: 1,
  processors: 1,
  aggregators: 1,
  recounter: false,
  reader: false,
  late: false,
};

const late: World = { ...single, batches: 2, late: true };

/** The worlds in which each run of the test shows the rules to be right. */
export const worlds: Readonly<Record<string, World>> = {
  "a floor, two processors": { ...single, processors: 2 },
  "a floor, a reader": { ...single, reader: true },
  "a floor, counting anew": { ...single, recounter: true },
  "a floor, a late batch": late,
};

/** Larger worlds, for a longer search. */
export const largeWorlds: Readonly<Record<string, World>> = {
  "a floor, two aggregators": { ...single, aggregators: 2 },
  "a floor, two processors, a reader": { ...single, processors: 2, reader: true },
  "a floor, two batches": { ...single, batches: 2 },
};

export const mistakes: Readonly<
  Record<string, { readonly wrong: Partial<Rules>; readonly world: World; readonly breaks: string }>
> = {
  "store below a floor": {
    wrong: { inflow: "stored" },
    world: { ...single, batches: 2 },
    breaks: exact,
  },
  "seal while somebody is at work": {
    wrong: { waitsFor: "marks" },
    world: single,
    breaks: exact,
  },
  "seal while buckets are marked": { wrong: { waitsFor: "work" }, world: single, breaks: exact },
  "drop what was only announced": {
    wrong: { drops: "once announced" },
    world: single,
    breaks: exact,
  },
  "heed marks below a floor": {
    wrong: { marks: "heeded" },
    world: { ...single, processors: 2, reader: true },
    breaks: low,
  },
  "look for the floor before counting": {
    wrong: { recount: "before counting" },
    world: { ...single, recounter: true },
    breaks: exact,
  },
  "count a late batch anew": { wrong: { late: "counts anew" }, world: late, breaks: exact },
  "store a late batch alone": { wrong: { late: "stores alone" }, world: late, breaks: exact },
  "add whatever a late batch brings": {
    wrong: { late: "adds what it brings" },
    world: late,
    breaks: over,
  },
  "write what weighs less": {
    wrong: { write: "always" },
    world: { ...single, processors: 2 },
    breaks: exact,
  },
};
