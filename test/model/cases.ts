import { exact, over } from "./protocol.ts";
import { low } from "./reader.ts";
import type { Rules } from "./rules.ts";
import type { World } from "./world.ts";

/** One message with one event, one actor of each kind. */
const single: World = {
  events: [0],
  messages: [[0]],
  copies: [1],
  minutes: 1,
  hour: false,
  few: 0,
  counted: [],
  processors: 1,
  aggregators: 1,
  reader: "none",
};
/** Two messages with an event each. */
const pair: World = { ...single, events: [0, 0], messages: [[0], [1]], copies: [1, 1] };
/** Two messages that share an event: A holds x and y, B holds y and z. */
const shared: World = {
  ...pair,
  events: [0, 0, 0],
  messages: [
    [0, 1],
    [1, 2],
  ],
};
/** One message with one event, and an hour above its minute. */
const hourly: World = { ...single, hour: true };
/** One message with an event in each of two minutes of an hour. */
const split: World = { ...hourly, events: [0, 1], messages: [[0, 1]], minutes: 2 };
/** The same, and a second message with the event of the second minute. */
const sharedSplit: World = { ...split, messages: [[0, 1], [1]], copies: [1, 1] };

/** Two messages with an event each of a minute that has a rollup from its second delta on, and its hour. */
const sparse: World = { ...pair, hour: true, few: 2 };
/** The same, the first counted by an earlier version, which wrote a rollup of it; so few are three. */
const upgraded: World = { ...sparse, few: 3, counted: [0] };

const twoProcessors = { processors: 2 } as const;
const twoAggregators = { aggregators: 2 } as const;
const reader = { reader: "owner acknowledged" } as const;

/** Where the protocol is shown to be right, on every run of the test. */
export const worlds: Readonly<Record<string, World>> = {
  "one minute, A published twice, two aggregators": {
    ...shared,
    ...twoProcessors,
    ...twoAggregators,
    copies: [2, 1],
  },
  "one minute, a reader": { ...shared, ...twoProcessors, ...reader },
  "two minutes and their hour": { ...sharedSplit, ...twoProcessors },
  "two minutes and their hour, one message, two aggregators": {
    ...split,
    ...twoProcessors,
    ...twoAggregators,
  },
  "two minutes and their hour, one message, a reader": { ...split, ...twoProcessors, ...reader },
  "few deltas, two aggregators": { ...sparse, ...twoAggregators },
  "few deltas, a reader": { ...sparse, ...reader },
  "few deltas, a rollup of before, two aggregators": { ...upgraded, ...twoAggregators },
};

/** Larger ones, for a longer look. */
export const largeWorlds: Readonly<Record<string, World>> = {
  "one minute, A published twice, two aggregators, a reader": {
    ...shared,
    ...twoProcessors,
    ...twoAggregators,
    ...reader,
    copies: [2, 1],
  },
  "two minutes and their hour, one message, two aggregators, a reader": {
    ...split,
    ...twoProcessors,
    ...twoAggregators,
    ...reader,
  },
  "two minutes and their hour, a reader": { ...sharedSplit, ...twoProcessors, ...reader },
  "few deltas, two minutes and their hour, a reader": { ...sharedSplit, few: 2, ...reader },
  "two minutes and their hour, two aggregators": {
    ...sharedSplit,
    ...twoProcessors,
    ...twoAggregators,
  },
};

/** What the protocol does not promise: an event counts once its owner is acknowledged, not any batch with it. */
export const notPromised: World = {
  ...pair,
  messages: [[0], [0]],
  events: [0],
  reader: "any batch acknowledged",
};

export interface Mistake {
  readonly wrong: Partial<Rules>;
  /** A small world that shows it. */
  readonly world: World;
  readonly breaks: string;
}

export const mistakes: Readonly<Record<string, Mistake>> = {
  "acknowledge before marking": {
    wrong: { acknowledge: "before marking" },
    world: single,
    breaks: exact,
  },
  "mark only new deltas": {
    wrong: { marking: "new deltas only" },
    world: single,
    breaks: exact,
  },
  "batch id made by the processor": {
    wrong: { batchId: "made by the processor" },
    world: single,
    breaks: exact,
  },
  "own only what was inserted now": {
    wrong: { owned: "inserted now" },
    world: single,
    breaks: exact,
  },
  "count the whole message": {
    wrong: { owned: "the whole message" },
    world: shared,
    breaks: over,
  },
  "increment in place": {
    wrong: { counting: "increment" },
    world: single,
    breaks: over,
  },
  "increment where the delta is new": {
    wrong: { counting: "guarded increment" },
    world: single,
    breaks: exact,
  },
  "a counter in place of the nonce": {
    wrong: { nonce: "counter" },
    world: { ...pair, ...twoAggregators },
    breaks: exact,
  },
  "leave a standing mark as it is": {
    wrong: { nonce: "kept while it stands" },
    world: pair,
    breaks: exact,
  },
  "clear a mark whatever its nonce": {
    wrong: { clear: "always" },
    world: pair,
    breaks: exact,
  },
  "write without a version check": {
    wrong: { write: "always" },
    world: { ...pair, ...twoAggregators },
    breaks: exact,
  },
  "mark the parent only on change": {
    wrong: { markParent: "where the write changed" },
    world: hourly,
    breaks: exact,
  },
  "mark the parent after clearing the child": {
    wrong: { parentMarked: "after the child is cleared" },
    world: hourly,
    breaks: exact,
  },
  "leave the rollup of few deltas as it is": {
    wrong: { standing: "left" },
    world: { ...upgraded, hour: false },
    breaks: exact,
  },
  "sum the rollups of an hour's minutes alone": {
    wrong: { summing: "rollup alone" },
    world: { ...hourly, few: 2 },
    breaks: exact,
  },
  "sum rollups and deltas": {
    wrong: { summing: "rollup and deltas" },
    world: { ...upgraded, few: 2 },
    breaks: over,
  },
  "few deltas weigh nothing": {
    wrong: { weight: "nothing" },
    world: { ...hourly, few: 2 },
    breaks: exact,
  },
  "take the rollup of a minute that has none": {
    wrong: { unmarked: "rollup alone" },
    world: { ...single, few: 2, ...reader },
    breaks: low,
  },
  "look at the coarsest marks first": {
    wrong: { reading: "coarsest marks first" },
    world: { ...hourly, ...reader },
    breaks: low,
  },
  "look at the bucket's own mark alone": {
    wrong: { reading: "own mark alone" },
    world: { ...hourly, ...reader },
    breaks: low,
  },
  "read the rollup before the marks": {
    wrong: { reading: "rollup first" },
    world: { ...single, ...reader },
    breaks: low,
  },
};
