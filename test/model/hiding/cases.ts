import { lacking, shown, told, type World } from "./protocol.ts";
import type { Rules } from "./rules.ts";

const events: World = { readers: ["events"], crashes: 0, returns: false };
const counts: World = { readers: ["counts"], crashes: 0, returns: false };

/** The worlds in which every run of the test shows the protocol to be right. */
export const worlds: Readonly<Record<string, World>> = {
  "hiding, two readers": { ...events, readers: ["events", "events"], crashes: 1 },
  "hiding, a person who returns": { ...events, crashes: 2, returns: true },
  "hiding, events and counts": { ...events, readers: ["events", "counts"], returns: true },
};

export const mistakes: Readonly<
  Record<string, { readonly wrong: Partial<Rules>; readonly world: World; readonly breaks: string }>
> = {
  "acknowledge before the job is noted": {
    wrong: { acknowledge: "before the job is noted" },
    world: events,
    breaks: shown,
  },
  "look for erasures after the fingerprint": {
    wrong: { look: "after the fingerprint" },
    world: events,
    breaks: shown,
  },
  "look for erasures after what is read": {
    wrong: { look: "after what it reads" },
    world: events,
    breaks: shown,
  },
  "look for erasures after the counts": {
    wrong: { look: "after what it reads" },
    world: counts,
    breaks: told,
  },
  "name no erasure in the cache": {
    wrong: { key: "the fingerprint alone" },
    world: events,
    breaks: shown,
  },
  "be done before the counts are made anew": {
    wrong: { done: "before the counts are made anew" },
    world: events,
    breaks: shown,
  },
  "say nothing of counts that fall": {
    wrong: { counts: "nothing" },
    world: counts,
    breaks: told,
  },
  "hide all of a person": {
    wrong: { hidden: "all of the person" },
    world: { ...events, returns: true },
    breaks: lacking,
  },
};
