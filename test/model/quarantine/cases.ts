import { back, both, exact, listed, mended, out, type World } from "./protocol.ts";
import type { Rules } from "./rules.ts";

const single: World = { processors: 1, replayers: 1, patcher: false, eraser: "none" };

/** The worlds in which every run of the test shows the protocol to be right. */
export const worlds: Readonly<Record<string, World>> = {
  "quarantine, two processors": { ...single, processors: 2 },
  "quarantine, two replays at once, a patch": { ...single, replayers: 2, patcher: true },
  "quarantine, a person erased": { ...single, eraser: "person" },
  "quarantine, a patch, one of a filter erased": { ...single, patcher: true, eraser: "filter" },
};

/** Larger worlds, for a longer run. */
export const largeWorlds: Readonly<Record<string, World>> = {
  "quarantine, two processors, a patch": { ...single, processors: 2, patcher: true },
  "quarantine, two processors, a person erased": { ...single, processors: 2, eraser: "person" },
};

export const mistakes: Readonly<
  Record<string, { readonly wrong: Partial<Rules>; readonly world: World; readonly breaks: string }>
> = {
  "keep apart in a place of its own": {
    wrong: { place: "in a place of its own" },
    world: single,
    breaks: both,
  },
  "count what is found well": {
    wrong: { counts: "what it finds well" },
    world: single,
    breaks: exact,
  },
  "note what was inserted now": {
    wrong: { note: "who inserted it" },
    world: single,
    breaks: listed,
  },
  "look for the fence before noting": {
    wrong: { fence: "before noting" },
    world: { ...single, eraser: "person" },
    breaks: back,
  },
  "a batch for each replay": {
    wrong: { replay: "made by each replay" },
    world: { ...single, patcher: true },
    breaks: mended,
  },
  "publish before naming the batch": {
    wrong: { publish: "before naming" },
    world: single,
    breaks: out,
  },
  "patch what is coming out": {
    wrong: { patch: "taken" },
    world: { ...single, patcher: true },
    breaks: mended,
  },
  "check what is replayed": { wrong: { replayed: "checked" }, world: single, breaks: out },
  "leave nothing of what was in quarantine": {
    wrong: { erased: "nothing" },
    world: { ...single, eraser: "filter" },
    breaks: back,
  },
  "look among the stored ones first": {
    wrong: { looks: "among the stored ones" },
    world: { ...single, eraser: "filter" },
    breaks: back,
  },
  "replace whatever is there": {
    wrong: { replaces: "whatever is there" },
    world: { ...single, eraser: "filter" },
    breaks: back,
  },
};
