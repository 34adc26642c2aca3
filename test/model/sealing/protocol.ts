import type { Emit, Model } from "../checker.ts";
import type { Rules } from "./rules.ts";

/**
 * A world with batch A of the events x and y and perhaps batch B of the event z. Batches are
 * stored, announced and sealed in segments; events are erased and read. Sets of batches and of
 * events are bits.
 */
export interface World {
  readonly batches: 1 | 2;
  readonly processors: 1 | 2;
  readonly sealers: 0 | 1 | 2;
  /** The events whose users are erased; each event has its own eraser. */
  readonly erased: readonly number[];
  readonly reader: boolean;
  /** Whether a part of A was stored without an announcement before there were segments. */
  readonly old: boolean;
  /** Whether x is dropped, because it is too old. */
  readonly drops?: true;
  /** Whether no actor crashes: for mistakes that show without a crash. */
  readonly steady?: true;
}

export const whole = "when all is quiet, each stored event is in one segment, and nothing else is";
export const low =
  "an answer lacks no event acknowledged before the reader began and not being erased";
const twice = "no answer holds an event twice";
export const back = "no answer holds what was erased before the reader began";

interface Processor {
  readonly at: number;
  readonly batch: number;
  /** The events that the processor knows to be fenced off. */
  readonly fenced: number;
}
/**
 * The batches that are being sealed. `same`: the batches whose announcements are still as they were
 * read.
 */
interface Claim {
  readonly batches: number;
  readonly same: number;
}
interface Sealer extends Claim {
  readonly at: number;
  /** The number of the head that the sealer read, or of the segment that it builds. */
  readonly n: number;
  /** Whether the segment's mark is still the one that the sealer read. */
  readonly isSame: boolean;
  readonly content: number;
  /** The batches whose announcements rested when the sealer read them; absent where none can. */
  readonly rested?: number;
}
interface Eraser {
  readonly at: number;
}
interface Segment {
  readonly batches: number;
  readonly isMarked: boolean;
  /** Whether it is not built while events of its batches are dropped. */
  readonly isResting?: true;
  /** The events in its columns; `undefined` until they are built. */
  readonly content?: number;
}
interface SeenSegment extends Segment {
  readonly isCurrent: boolean;
}
interface Reader {
  readonly at: number;
  readonly promised: number;
  readonly forbidden: number;
  readonly announced: number;
  /** What was kept of the batches when the reader read what is announced. */
  readonly recent: readonly (number | null)[];
  /** The announced batches whose keys are still as they were read. */
  readonly same: number;
  readonly seen: readonly SeenSegment[];
  /** The batches whose events must still be read as rows. */
  readonly rows: number;
  /** The number of times that each event was found: two bits for each. */
  readonly counts: number;
}

export interface State {
  readonly queue: number;
  readonly events: readonly ("absent" | "stored" | "erased")[];
  readonly announced: number;
  readonly n: number;
  readonly claim: Claim | null;
  readonly segments: readonly Segment[];
  readonly fences: number;
  /** Events that the processor which stored them is taking out. */
  readonly notes: number;
  /** The events that were acknowledged, and the events whose erasure is done. */
  readonly owed: number;
  readonly done: number;
  readonly processors: readonly Processor[];
  readonly sealers: readonly Sealer[];
  readonly erasers: readonly Eraser[];
  readonly dropper: number;
  /** The announced batches of which events are dropped. */
  readonly resting: number;
  readonly adopter: number;
  readonly reader: Reader;
  /** The columns that the reader cached; only a mistake uses them. */
  readonly kept: readonly (number | null)[];
  /** The events of each announced batch that the reader kept under the announcement's key. */
  readonly recent: readonly (number | null)[];
}

const eventsOf = [[0, 1], [2]] as const;
const batchOf = [0, 0, 1] as const;
const bit = (index: number) => 1 << index;
const has = (set: number, index: number) => (set & bit(index)) !== 0;
const eventsIn = (batches: number) => [0, 1].flatMap((b) => (has(batches, b) ? eventsOf[b]! : []));
const counted = (events: number) =>
  [0, 1, 2].reduce((sum, event) => sum + (has(events, event) ? 1 << (2 * event) : 0), 0);

const idleProcessor: Processor = { at: 0, batch: 0, fenced: 0 };
const idleSealer: Sealer = { at: 0, n: 0, batches: 0, same: 0, isSame: true, content: 0 };
const idleReader: Reader = {
  at: 0,
  promised: 0,
  forbidden: 0,
  announced: 0,
  recent: [null, null],
  same: 0,
  seen: [],
  rows: 0,
  counts: 0,
};

/** Marks the segments that contain one of these batches: they must be built anew. */
function marked(s: State, batches: number): Pick<State, "segments" | "sealers"> {
  const concerned = s.segments.map((segment) => (segment.batches & batches) !== 0);
  return {
    segments: s.segments.map((each, n) => (concerned[n] ? { ...each, isMarked: true } : each)),
    sealers: s.sealers.map((each) =>
      each.at >= looking && concerned[each.n] ? { ...each, isSame: false } : each,
    ),
  };
}

/** Gives an announced batch another key, so that nobody finds what was kept under the former. */
function rekeyed(s: State, batch: number): Pick<State, "recent" | "reader"> {
  const same = s.reader.same & ~bit(batch);
  return { recent: s.recent.with(batch, null), reader: { ...s.reader, same } };
}

function without<T extends Claim>(claim: T, batch: number): T {
  return { ...claim, same: claim.same & ~bit(batch) };
}

/** The numbers of a sealer's look for what rests, and of its first step of building. */
const looking = 8;
const building = 10;

/** The number of a dropper that has nothing left to do. */
const dropped = 9;

export function sealing(world: World, rules: Rules): Model<State> {
  /** Marks a batch of which events were erased: its announcement, and the segment that has it. */
  function changed(s: State, batch: number): Partial<State> {
    const keys = rules.batchKey === "nonce" ? {} : rekeyed(s, batch);
    return { ...marked(s, bit(batch)), ...keys };
  }

  /**
   * Announces a batch under a new nonce, so that an announcement that was read before counts as
   * another.
   */
  function announced(s: State, batch: number): Partial<State> {
    return { ...renewed(s, batch), announced: s.announced | bit(batch) };
  }

  function unannounced(s: State, batch: number): Partial<State> {
    const others = ~bit(batch);
    return {
      ...renewed(s, batch),
      announced: s.announced & others,
      resting: s.resting & others,
    };
  }

  function renewed(s: State, batch: number): Partial<State> {
    return {
      claim: s.claim && without(s.claim, batch),
      sealers: s.sealers.map((sealer) => without(sealer, batch)),
      ...(rules.batchKey === "mark" ? {} : rekeyed(s, batch)),
    };
  }

  function processorSteps(s: State, index: number, emit: Emit<State>): void {
    const me = s.processors[index]!;
    const name = "AB".charAt(me.batch);
    const go = (does: string, change: Partial<Processor>, store: Partial<State> = {}) =>
      emit(`P${index + 1} ${does}`, {
        ...s,
        ...store,
        processors: s.processors.with(index, { ...me, ...change }),
      });
    if (me.at === 0) {
      for (let batch = 0; batch < world.batches; batch++) {
        if (has(s.queue, batch)) go(`receives ${"AB".charAt(batch)}`, { at: 1, batch });
      }
      return;
    }
    if (!world.steady) go("crashes", idleProcessor);
    const own = eventsOf[me.batch]!;
    const isLeft = rules.standing === "left as it is" && has(s.announced, me.batch);
    const announce = () => (isLeft ? {} : announced(s, me.batch));
    if (me.at === 1) {
      const store = rules.announce === "before its events" ? announce() : {};
      go("looks for fences", { at: 2, fenced: s.fences }, store);
    } else if (me.at === 2) {
      const next = own.find((event) => !has(me.fenced, event) && s.events[event] === "absent");
      if (next === undefined) return go("looks for fences again", { at: 3, fenced: s.fences });
      go(`inserts ${"xyz".charAt(next)}`, {}, { events: s.events.with(next, "stored") });
    } else if (me.at === 3) {
      const gone = own.find((event) => has(me.fenced, event) && s.events[event] === "stored");
      if (gone === undefined) return go("has nothing fenced off", { at: 6 });
      const notes = rules.fenced === "noted" ? s.notes | bit(gone) : s.notes;
      go(`notes ${"xyz".charAt(gone)}`, { at: 4, fenced: bit(gone) }, { notes });
    } else if (me.at === 4) {
      const gone = Math.log2(me.fenced);
      go("takes it out", { at: 5 }, { events: s.events.with(gone, "erased") });
    } else if (me.at === 5) {
      const store = { ...changed(s, me.batch), notes: s.notes & ~me.fenced };
      go("marks the batch", { at: 3, fenced: s.fences }, store);
    } else if (me.at === 6) {
      if (rules.announce !== "once it is stored") return go("goes on", { at: 7 });
      go(`announces ${name}`, { at: 7 }, announce());
    } else if (me.at === 7) {
      const owed = own.reduce((set, event) => set | bit(event), s.owed);
      const store = { queue: s.queue & ~bit(me.batch), owed };
      const isDone = rules.announce !== "once it is acknowledged";
      go(`acknowledges ${name}`, isDone ? idleProcessor : { at: 8 }, store);
    } else {
      go(`announces ${name}`, idleProcessor, announce());
    }
  }

  function sealerSteps(s: State, index: number, emit: Emit<State>): void {
    const me = s.sealers[index]!;
    const go = (does: string, change: Partial<Sealer>, store: Partial<State> = {}) => {
      const next = { ...s, ...store };
      const sealers = next.sealers.with(index, { ...next.sealers[index]!, ...change });
      emit(`G${index + 1} ${does}`, { ...next, sealers });
    };
    const helped = rules.removal === "before the segment" ? 6 : 5;
    const readHead = (change: Partial<Sealer>) => {
      if (s.claim === null) return go("reads the head", { n: s.n, ...change });
      go("finds a claim", { ...s.claim, n: s.n, at: helped });
    };
    const readAnnounced = (change: Partial<Sealer>) =>
      go("reads what is announced", {
        ...{ batches: s.announced, same: s.announced, ...change },
        ...(world.drops && { rested: s.resting }),
      });
    const isHeadFirst = rules.look === "head first";
    if (me.at === 0) {
      if (s.announced !== 0 || s.claim !== null) {
        if (isHeadFirst || s.claim !== null) readHead({ at: 1 });
        else readAnnounced({ at: 1 });
      }
      s.segments.forEach(({ isMarked, isResting }, n) => {
        const isLeft = isResting === true && s.dropper !== 0 && s.dropper !== dropped;
        if (isMarked && !isLeft) go(`begins to build segment ${n}`, { at: building, n });
      });
      return;
    }
    if (!world.steady) go("crashes", idleSealer);
    if (me.at === 1) {
      if (isHeadFirst) readAnnounced({ at: 2 });
      else readHead({ at: 2 });
    } else if (me.at === 2) {
      const all = s.segments.reduce((set, { batches }) => set | batches, 0);
      const named = rules.named === "claimed again" ? 0 : me.batches & all;
      if (me.batches === 0) return go("has nothing to do", idleSealer);
      if (named === 0) return go("sees no segment of them", { at: 4 });
      if (rules.named === "forgotten") return go("sees segments", { at: 3, batches: named });
      go("marks their segments", { at: 3, batches: named }, marked(s, named));
    } else if (me.at === 3) {
      const batch = Math.log2(me.batches & -me.batches);
      const left = has(me.same, batch) ? unannounced(s, batch) : {};
      const change = { batches: me.batches & ~bit(batch) };
      go("removes an announcement", change.batches === 0 ? idleSealer : change, left);
    } else if (me.at === 4) {
      const isFree = rules.claim === "always" || (s.n === me.n && s.claim === null);
      if (!isFree) return go("comes too late", idleSealer);
      const claim = { batches: me.batches, same: me.same };
      go("claims them", { at: helped, n: s.n }, { claim });
    } else if (me.at === 5) {
      const isThere = s.segments[me.n] !== undefined;
      const { batches } = me;
      const rests =
        world.drops === true &&
        rules.rest !== "never" &&
        (rules.rest !== "as was read before" || ((me.rested ?? 0) & batches) !== 0);
      const segment: Segment = { batches, isMarked: true, ...(rests && { isResting: true }) };
      const segments = isThere ? s.segments : [...s.segments, segment];
      const next = rules.removal === "before the segment" ? 7 : 6;
      const at = rests && !isThere && rules.rest !== "as was read before" ? looking : next;
      go(isThere ? "finds the segment" : "puts the segment", { at, isSame: true }, { segments });
    } else if (me.at === looking) {
      const { isResting: _, ...segment } = s.segments[me.n]!;
      const areThere = (me.batches & ~s.announced) === 0;
      const isFree =
        (areThere || rules.rest === "until none is seen to rest") &&
        (me.batches & s.resting) === 0 &&
        me.isSame;
      const segments = isFree ? s.segments.with(me.n, segment) : s.segments;
      go("looks for what rests", { at: 6, isSame: true }, { segments });
    } else if (me.at === 6) {
      const some = me.batches & (rules.removes === "any" ? s.announced : me.same & s.announced);
      if (some === 0) {
        const at = rules.removal === "before the segment" ? 5 : 7;
        return go("has nothing left to remove", { at });
      }
      go("removes an announcement", {}, unannounced(s, Math.log2(some & -some)));
    } else if (me.at === 7) {
      const isOwn = s.n === me.n && s.claim !== null;
      go("ends the claim", idleSealer, isOwn ? { claim: null, n: s.n + 1 } : {});
    } else {
      const all = eventsIn(s.segments[me.n]!.batches);
      const event = all[me.at - building];
      if (event !== undefined) {
        const content = s.events[event] === "stored" ? me.content | bit(event) : me.content;
        return go(`reads ${"xyz".charAt(event)} back`, { at: me.at + 1, content });
      }
      const isRight = me.isSame && s.segments[me.n]!.isMarked;
      if (!isRight && rules.publish !== "always") return go("finds another mark", idleSealer);
      const { batches } = s.segments[me.n]!;
      const built: Segment = { batches, isMarked: false, content: me.content };
      const seen = s.reader.seen.map((each, n) =>
        n === me.n ? { ...each, isCurrent: false } : each,
      );
      go(`publishes segment ${me.n}`, idleSealer, {
        segments: s.segments.with(me.n, built),
        sealers: s.sealers.map((each) =>
          each.at >= building && each.n === me.n ? { ...each, isSame: false } : each,
        ),
        reader: { ...s.reader, seen },
      });
    }
  }

  function eraserSteps(s: State, index: number, emit: Emit<State>): void {
    const { at } = s.erasers[index]!;
    const event = world.erased[index]!;
    const batch = batchOf[event]!;
    const go = (does: string, next: number, store: Partial<State> = {}) =>
      emit(`E${index + 1} ${does}`, {
        ...s,
        ...store,
        erasers: s.erasers.with(index, { at: next }),
      });
    const before = rules.mark === "before the tombstone";
    if (at === 0) go("fences the user off", 1, { fences: s.fences | bit(event) });
    else if (at === 1) {
      if (s.events[event] === "stored") go("finds the event", 3);
      else go("finds no event", 2);
    } else if (at === 2) {
      if (has(s.notes, event)) go("finds a note", 3);
      else go("is done", 9, { done: s.done | bit(event) });
    } else if (at === 3) {
      if (before) go("marks the batch", 4, changed(s, batch));
      else go("puts the tombstone", 4, tombstone(s, event));
    } else if (at === 4) {
      const store = before ? tombstone(s, event) : rules.mark === "never" ? {} : changed(s, batch);
      // A crash leads back to the step before, because the job has noted the event.
      go(before ? "puts the tombstone" : "marks the batch", 5, store);
      if (!world.steady) go("crashes", 3);
    } else if (at === 5) {
      go("removes the note", 1, { notes: s.notes & ~bit(event) });
    }
  }

  function tombstone(s: State, event: number): Partial<State> {
    if (s.events[event] !== "stored") return {};
    return { events: s.events.with(event, "erased") };
  }

  function dropperSteps(s: State, emit: Emit<State>): void {
    const go = (does: string, dropper: number, store: Partial<State> = {}) =>
      emit(`D ${does}`, { ...s, ...store, dropper });
    // What rests does so for longer than a dropper is at work.
    const over = (of: Pick<State, "segments">) => ({
      resting: 0,
      segments: of.segments.map(({ isResting: _, ...segment }): Segment => segment),
    });
    const [event, batch] = [0, 0];
    if (s.dropper === 0) {
      // What is too old is refused for minutes before any of it is dropped.
      const isStored = s.queue === 0 && s.processors.every(({ at }) => at === 0);
      if (isStored && s.events[event] === "stored") go("finds x", 1);
      return;
    }
    if (s.dropper === dropped) return;
    go("crashes", s.dropper === 4 ? dropped : 0, over(s));
    if (s.dropper === 1) {
      const resting = s.resting | (s.announced & bit(batch));
      go("marks the announcement", 2, { ...rekeyed(s, batch), resting });
    } else if (s.dropper === 2) {
      const change = marked(s, bit(batch));
      const segments = change.segments.map((each): Segment =>
        has(each.batches, batch) ? { ...each, isResting: true } : each,
      );
      go("marks the segment", 3, { ...change, segments });
    } else if (s.dropper === 3) {
      go("drops x", 4, { events: s.events.with(event, "erased") });
    } else {
      const change = changed(s, batch);
      go("marks the batch again", dropped, { ...change, ...over({ ...s, ...change }) });
    }
  }

  function adopterSteps(s: State, emit: Emit<State>): void {
    const go = (does: string, adopter: number, store: Partial<State> = {}) =>
      emit(`H ${does}`, { ...s, ...store, adopter });
    if (s.adopter === 0) {
      if (has(s.announced, 0)) go("finds A announced", 9);
      else go("finds A not announced", 1);
    } else if (s.adopter === 1) {
      if (s.segments.some(({ batches }) => has(batches, 0))) go("finds A in a segment", 9);
      else go("finds A in no segment", 2);
    } else if (s.adopter === 2) {
      go("announces A", 9, announced(s, 0));
    }
  }

  function readerSteps(s: State, emit: Emit<State>): void {
    const me = s.reader;
    const go = (does: string, change: Partial<Reader>, store: Partial<State> = {}) =>
      emit(`R ${does}`, { ...s, ...store, reader: { ...me, ...change } });
    const begun = s.fences | s.done;
    const readAnnounced = (at: number) =>
      go("reads what is announced", {
        at,
        announced: s.announced,
        recent: s.recent.map((each, batch) => (has(s.announced, batch) ? each : null)),
        same: s.announced,
      });
    const readManifest = (at: number) =>
      go("reads the manifest", {
        at,
        seen: s.segments.map((each) => ({ ...each, isCurrent: true })),
      });
    const isAnnouncedFirst = rules.read === "announced first";
    if (me.at === 0) {
      const isOwed = (s.owed & ~begun) !== 0 || s.done !== 0;
      // Without a promise an answer may lack everything, so the reader does not begin.
      if (!isOwed) return;
      go("begins", { at: 1, promised: s.owed & ~begun, forbidden: s.done });
    } else if (me.at === 1) {
      if (isAnnouncedFirst) readAnnounced(2);
      else readManifest(2);
    } else if (me.at === 2) {
      if (isAnnouncedFirst) readManifest(3);
      else readAnnounced(3);
    } else if (me.at === 3) {
      columns(0, me.counts, rowsBeside(), s.kept);
      if (me.seen.some(isReadAsColumns)) go("begins with rows", { at: 4, rows: rowsBeside() });
    } else {
      for (const [batch, content] of me.recent.entries()) {
        if (content === null || me.at !== 4 || !has(me.rows, batch)) continue;
        go(`takes what it kept of ${"AB".charAt(batch)}`, {
          rows: me.rows & ~bit(batch),
          counts: me.counts + counted(content),
        });
      }
      const [event] = eventsIn(me.rows).filter((one) => one >= me.at - 4);
      if (event !== undefined) {
        const more = s.events[event] === "stored" ? counted(bit(event)) : 0;
        return go(`looks for ${"xyz".charAt(event)}`, {
          at: event + 5,
          counts: me.counts + more,
        });
      }
      if (me.seen.length > 0) return columns(0, me.counts, 0, s.kept);
      const lacks = [0, 1, 2].some(
        (one) => has(me.promised & ~begun, one) && (me.counts & (0b11 << (2 * one))) === 0,
      );
      const holdsErased = [0, 1, 2].some(
        (one) => has(me.forbidden, one) && (me.counts & (0b11 << (2 * one))) !== 0,
      );
      const isTwice = (me.counts & 0b101010) !== 0;
      const broken = isTwice ? twice : holdsErased ? back : lacks ? low : undefined;
      const answered = { ...s, reader: idleReader };
      emit("R answers", answered, broken);
      // What was read of a batch whose key has changed stands under a key that nobody asks for.
      const read = me.rows & me.announced & me.same;
      const kept = (contentOf: (batch: number) => number): Partial<State> => ({
        recent: s.recent.map((each, batch) => (has(read, batch) ? contentOf(batch) : each)),
      });
      if (read !== 0) {
        emit("R answers and keeps what it read", { ...answered, ...kept(found) }, broken);
        emit("R answers and keeps what it reads then", { ...answered, ...kept(there) }, broken);
      }
    }

    /** The events of a batch that are stored, as the bits of a set. */
    function there(batch: number): number {
      return eventsOf[batch]!.reduce<number>((set, event) => {
        return s.events[event] === "stored" ? set | bit(event) : set;
      }, 0);
    }

    /** The events of a batch that the reader found, as the bits of a set. */
    function found(batch: number): number {
      return eventsOf[batch]!.reduce<number>((set, event) => {
        return (me.counts & (0b11 << (2 * event))) === 0 ? set : set | bit(event);
      }, 0);
    }

    function isAgain({ batches }: Segment): boolean {
      return (batches & me.announced) !== 0 && rules.again === "read as rows";
    }

    function isReadAsColumns(segment: Segment): boolean {
      return segment.content !== undefined && !segment.isMarked && !isAgain(segment);
    }

    /** The batches whose events are read as rows. */
    function rowsBeside(): number {
      return me.seen.reduce((rows, segment) => {
        if (isReadAsColumns(segment)) return rows & ~segment.batches;
        const isRead = rules.marked === "read as rows" || isAgain(segment);
        return isRead ? rows | segment.batches : rows;
      }, me.announced);
    }

    /**
     * Takes the columns of each segment whose columns may be used. Events of segments whose version
     * is gone are read as rows.
     */
    function columns(
      n: number,
      counts: number,
      rows: number,
      kept: State["kept"],
      told = "takes columns",
    ): void {
      const segment = me.seen[n];
      if (segment === undefined) return go(told, { at: 4, seen: [], counts, rows }, { kept });
      if (!isReadAsColumns(segment)) return columns(n + 1, counts, rows, kept, told);
      const { batches, isCurrent } = segment;
      const content = segment.content!;
      if (rules.version === "segment") {
        const held = kept[n] ?? content;
        return columns(n + 1, counts + counted(held), rows, kept.with(n, held), told);
      }
      columns(n + 1, counts + counted(content), rows, kept, told);
      if (isCurrent) return;
      const left = rules.gone === "read as rows" ? rows | batches : rows;
      columns(n + 1, counts, left, kept, `finds segment ${n} gone`);
    }
  }

  const quiet = (s: State) =>
    s.queue === 0 &&
    s.announced === 0 &&
    s.claim === null &&
    s.segments.every(({ isMarked }) => !isMarked) &&
    s.erasers.every(({ at }) => at === 0 || at === 9) &&
    (s.dropper === 0 || s.dropper === dropped) &&
    (!world.old || s.adopter === 9) &&
    [...s.processors, ...s.sealers].every(({ at }) => at === 0);

  return {
    initial: {
      queue: world.batches === 2 ? 0b11 : 0b1,
      events: [world.old ? "stored" : "absent", "absent", "absent"],
      announced: 0,
      n: 0,
      claim: null,
      segments: [],
      fences: 0,
      notes: 0,
      owed: 0,
      done: 0,
      processors: Array.from({ length: world.processors }, () => idleProcessor),
      sealers: Array.from({ length: world.sealers }, () => idleSealer),
      erasers: world.erased.map(() => ({ at: 0 })),
      dropper: world.drops ? 0 : dropped,
      resting: 0,
      adopter: world.old ? 0 : 9,
      reader: idleReader,
      kept: [null, null, null],
      recent: [null, null],
    },
    steps(s, emit) {
      for (let index = 0; index < world.processors; index++) processorSteps(s, index, emit);
      for (let index = 0; index < world.sealers; index++) sealerSteps(s, index, emit);
      for (let index = 0; index < world.erased.length; index++) eraserSteps(s, index, emit);
      if (world.drops) dropperSteps(s, emit);
      if (world.old) adopterSteps(s, emit);
      if (world.reader) readerSteps(s, emit);
    },
    key: keyOf,
    quiet,
    broken(s) {
      if (!quiet(s)) return undefined;
      const counts = s.segments.reduce((sum, { content = 0 }) => sum + counted(content), 0);
      const stored = s.events.reduce((set, form, i) => (form === "stored" ? set | bit(i) : set), 0);
      return counts === counted(stored) ? undefined : whole;
    },
  };
}

/** Processors are interchangeable, and so are sealers. */
function keyOf(s: State): string {
  const sorted = <T>(actors: readonly T[]) => actors.map((each) => JSON.stringify(each)).sort();
  return JSON.stringify({ ...s, processors: sorted(s.processors), sealers: sorted(s.sealers) });
}
