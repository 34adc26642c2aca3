import { back, exact, gone, over } from "./protocol.ts";
import type { Rules } from "./rules.ts";
import type { World } from "./world.ts";

const single: World = {
  events: 2,
  batches: 1,
  processors: 1,
  aggregators: 0,
  condenses: false,
  erasers: 1,
  reader: false,
  fence: false,
};
const fenced: World = { ...single, fence: true };
const dying: World = { ...fenced, letters: true };
const two: World = { ...single, batches: 2 };
const late: World = { ...single, erasers: 0, poison: true };
const summed: World = { ...single, events: 1, aggregators: 1 };

/** The worlds in which each run of the test shows the rules to be right. */
export const worlds: Readonly<Record<string, World>> = {
  "an erasure": single,
  "an erasure, a fence": fenced,
  "an erasure, a fence, a dead letter": dying,
  "a late event, two processors": { ...late, processors: 2 },
  "a late event, two batches": { ...late, batches: 2 },
  "a late event, summing": { ...late, aggregators: 1, condenses: true },
  "a late event, an erasure": { ...late, erasers: 1 },
};

/** Larger worlds, for a longer search. */
export const largeWorlds: Readonly<Record<string, World>> = {
  "an erasure, a reader": { ...single, reader: true },
  "an erasure, summing": summed,
};

export interface Mistake {
  readonly wrong: Partial<Rules>;
  /** A small world in which the mistake shows. */
  readonly world: World;
  readonly breaks: string;
}

export const mistakes: Readonly<Record<string, Mistake>> = {
  "leave nothing of an erased event": { wrong: { left: "nothing" }, world: single, breaks: back },
  "erase without a note": { wrong: { noted: "never" }, world: single, breaks: exact },
  "leave a missing delta out": { wrong: { delta: "left out" }, world: single, breaks: gone },
  "leave the delta of an erasure": {
    wrong: { late: "acknowledges" },
    world: single,
    breaks: exact,
  },
  "leave the delta of others": { wrong: { joined: "acknowledges" }, world: late, breaks: exact },
  "bury in another batch": { wrong: { buried: "another" }, world: late, breaks: exact },
  "count all events anew": { wrong: { counted: "all" }, world: two, breaks: over },
  "read the events before the deltas": {
    wrong: { reads: "events, then deltas" },
    world: two,
    breaks: exact,
  },
  "replace any fold": { wrong: { replace: "always" }, world: single, breaks: exact },
  "a count anew weighs nothing": { wrong: { weight: "as much" }, world: summed, breaks: gone },
  "mark before counting anew": {
    wrong: { mark: "before counting" },
    world: summed,
    breaks: gone,
  },
  "count anew without a mark": { wrong: { mark: "never" }, world: summed, breaks: gone },
  "look for the fence before inserting alone": {
    wrong: { look: "before inserting alone" },
    world: fenced,
    breaks: gone,
  },
  "search before the fence": { wrong: { fence: "after the search" }, world: fenced, breaks: gone },
  "take out what is fenced off, no more": {
    wrong: { fenced: "takes it out" },
    world: { ...fenced, processors: 2 },
    breaks: gone,
  },
  "take out what is fenced off without a note": {
    wrong: { fencedNoted: "never" },
    world: fenced,
    breaks: gone,
  },
  "look for notes before events": {
    wrong: { search: "notes, then events" },
    world: fenced,
    breaks: gone,
  },
  "look into dead letters meanwhile": { wrong: { sweep: "always" }, world: dying, breaks: gone },
  "cut a dead letter alone": { wrong: { letter: "nothing" }, world: dying, breaks: back },
};
