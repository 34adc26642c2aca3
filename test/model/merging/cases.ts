import { back, low, twice, whole, type World } from "./state.ts";
import type { Rules } from "./rules.ts";

const single: World = { mergers: 1, reader: false };
const read: World = { ...single, reader: true };

/** The worlds in which every run of the test shows the protocol to be right. */
export const worlds: Readonly<Record<string, World>> = {
  "a bundle, an erasure, two mergers": { ...single, mergers: 2, erases: true },
  "a bundle, an erasure, a reader": { ...read, erases: true },
  "a bundle, a batch that comes again": { ...single, again: true },
  "a bundle, a batch that comes again, a reader, no crash": { ...read, again: true, steady: true },
  "a bundle, a dropping": { ...single, drops: true },
  "a bundle, a dropping, a reader, no crash": { ...read, drops: true, steady: true },
};

/** Larger worlds, for a longer run. */
export const largeWorlds: Readonly<Record<string, World>> = {
  "a bundle, an erasure, two mergers, a reader": { ...read, mergers: 2, erases: true },
  "a bundle, a batch that comes again, two mergers": { ...single, mergers: 2, again: true },
  "a bundle, a dropping, two mergers": { ...single, mergers: 2, drops: true },
  "a bundle, a dropping, a reader": { ...read, drops: true },
};

const erasing: World = { ...single, erases: true };
const merged: World = { ...read, merged: true, steady: true };

export const mistakes: Readonly<
  Record<string, { readonly wrong: Partial<Rules>; readonly world: World; readonly breaks: string }>
> = {
  "read the events before the versions": {
    wrong: { look: "events first" },
    world: erasing,
    breaks: whole,
  },
  "publish a bundle that somebody has taken": {
    wrong: { publish: "always" },
    world: { ...erasing, mergers: 2 },
    breaks: whole,
  },
  "leave a marked segment out of its bundle": {
    wrong: { names: "those that are built" },
    world: { ...merged, erases: true },
    breaks: low,
  },
  "close segments before their bundle is there": {
    wrong: { close: "before the columns are there" },
    world: { ...read, steady: true },
    breaks: low,
  },
  "close a segment of another version": {
    wrong: { closes: "of any version" },
    world: erasing,
    breaks: whole,
  },
  "close a marked segment": { wrong: { closes: "marked or not" }, world: erasing, breaks: whole },
  "mark a segment and leave it closed": {
    wrong: { mark: "leaves it closed" },
    world: { ...merged, erases: true },
    breaks: whole,
  },
  "close a segment that was built again": {
    wrong: { built: "closes it" },
    world: { ...merged, erases: true },
    breaks: whole,
  },
  "read bundles before open segments": {
    wrong: { read: "bundles first" },
    world: { ...read, steady: true },
    breaks: low,
  },
  "take a bundle that has an open segment": {
    wrong: { opened: "read as columns" },
    world: { ...merged, erases: true },
    breaks: back,
  },
  "read open segments beside their bundle": {
    wrong: { opened: "read beside them" },
    world: { ...merged, erases: true },
    breaks: twice,
  },
  "pass over the closed segments of such a bundle": {
    wrong: { opened: "passed over" },
    world: { ...merged, erases: true },
    breaks: low,
  },
  "take a bundle beside an announcement": {
    wrong: { again: "read as columns" },
    world: { ...merged, again: true },
    breaks: low,
  },
  "pass over a bundle whose version is gone": {
    wrong: { gone: "passed over" },
    world: { ...merged, erases: true },
    breaks: low,
  },
};
