import { back, low, whole, type World } from "./protocol.ts";
import type { Rules } from "./rules.ts";

const [x, y] = [0, 1];

const single: World = {
  batches: 1,
  processors: 1,
  sealers: 1,
  erased: [],
  reader: false,
  old: false,
};

/** The worlds in which every run of the test shows the protocol to be right. */
export const worlds: Readonly<Record<string, World>> = {
  "a segment, two sealers": { ...single, sealers: 2 },
  "a segment, a reader": { ...single, reader: true },
  "a segment of before, a reader": { ...single, reader: true, old: true },
  "a segment, an erasure": { ...single, erased: [x] },
  "a segment, a dropping, two sealers": { ...single, sealers: 2, drops: true },
};

/** Larger worlds, for a longer run. */
export const largeWorlds: Readonly<Record<string, World>> = {
  "a segment, an erasure, a reader": { ...single, erased: [x], reader: true },
  "a segment, two erasures at once": { ...single, erased: [x, y] },
  "segments, two batches, two sealers": { ...single, batches: 2, sealers: 2 },
  "segments, two batches, a reader": { ...single, batches: 2, reader: true },
  "segments, two processors, a reader": { ...single, processors: 2, reader: true },
};

const read: World = { ...single, reader: true };
const erasing: World = { ...single, erased: [x], reader: true, steady: true };

export const mistakes: Readonly<
  Record<string, { readonly wrong: Partial<Rules>; readonly world: World; readonly breaks: string }>
> = {
  "announce a batch before its events": {
    wrong: { announce: "before its events" },
    world: single,
    breaks: whole,
  },
  "acknowledge before announcing": {
    wrong: { announce: "once it is acknowledged" },
    world: single,
    breaks: whole,
  },
  "leave a standing announcement as it is": {
    wrong: { standing: "left as it is" },
    world: { ...single, old: true },
    breaks: whole,
  },
  "look at the announced before the head": {
    wrong: { look: "announced first", named: "claimed again" },
    world: { ...single, sealers: 2 },
    breaks: whole,
  },
  "claim what a segment names": { wrong: { named: "claimed again" }, world: single, breaks: whole },
  "forget what a segment names": {
    wrong: { named: "forgotten" },
    world: { ...single, old: true },
    breaks: whole,
  },
  "claim over a claim": {
    wrong: { claim: "always" },
    world: { ...single, sealers: 2 },
    breaks: whole,
  },
  "remove an announcement before its segment is there": {
    wrong: { removal: "before the segment" },
    world: read,
    breaks: low,
  },
  "remove whichever announcement": {
    wrong: { removes: "any" },
    world: { ...single, old: true, sealers: 2 },
    breaks: whole,
  },
  "publish whatever was marked": {
    wrong: { publish: "always" },
    world: { ...single, erased: [x] },
    breaks: whole,
  },
  "mark the segment before the tombstone": {
    wrong: { mark: "before the tombstone" },
    world: { ...single, erased: [x] },
    breaks: whole,
  },
  "erase without marking the segment": {
    wrong: { mark: "never" },
    world: { ...single, erased: [x] },
    breaks: whole,
  },
  "keep columns under the segment alone": {
    wrong: { version: "segment" },
    world: erasing,
    breaks: back,
  },
  "keep an announced batch under its nonce alone": {
    wrong: { batchKey: "nonce" },
    world: erasing,
    breaks: back,
  },
  "keep an announced batch under its mark alone": {
    wrong: { batchKey: "mark" },
    world: { ...read, old: true, batches: 2, sealers: 0, steady: true },
    breaks: low,
  },
  "read the manifest before what is announced": {
    wrong: { read: "manifest first" },
    world: read,
    breaks: low,
  },
  "pass over a marked segment": { wrong: { marked: "passed over" }, world: read, breaks: low },
  "take the columns beside an announcement": {
    wrong: { again: "read as columns" },
    world: { ...read, old: true },
    breaks: low,
  },
  "pass over a version that is gone": {
    wrong: { gone: "passed over" },
    world: erasing,
    breaks: low,
  },
  "take out what is fenced off, unnoted": {
    wrong: { fenced: "not noted" },
    world: { ...single, erased: [x], reader: true },
    breaks: back,
  },
  "build a new segment at once": {
    wrong: { rest: "never" },
    world: { ...single, drops: true },
    breaks: whole,
  },
  "look for what rests before the segment is there": {
    wrong: { rest: "as was read before" },
    world: { ...single, drops: true },
    breaks: whole,
  },
  "take an announcement that is gone for one that does not rest": {
    wrong: { rest: "until none is seen to rest" },
    world: { ...single, sealers: 2, drops: true },
    breaks: whole,
  },
};
