import type { Emit, Model } from "../checker.ts";
import type { Rules } from "./rules.ts";

/**
 * A minute and its hour, which come to lie below a floor, and the batches A, B with one event each.
 * Everything is dropped but the rollup of the hour. Counts have two bits for each event: how often
 * the event is counted.
 */
export interface World {
  readonly batches: 1 | 2;
  readonly processors: 1 | 2;
  readonly aggregators: 1 | 2;
  /** Whether an actor counts the minute anew, and whether a reader reads the hour. */
  readonly recounter: boolean;
  readonly reader: boolean;
  /**
   * Whether B is of a type that is kept, and comes so late that its delta would have been compacted
   * by then. Only the event of A is dropped, and B is stored, counted and marked in one operation,
   * as on SQLite.
   */
  readonly late: boolean;
}

export const exact =
  "when all is quiet, the hour holds each event once whose batch was acknowledged";
export const over = "no rollup holds an event twice";
export const low = "an answer lacks no event acknowledged before the reader began";

interface Sum {
  readonly v: number;
  readonly counts: number;
}

interface Processor {
  readonly at: number;
  readonly batch: number;
  /** Whether the processor knows of the floor. */
  readonly knows: boolean;
  readonly owns: boolean;
}

interface Aggregator extends Sum {
  readonly at: number;
  readonly grain: "minute" | "hour";
  /** Whether the mark still has the nonce that the aggregator read. */
  readonly isSame: boolean;
}

interface Recounter {
  readonly at: number;
  readonly seen: string;
  readonly sum: Sum;
  readonly knows: boolean;
}

interface Reader {
  readonly at: number;
  readonly promised: number;
  readonly sealed: boolean;
  readonly opens: boolean;
}

export interface State {
  readonly queue: readonly boolean[];
  readonly events: readonly boolean[];
  /** For each batch: whether its delta is absent, open or in the fold. */
  readonly deltas: readonly ("absent" | "open" | "folded")[];
  readonly fold: Sum;
  readonly marks: Readonly<Record<"minute" | "hour", boolean>>;
  readonly minute: Sum;
  readonly hour: Sum;
  readonly floor: "none" | "announced" | "sealed";
  readonly owed: number;
  readonly processors: readonly Processor[];
  readonly aggregators: readonly Aggregator[];
  readonly recounter: Recounter;
  readonly reader: Reader;
}

const none: Sum = { v: 0, counts: 0 };
const one = (batch: number) => 1 << (2 * batch);
const idleProcessor: Processor = { at: 0, batch: 0, knows: false, owns: false };
const idleAggregator: Aggregator = { at: 0, grain: "minute", isSame: true, ...none };
const idleRecounter: Recounter = { at: 0, seen: "", sum: none, knows: false };
const idleReader: Reader = { at: 0, promised: 0, sealed: false, opens: false };

function marked(s: State, grain: "minute" | "hour"): Partial<State> {
  return {
    marks: { ...s.marks, [grain]: true },
    aggregators: s.aggregators.map((each) =>
      each.at > 0 && each.grain === grain ? { ...each, isSame: false } : each,
    ),
  };
}

function sumOf({ fold, deltas }: State): Sum {
  const open = deltas.flatMap((form, batch) => (form === "open" ? [one(batch)] : []));
  return { v: fold.v + open.length, counts: open.reduce((sum, each) => sum + each, fold.counts) };
}

export function retention(world: World, rules: Rules): Model<State> {
  const batches = Array.from({ length: world.batches }, (_, batch) => batch);
  const isLate = (batch: number) => world.late && batch === 1;

  /** What storing and counting a late batch changes. */
  function keptLate(s: State, batch: number): Partial<State> {
    const events = s.events.with(batch, true);
    if (rules.late === "counts anew") {
      const counts = batches.reduce((sum, each) => sum + (events[each] ? one(each) : 0), 0);
      const deltas = s.deltas.map((form) => (form === "open" ? ("folded" as const) : form));
      return { events, deltas, fold: { v: sumOf(s).v + 1, counts } };
    }
    const adds =
      rules.late === "adds what it brings" ||
      (rules.late === "adds what it stores" && !s.events[batch]);
    if (!adds) return { events };
    return { events, fold: { v: s.fold.v + 1, counts: s.fold.counts + one(batch) } };
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
      for (const batch of batches) {
        if (!s.queue[batch] || (isLate(batch) && s.floor !== "sealed")) continue;
        go(`receives ${"AB".charAt(batch)}`, { at: isLate(batch) ? 6 : 1, batch });
      }
      return;
    }
    go("crashes", idleProcessor);
    if (me.at === 1) {
      const knows = s.floor !== "none" && rules.inflow === "refused";
      go(knows ? "knows of the floor" : "knows of no floor", { at: knows ? 4 : 2, knows });
    } else if (me.at === 2) {
      go(`stores ${name}`, { at: 3, owns: true }, { events: s.events.with(me.batch, true) });
    } else if (me.at === 3) {
      const isNew = s.deltas[me.batch] === "absent";
      const deltas = isNew ? s.deltas.with(me.batch, "open") : s.deltas;
      go(isNew ? `puts the delta of ${name}` : "finds its delta", { at: 4 }, { deltas });
    } else if (me.at === 4) {
      go("marks", { at: 5 }, marked(s, "minute"));
    } else if (me.at === 6) {
      const store = { ...keptLate(s, me.batch), ...marked(s, "minute") };
      go(`keeps ${name} late`, { at: 5, owns: true }, store);
    } else {
      const owed = me.owns ? s.owed | one(me.batch) : s.owed;
      go(`acknowledges ${name}`, idleProcessor, { queue: s.queue.with(me.batch, false), owed });
    }
  }

  function aggregatorSteps(s: State, index: number, emit: Emit<State>): void {
    const me = s.aggregators[index]!;
    const go = (does: string, change: Partial<Aggregator>, store: Partial<State> = {}) => {
      const next = { ...s, ...store };
      const aggregators = next.aggregators.with(index, { ...me, ...change });
      emit(`G${index + 1} ${does}`, { ...next, aggregators });
    };
    if (me.at === 0) {
      for (const grain of ["minute", "hour"] as const) {
        if (s.marks[grain]) go(`reads the ${grain}'s mark`, { at: 1, grain, isSame: true });
      }
      return;
    }
    go("crashes", idleAggregator);
    if (me.at === 1) {
      const sum = me.grain === "minute" ? sumOf(s) : s.minute;
      go(`sums the ${me.grain}, weight ${sum.v}`, { at: 2, ...sum });
    } else if (me.at === 2) {
      const isWritten = rules.write === "always" || me.v > s[me.grain].v;
      const written = isWritten ? { [me.grain]: { v: me.v, counts: me.counts } } : {};
      const at = me.grain === "minute" ? 3 : 4;
      go(isWritten ? `writes the ${me.grain}` : "need not write", { at, ...none }, written);
    } else if (me.at === 3) {
      go("marks the hour", { at: 4 }, marked(s, "hour"));
    } else {
      const left = me.isSame ? { marks: { ...s.marks, [me.grain]: false } } : {};
      go(me.isSame ? "clears the mark" : "leaves the new mark", idleAggregator, left);
    }
  }

  function retainerSteps(s: State, emit: Emit<State>): void {
    if (s.floor === "none") {
      emit("K announces the floor", { ...s, floor: "announced" });
      return;
    }
    const isWorkedOff =
      rules.waitsFor === "marks" || s.processors.every(({ at, knows }) => at <= 1 || knows);
    const isSummed = rules.waitsFor === "work" || (!s.marks.minute && !s.marks.hour);
    if (s.floor === "announced" && isWorkedOff && isSummed) {
      emit("K seals the floor", { ...s, floor: "sealed" });
    }
    if (s.floor === "announced" && rules.drops === "once sealed") return;
    for (const batch of batches) {
      const name = "AB".charAt(batch);
      if (s.events[batch] && !isLate(batch)) {
        emit(`K drops ${name}`, { ...s, events: s.events.with(batch, false) });
      }
      if (s.deltas[batch] !== "absent" && !world.late) {
        const deltas = s.deltas.with(batch, "absent");
        emit(`K drops the delta of ${name}`, { ...s, deltas, fold: none });
      }
    }
    if (s.minute.v > 0 && !world.late) emit("K drops the minute's rollup", { ...s, minute: none });
  }

  function recounterSteps(s: State, emit: Emit<State>): void {
    const me = s.recounter;
    const go = (does: string, recounter: Recounter, store: Partial<State> = {}) =>
      emit(`C ${does}`, { ...s, ...store, recounter });
    const seen = JSON.stringify([s.deltas, s.fold]);
    const isSealed = s.floor === "sealed";
    if (me.at === 0) {
      // The minute is counted anew once: otherwise it would go on for ever.
      if (s.fold.v > 0 || sumOf(s).v === 0) return;
      go("looks for a floor", { ...idleRecounter, at: 1, knows: isSealed });
    } else if (me.at === 1) {
      const known = batches.filter((batch) => s.deltas[batch] !== "absent" && s.events[batch]);
      const counts = known.reduce((sum, batch) => sum + one(batch), 0);
      go("counts", { ...me, at: 2, seen, sum: { v: sumOf(s).v + 1, counts } });
    } else if (me.at === 2) {
      const knows = rules.recount === "after counting" ? isSealed : me.knows;
      if (knows) return go("sees the floor, leaves the minute", idleRecounter);
      if (seen !== me.seen) return go("finds another state, gives up", idleRecounter);
      const deltas = s.deltas.map((form) => (form === "open" ? ("folded" as const) : form));
      go("writes what it counted", { ...idleRecounter, at: 3 }, { deltas, fold: me.sum });
    } else {
      go("marks", idleRecounter, marked(s, "minute"));
    }
  }

  function readerSteps(s: State, emit: Emit<State>): void {
    const me = s.reader;
    if (me.at === 0) {
      const reader = { at: 1, promised: s.owed, sealed: s.floor === "sealed", opens: false };
      emit("R looks for a floor", { ...s, reader });
    } else if (me.at === 1) {
      const isOpen = s.marks.minute || s.marks.hour;
      const opens = isOpen && !(me.sealed && rules.marks === "passed over");
      emit(opens ? "R sees marks" : "R takes the hour as settled", {
        ...s,
        reader: { ...me, at: 2, opens },
      });
    } else {
      const counts = me.opens ? (s.marks.minute ? sumOf(s) : s.minute).counts : s.hour.counts;
      // Where the floor has changed meanwhile, the reader makes its answer again.
      const isAnswer = me.sealed === (s.floor === "sealed");
      const broken = isAnswer && (me.promised & ~counts) !== 0 ? low : undefined;
      emit(isAnswer ? "R answers" : "R begins anew", { ...s, reader: idleReader }, broken);
    }
  }

  const quiet = (s: State) =>
    s.queue.every((left) => !left) &&
    !s.marks.minute &&
    !s.marks.hour &&
    s.recounter.at === 0 &&
    [...s.processors, ...s.aggregators].every(({ at }) => at === 0);

  return {
    initial: {
      queue: batches.map(() => true),
      events: batches.map(() => false),
      deltas: batches.map(() => "absent" as const),
      fold: none,
      marks: { minute: false, hour: false },
      minute: none,
      hour: none,
      floor: "none",
      owed: 0,
      processors: Array.from({ length: world.processors }, () => idleProcessor),
      aggregators: Array.from({ length: world.aggregators }, () => idleAggregator),
      recounter: idleRecounter,
      reader: idleReader,
    },
    steps(s, emit) {
      for (let index = 0; index < world.processors; index++) processorSteps(s, index, emit);
      for (let index = 0; index < world.aggregators; index++) aggregatorSteps(s, index, emit);
      retainerSteps(s, emit);
      if (world.recounter) recounterSteps(s, emit);
      if (world.reader) readerSteps(s, emit);
    },
    key: (s) => JSON.stringify(s),
    quiet,
    broken(s) {
      if (((s.hour.counts | s.minute.counts) & 0b1010) !== 0) return over;
      return quiet(s) && (s.owed & ~s.hour.counts) !== 0 ? exact : undefined;
    },
  };
}
