import type { Emit, Model } from "../checker.ts";
import type { Rules } from "./rules.ts";
import {
  back,
  bit,
  both,
  counted,
  eventsIn,
  eventsOf,
  has,
  idleBuilder,
  idleMerger,
  idleReader,
  idleSealer,
  low,
  nameOf,
  setOf,
  twice,
  whole,
  x,
  y,
  z,
  type Builder,
  type Bundle,
  type Merger,
  type Reader,
  type Sealer,
  type Seen,
  type Segment,
  type State,
  type World,
} from "./state.ts";

/** The last step of an eraser and of a dropper. */
const done = 9;

export function merging(world: World, rules: Rules): Model<State> {
  function marked(s: State, n: number): Pick<State, "segments" | "builder"> {
    const segment = { ...s.segments[n]!, isMarked: true };
    const opened = rules.mark === "opens it" ? { ...segment, isOpen: true } : segment;
    const isBuilding = s.builder.at > 0 && s.builder.n === n;
    return {
      segments: s.segments.with(n, opened),
      builder: isBuilding ? { ...s.builder, isSame: false } : s.builder,
    };
  }

  function processorSteps(s: State, emit: Emit<State>): void {
    const go = (does: string, processor: number, store: Partial<State> = {}) =>
      emit(`P ${does}`, { ...s, ...store, processor });
    if (s.processor === 0) {
      if (s.isQueued) go("receives A again", 1);
      return;
    }
    if (!world.steady) go("crashes", 0);
    if (s.processor === 1) go("inserts y", 2, { stored: s.stored | bit(y) });
    else if (s.processor === 2) {
      go("announces A", 3, { isAnnounced: true, sealer: { ...s.sealer, isSame: false } });
    } else go("acknowledges A", 0, { isQueued: false, owed: s.owed | bit(y) });
  }

  function sealerSteps(s: State, emit: Emit<State>): void {
    const { at, isSame } = s.sealer;
    const go = (does: string, sealer: Sealer, store: Partial<State> = {}) =>
      emit(`G ${does}`, { ...s, ...store, sealer });
    if (at === 0) {
      if (s.isAnnounced) go("reads that A is announced", { at: 1, isSame: true });
      return;
    }
    if (!world.steady) go("crashes", idleSealer);
    if (at === 1) go("marks segment 0", { at: 2, isSame }, marked(s, 0));
    else go("removes the announcement", idleSealer, isSame ? { isAnnounced: false } : {});
  }

  function builderSteps(s: State, emit: Emit<State>): void {
    const me = s.builder;
    const go = (does: string, builder: Builder, store: Partial<State> = {}) =>
      emit(`B ${does}`, { ...s, ...store, builder });
    if (me.at === 0) {
      for (const [n, { isMarked, isResting }] of s.segments.entries()) {
        const isLeft = isResting === true && s.dropper !== 0 && s.dropper !== done;
        if (!isMarked || isLeft) continue;
        go(`begins to build segment ${n}`, { at: 1, n, isSame: true, content: 0 });
      }
      return;
    }
    if (!world.steady) go("crashes", idleBuilder);
    const event = eventsOf[me.n]![me.at - 1];
    if (event !== undefined) {
      const content = me.content | (s.stored & bit(event));
      return go(`reads ${nameOf(event)}`, { ...me, at: me.at + 1, content });
    }
    const { n, content } = me;
    if (!me.isSame) return go("finds another mark", idleBuilder);
    const { isOpen } = s.segments[n]!;
    const built: Segment = {
      content,
      isMarked: false,
      isOpen: rules.built === "leaves it open" && isOpen,
    };
    const { segments, bundle } = s.reader;
    const seen = segments[n];
    go(`publishes segment ${n}`, idleBuilder, {
      segments: s.segments.with(n, built),
      bundle: s.bundle?.content === undefined ? s.bundle : { ...s.bundle, isGone: true },
      mergers: s.mergers.map((each) => ({ ...each, same: each.same & ~bit(n) })),
      reader: {
        ...s.reader,
        segments: seen ? segments.with(n, { ...seen, isCurrent: false }) : segments,
        bundle: bundle && { ...bundle, isCurrent: false },
      },
    });
  }

  function mergerSteps(s: State, index: number, emit: Emit<State>): void {
    const me = s.mergers[index]!;
    const go = (does: string, change: Partial<Merger>, store: Partial<State> = {}) => {
      const next = { ...s, ...store };
      const mergers = next.mergers.with(index, { ...next.mergers[index]!, ...change });
      emit(`M${index + 1} ${does}`, { ...next, mergers });
    };
    if (me.at === 0) {
      if (s.bundle === null) return go("names a bundle", {}, { bundle: { segments: both } });
      const isOpen = s.segments.some((segment) => segment.isOpen);
      const mergers = s.mergers.map((each) => ({ ...each, isMine: false }));
      if (isOpen) go("takes the bundle", { at: 1, isMine: true }, { mergers });
      return;
    }
    if (!world.steady) go("crashes", idleMerger);
    const isEventsFirst = rules.look === "events first";
    const step = isEventsFirst && me.at <= 5 ? ((me.at + 1) % 5) + 1 : me.at;
    if (step <= 2) look(step - 1);
    else if (step <= 5) {
      const event = step - 3;
      const stored = s.stored & bit(event) & eventsIn(me.built | (isEventsFirst ? both : 0));
      go(`reads ${nameOf(event)}`, { at: me.at + 1, content: me.content | stored });
    } else if (step === 6) {
      if (rules.close === "before the columns are there") close(0, 7);
      else publish(7);
    } else if (step === 7) close(rules.close === "before the columns are there" ? 1 : 0, 8);
    else if (rules.close === "before the columns are there") publish(0);
    else close(1, 0);

    function look(n: number): void {
      const segment = s.segments[n]!;
      const isLeftOut = segment.isMarked && rules.names === "those that are built";
      if (segment.isMarked && !isLeftOut) return go(`finds segment ${n} marked`, idleMerger);
      const same = isLeftOut ? 0 : bit(n);
      go(`looks at segment ${n}`, {
        at: me.at + 1,
        built: me.built | same,
        same: me.same | same,
      });
    }

    function publish(at: number): void {
      if (!me.isMine && rules.publish !== "always") return go("finds it taken", idleMerger);
      const bundle: Bundle = { segments: me.built, content: me.content };
      const seen = s.reader.bundle;
      const reader = seen ? { ...s.reader, bundle: { ...seen, isCurrent: false } } : s.reader;
      go("publishes the bundle", at === 0 ? idleMerger : { at, content: 0 }, { bundle, reader });
    }

    function close(n: number, at: number): void {
      const segment = s.segments[n]!;
      const isVersion = has(me.same, n) || rules.closes === "of any version";
      const isUnmarked = !segment.isMarked || rules.closes === "marked or not";
      const isAsRead = has(me.built, n) && isVersion && isUnmarked;
      const segments = isAsRead ? s.segments.with(n, { ...segment, isOpen: false }) : s.segments;
      const does = isAsRead ? `closes segment ${n}` : `finds segment ${n} changed`;
      go(does, at === 0 ? idleMerger : { at }, { segments });
    }
  }

  function eraserSteps(s: State, emit: Emit<State>): void {
    const go = (does: string, eraser: number, store: Partial<State>) =>
      emit(`E ${does}`, { ...s, ...store, eraser });
    // A crash leads back to the same step: its job has noted the event.
    if (s.eraser === 0) go("erases x", 1, { stored: s.stored & ~bit(x) });
    else if (s.eraser === 1) go("marks segment 0", done, marked(s, 0));
  }

  function dropperSteps(s: State, emit: Emit<State>): void {
    const go = (does: string, dropper: number, store: Partial<State> = {}) =>
      emit(`D ${does}`, { ...s, ...store, dropper });
    const rested = ({ isResting: _, ...segment }: Segment): Segment => segment;
    if (s.dropper === 0) {
      const { segments, builder } = marked(s, 0);
      const resting = segments.with(0, { ...segments[0]!, isResting: true });
      go("marks segment 0", 1, { segments: resting, builder });
    } else if (s.dropper === 1) go("drops x", 2, { stored: s.stored & ~bit(x) });
    else if (s.dropper === 2) {
      const { segments, builder } = marked(s, 0);
      go("marks it again", done, { segments: segments.map(rested), builder });
    }
    if (s.dropper === 0 || s.dropper === done || world.steady) return;
    // What rests does so for longer than a dropper is at work; another one finds x where it is.
    const isDropped = !has(s.stored, x);
    go("crashes", isDropped ? done : 0, { segments: s.segments.map(rested) });
  }

  function readerSteps(s: State, emit: Emit<State>): void {
    const me = s.reader;
    const go = (does: string, change: Partial<Reader>) =>
      emit(`R ${does}`, { ...s, reader: { ...me, ...change } });
    const begun = s.eraser === 1 || (s.eraser === done && world.erases) ? bit(x) : 0;
    const isBundleFirst = rules.read === "bundles first";
    if (me.at === 0) {
      const dropped = world.drops ? bit(x) : 0;
      const forbidden = world.erases && s.eraser === done ? bit(x) : 0;
      go("begins", { at: 1, promised: s.owed & ~begun & ~dropped, forbidden });
    } else if (me.at === 1) {
      go("reads what is announced", { at: isBundleFirst ? 4 : 2, isAnnounced: s.isAnnounced });
    } else if (me.at === 2 || me.at === 3) {
      const n = me.at - 2;
      const at = n === 0 ? 3 : isBundleFirst ? 5 : 4;
      const { isOpen } = s.segments[n]!;
      const segments = isOpen ? me.segments.with(n, seenOf(n)) : me.segments;
      go(isOpen ? `sees segment ${n} open` : `does not see segment ${n}`, { at, segments });
    } else if (me.at === 4) {
      const { bundle } = s;
      const isThere = bundle !== null && bundle.content !== undefined;
      const { segments = 0, content = 0, isGone = false } = bundle ?? {};
      go(isThere ? "sees the bundle" : "sees no bundle", {
        at: isBundleFirst ? 2 : 5,
        bundle: isThere ? { segments, content, isCurrent: !isGone } : null,
      });
    } else if (me.at === 5 || me.at === 6) {
      const n = me.at - 5;
      const isRead =
        has(me.bundle?.segments ?? 0, n) && !isTaken() && rules.opened === "its segments are read";
      const segments = isRead ? me.segments.with(n, seenOf(n)) : me.segments;
      go(isRead ? `reads segment ${n}` : "goes on", { at: me.at + 1, segments });
    } else if (me.at === 7) {
      takeColumns(true);
      takeColumns(false);
    } else {
      const event = me.at - 8;
      if (event <= z) {
        const isRead = has(eventsIn(me.rows), event);
        const found = isRead ? counted(s.stored & bit(event)) : 0;
        const does = isRead ? `looks for ${nameOf(event)}` : "goes on";
        return go(does, { at: me.at + 1, counts: me.counts + found });
      }
      const found = setOf([x, y, z].filter((one) => (me.counts & (both << (2 * one))) !== 0));
      const isTwice = (me.counts & 0b101010) !== 0;
      const lacks = (me.promised & ~begun & ~found) !== 0;
      const holdsErased = (me.forbidden & found) !== 0;
      const broken = isTwice ? twice : holdsErased ? back : lacks ? low : undefined;
      emit("R answers", { ...s, reader: idleReader }, broken);
    }

    function seenOf(n: number): Seen {
      const { content, isMarked } = s.segments[n]!;
      return { content, isMarked, isCurrent: true };
    }

    /** Whether the columns of the bundle are taken in place of those of its segments. */
    function isTaken(): boolean {
      if (me.bundle === null) return false;
      const isOpened = me.segments.some((seen, n) => seen !== null && has(me.bundle!.segments, n));
      const isAgain = me.isAnnounced && has(me.bundle.segments, 0);
      return (
        (!isOpened || rules.opened.startsWith("read")) &&
        (!isAgain || rules.again === "read as columns")
      );
    }

    /** Takes the columns that may be taken; of a version that is gone they may be kept or not. */
    function takeColumns(isKept: boolean): void {
      let counts = 0;
      let rows = me.isAnnounced ? bit(0) : 0;
      let isAnyGone = false;
      const take = (seen: Pick<Seen, "content" | "isCurrent">, segments: number) => {
        if (isKept || seen.isCurrent) counts += counted(seen.content);
        else {
          isAnyGone = true;
          if (rules.gone === "read as rows") rows |= segments;
        }
      };
      const taken = isTaken() ? me.bundle! : null;
      if (taken !== null) {
        if (rules.again === "read as columns") rows &= ~taken.segments;
        take(taken, taken.segments);
      }
      for (const [n, seen] of me.segments.entries()) {
        const isTold = has(taken?.segments ?? 0, n) && rules.opened !== "read beside them";
        if (seen === null || isTold) continue;
        const isRows = seen.isMarked || (n === 0 && me.isAnnounced);
        if (isRows) rows |= bit(n);
        else take(seen, bit(n));
      }
      if (!isKept && !isAnyGone) return;
      go(isAnyGone ? "finds columns gone" : "takes columns", {
        ...{ at: 8, rows, counts, segments: [null, null], bundle: null },
      });
    }
  }

  const quiet = (s: State) =>
    !s.isQueued &&
    !s.isAnnounced &&
    s.bundle !== null &&
    s.segments.every(({ isMarked, isOpen }) => !isMarked && !isOpen) &&
    [s.processor, s.sealer.at, s.builder.at].every((at) => at === 0) &&
    s.mergers.every(({ at }) => at === 0) &&
    [s.eraser, s.dropper].every((at) => at === 0 || at === done);

  const stored = bit(x) | bit(z) | (world.again ? 0 : bit(y));
  const closed = (content: number): Segment => ({
    content,
    isMarked: false,
    isOpen: !world.merged,
  });
  return {
    initial: {
      stored,
      isQueued: world.again === true,
      isAnnounced: false,
      segments: [closed(stored & ~bit(z)), closed(bit(z))],
      bundle: world.merged ? { segments: both, content: stored } : null,
      owed: stored,
      processor: 0,
      sealer: idleSealer,
      builder: idleBuilder,
      mergers: Array.from({ length: world.mergers }, () => idleMerger),
      eraser: world.erases ? 0 : done,
      dropper: world.drops ? 0 : done,
      reader: idleReader,
    },
    steps(s, emit) {
      processorSteps(s, emit);
      sealerSteps(s, emit);
      builderSteps(s, emit);
      for (let index = 0; index < world.mergers; index++) mergerSteps(s, index, emit);
      eraserSteps(s, emit);
      dropperSteps(s, emit);
      if (world.reader) readerSteps(s, emit);
    },
    key: keyOf,
    quiet,
    broken(s) {
      if (!quiet(s)) return undefined;
      const isWhole = (s.bundle?.content ?? 0) === s.stored && s.bundle!.segments === both;
      return isWhole ? undefined : whole;
    },
  };
}

/** Mergers are interchangeable. */
function keyOf(s: State): string {
  return JSON.stringify({ ...s, mergers: s.mergers.map((each) => JSON.stringify(each)).sort() });
}
