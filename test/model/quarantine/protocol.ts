import type { Emit, Model } from "../checker.ts";
import type { Rules } from "./rules.ts";

/**
 * A world with one event x of batch A. Each delivery may find the event broken or well. A replayer
 * releases it by a batch of its own, R or S. The event may be patched once, and its person erased.
 */
export interface World {
  readonly processors: 1 | 2;
  readonly replayers: 1 | 2;
  readonly patcher: boolean;
  /**
   * How x is erased: with its person, whom a fence then keeps out, or by a filter that finds it.
   */
  readonly eraser: "none" | "person" | "filter";
}

export const exact =
  "when all is quiet, x is counted as often as it is stored: once, or not at all";
export const both = "x is stored or kept apart, never both";
export const listed = "when all is quiet, what is kept apart is found";
export const mended = "what comes out is what the last patch made of it";
export const out = "when all is quiet, what was replayed has come out";
export const back = "when all is quiet, what was erased is neither stored nor kept apart";

const batchNames = ["A", "R", "S"] as const;
type Batch = 0 | 1 | 2;

interface Held {
  readonly revision: number;
  readonly replay: Batch | null;
  readonly isPatched: boolean;
}

interface Processor {
  readonly at: number;
  readonly batch: Batch;
  readonly findsBroken: boolean;
  readonly inserted: boolean;
  readonly owns: boolean;
}

interface Actor {
  readonly at: number;
  readonly seen: Held | null;
  readonly batch: Batch;
}

export interface State {
  /**
   * Whether each batch has a message that is not acknowledged, and whether its event is patched.
   */
  readonly queue: readonly boolean[];
  readonly content: readonly boolean[];
  readonly stored: { readonly by: Batch; readonly isPatched: boolean } | null;
  readonly held: Held | null;
  readonly isGone: boolean;
  readonly note: boolean;
  /** For each batch, whether its delta is stored, or the empty delta of an erasure in its place. */
  readonly deltas: readonly ("absent" | "counted" | "erased")[];
  readonly wasPatched: boolean;
  /** Whether a replay was answered with success. */
  readonly wasReplayed: boolean;
  readonly job: "none" | "begun" | "done";
  readonly processors: readonly Processor[];
  readonly replayers: readonly Actor[];
  readonly patcher: Actor;
  readonly eraser: Actor;
}

const idleProcessor: Processor = {
  at: 0,
  batch: 0,
  findsBroken: false,
  inserted: false,
  owns: false,
};
const idle: Actor = { at: 0, seen: null, batch: 0 };

/** Whether the event in quarantine is still as it was read. */
const isSame = (a: Held | null, b: Held | null) => a?.revision === b?.revision;

export function quarantine(world: World, rules: Rules): Model<State> {
  const notesAt = rules.fence === "after noting" ? 3 : 4;
  const sharesPlace = rules.place === "in place of the stored one";

  const isFencedOff = (s: State) => world.eraser === "person" && s.job !== "none";

  /** Replaces x in its place. @returns `undefined` where the rule forbids that */
  function inPlaceOf(s: State, seen: Held | null, by: Partial<State>): Partial<State> | undefined {
    if (rules.replaces === "what was read") return isSame(s.held, seen) ? by : undefined;
    return { stored: null, held: null, isGone: false, ...by };
  }

  function insert(s: State, { batch, findsBroken }: Processor): Partial<State> {
    if (s.isGone) return {};
    const isNamed =
      batch !== 0 && (rules.replay === "made by each replay" || s.held?.replay === batch);
    const isChecked = rules.replayed === "checked" && findsBroken;
    const stored = { by: batch, isPatched: s.content[batch]! };
    if (s.held !== null && isNamed && !isChecked) return { held: null, stored };
    if (batch !== 0) return {};
    if (findsBroken) {
      const isFree = s.held === null && (s.stored === null || !sharesPlace);
      return isFree ? { held: { revision: 1, replay: null, isPatched: false } } : {};
    }
    const isFree = s.stored === null && (s.held === null || !sharesPlace);
    return isFree ? { stored } : {};
  }

  function processorSteps(s: State, index: number, emit: Emit<State>): void {
    const me = s.processors[index]!;
    const go = (does: string, change: Partial<Processor>, store: Partial<State> = {}) =>
      emit(`P${index + 1} ${does}`, {
        ...s,
        ...store,
        processors: s.processors.with(index, { ...me, ...change }),
      });
    const { batch, findsBroken } = me;
    if (me.at === 0) {
      s.queue.forEach((isThere, of) => {
        if (!isThere) return;
        for (const broken of [true, false]) {
          const verdict = broken ? "broken" : "well";
          const begun = { at: 1, batch: of as Batch, findsBroken: broken };
          go(`receives ${batchNames[of]}, finds it ${verdict}`, begun);
        }
      });
      return;
    }
    go("crashes", idleProcessor);
    if (me.at === 1) {
      // The store refuses events that were fenced off before.
      const isFenced = isFencedOff(s);
      const change = isFenced ? {} : insert(s, me);
      const isInserted = "held" in change || "stored" in change;
      const does = !isInserted ? "inserts nothing" : change.stored ? "stores x" : "keeps x apart";
      go(does, { at: 2, inserted: isInserted }, change);
    } else if (me.at === 2) {
      const isStored = s.stored?.by === batch;
      const owns = isStored && (rules.counts === "what it stored" || !findsBroken);
      go(owns ? "owns x" : "owns nothing", { at: 3, owns });
    } else if (me.at === notesAt) {
      const isMine = batch === 0 && s.held !== null;
      const notes = isMine && (rules.note === "every delivery" || me.inserted);
      const does = notes ? "notes it" : "has nothing to note";
      go(does, { at: me.at + 1 }, notes ? { note: true } : {});
    } else if (me.at < 5) {
      // A fence came meanwhile: the processor takes out the events of its batch, and counts the
      // minute anew.
      const isOwn = s.stored?.by === batch || (batch === 0 && s.held !== null);
      if (!isFencedOff(s) || !isOwn) return go("sees no fence", { at: me.at + 1 });
      const deltas = s.deltas.with(batch, "erased");
      const taken = { stored: null, held: null, isGone: true, deltas };
      go("takes x out again", { at: me.at + 1, owns: false }, taken);
    } else if (me.at === 5) {
      const isNew = me.owns && s.deltas[batch] === "absent";
      const deltas = isNew ? s.deltas.with(batch, "counted") : s.deltas;
      go(isNew ? "puts its delta" : "puts nothing", { at: 6 }, { deltas });
    } else {
      go(`acknowledges ${batchNames[batch]}`, idleProcessor, {
        queue: s.queue.with(batch, false),
      });
    }
  }

  function replayerSteps(s: State, index: number, emit: Emit<State>): void {
    const me = s.replayers[index]!;
    const own = (index + 1) as Batch;
    const go = (does: string, actor: Actor, store: Partial<State> = {}) =>
      emit(`Y${index + 1} ${does}`, {
        ...s,
        ...store,
        replayers: s.replayers.with(index, actor),
      });
    const publish = (batch: Batch, isPatched: boolean) => ({
      queue: s.queue.with(batch, true),
      content: s.content.with(batch, isPatched),
    });
    if (me.at === 0) {
      if (s.held !== null && s.note) go("reads x", { at: 1, seen: s.held, batch: own });
      return;
    }
    go("crashes", idle);
    const isFirst = rules.publish === "before naming";
    const named = s.held?.replay ?? null;
    if (me.at === 1 && isFirst) {
      go("publishes", { ...me, at: 2 }, publish(named ?? own, me.seen!.isPatched));
    } else if (me.at === 1 || me.at === 2) {
      if (s.held === null && rules.replaces === "what was read") return go("finds nothing", idle);
      if (rules.replay === "made by each replay") {
        return go("goes on", { ...me, at: 3, seen: s.held ?? me.seen });
      }
      if (named !== null) {
        return go(`finds ${batchNames[named]} named`, { at: 3, seen: s.held, batch: named });
      }
      const held = { ...me.seen!, replay: own, revision: me.seen!.revision + 1 };
      const change = inPlaceOf(s, me.seen, { held });
      if (change === undefined) return go("finds another revision", { ...me, at: 0, seen: null });
      go(`names ${batchNames[own]}`, { at: 3, seen: held, batch: own }, change);
    } else if (me.at === 3) {
      const change = isFirst ? {} : publish(me.batch, me.seen!.isPatched);
      go(isFirst ? "goes on" : `publishes ${batchNames[me.batch]}`, { ...me, at: 4 }, change);
    } else {
      go("answers", idle, { wasReplayed: true });
    }
  }

  function patcherSteps(s: State, emit: Emit<State>): void {
    const me = s.patcher;
    if (me.at === 0) {
      const isOpen = s.held !== null && s.note && !s.held.isPatched;
      if (isOpen) emit("M reads x", { ...s, patcher: { ...idle, at: 1, seen: s.held } });
      return;
    }
    emit("M crashes", { ...s, patcher: idle });
    const isOut = s.held?.replay !== null && rules.patch === "refused";
    const seen = me.seen!;
    const change =
      s.held === null || isOut
        ? undefined
        : inPlaceOf(s, seen, {
            held: { ...s.held, isPatched: true, revision: seen.revision + 1 },
          });
    if (change === undefined) emit("M is refused", { ...s, patcher: idle });
    else emit("M patches x", { ...s, ...change, patcher: idle, wasPatched: true });
  }

  function eraserSteps(s: State, emit: Emit<State>): void {
    const me = s.eraser;
    const go = (does: string, eraser: Actor, store: Partial<State> = {}) =>
      emit(`E ${does}`, { ...s, ...store, eraser });
    if (s.job === "done") return;
    if (s.job === "none") {
      if (world.eraser === "person") return go("writes the fence", idle, { job: "begun" });
      const isThere = s.stored !== null || (s.held !== null && s.note);
      if (isThere) go("begins", idle, { job: "begun" });
      return;
    }
    if (me.at > 0) go("crashes", idle);
    const isGone = rules.erased === "a tombstone";
    const heldFirst = rules.looks === "in quarantine";
    const looksAtHeld = () =>
      s.held !== null && s.note
        ? go("finds x in quarantine", { ...idle, at: 3, seen: s.held })
        : go("finds nothing in quarantine", { ...idle, at: heldFirst ? 1 : 2 });
    const looksAtStored = () =>
      s.stored !== null
        ? go("finds x stored", { ...idle, at: 4, batch: s.stored.by })
        : go("finds nothing stored", { ...idle, at: heldFirst ? 2 : 1 });
    if (me.at === 0) return heldFirst ? looksAtHeld() : looksAtStored();
    if (me.at === 1) return heldFirst ? looksAtStored() : looksAtHeld();
    if (me.at === 2) return go("is done", idle, { job: "done" });
    if (me.at === 3) {
      const change = inPlaceOf(s, me.seen, { held: null, isGone });
      return change === undefined
        ? go("finds it changed", idle)
        : go("takes it out", idle, { ...change, note: false });
    }
    if (s.stored?.by !== me.batch) return go("finds it gone", idle);
    const deltas = s.deltas.with(me.batch, "erased");
    go("takes it out, counts anew", idle, { stored: null, isGone, deltas });
  }

  const quiet = (s: State) =>
    s.queue.every((left) => !left) &&
    s.job !== "begun" &&
    [...s.processors, ...s.replayers, s.patcher, s.eraser].every(({ at }) => at === 0);

  function broken(s: State): string | undefined {
    if (s.stored !== null && s.held !== null) return both;
    const { stored } = s;
    if (stored !== null && stored.by !== 0 && stored.isPatched !== s.wasPatched) return mended;
    if (!quiet(s)) return undefined;
    if (s.job === "done" && (stored !== null || s.held !== null)) return back;
    const counted = s.deltas.map((delta) => delta === "counted");
    if (counted.some((isCounted, batch) => isCounted !== (stored?.by === batch))) return exact;
    if (s.held !== null && !s.note) return listed;
    if (s.held !== null && s.wasReplayed) return out;
    return undefined;
  }

  return {
    initial: {
      queue: [true, false, false],
      content: [false, false, false],
      stored: null,
      held: null,
      isGone: false,
      note: false,
      deltas: ["absent", "absent", "absent"],
      wasPatched: false,
      wasReplayed: false,
      job: "none",
      processors: Array.from({ length: world.processors }, () => idleProcessor),
      replayers: Array.from({ length: world.replayers }, () => idle),
      patcher: idle,
      eraser: idle,
    },
    steps(s, emit) {
      for (let index = 0; index < world.processors; index++) processorSteps(s, index, emit);
      for (let index = 0; index < world.replayers; index++) replayerSteps(s, index, emit);
      if (world.patcher) patcherSteps(s, emit);
      if (world.eraser !== "none") eraserSteps(s, emit);
    },
    key: (s) => JSON.stringify(s),
    quiet,
    broken,
  };
}
