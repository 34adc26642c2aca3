import type { Emit, Model } from "../checker.ts";
import type { Rules } from "./rules.ts";

/**
 * A world with an event x, whose person is erased, and an event y that the person sends after the
 * request. Readers answer from the events, with a cache, or from the counts.
 */
export interface World {
  readonly readers: readonly ("events" | "counts")[];
  /** How often the eraser may crash. */
  readonly crashes: number;
  /** Whether the person sends y. */
  readonly returns: boolean;
}

export const shown = "no answer shows x that was begun after the erasure was acknowledged";
export const told = "a count that was begun afterwards and holds x says so";
export const lacking = "an answer has y where y was stored before";

interface Answer {
  readonly x: boolean;
  readonly y: boolean;
}

interface Reader {
  readonly at: number;
  /** What had happened when it began. */
  readonly wasAcknowledged: boolean;
  readonly hadY: boolean;
  /** Whether it found an open erasure. */
  readonly hides: boolean;
  readonly fingerprint: number;
  readonly found: Answer;
}

export interface State {
  readonly x: boolean;
  readonly y: boolean;
  readonly isCounted: boolean;
  readonly job: "none" | "open" | "done";
  readonly isAcknowledged: boolean;
  readonly fingerprint: number;
  readonly cache: Readonly<Record<string, Answer>>;
  readonly eraser: number;
  readonly crashes: number;
  readonly readers: readonly Reader[];
}

const none: Answer = { x: false, y: false };
const idle: Reader = {
  at: 0,
  wasAcknowledged: false,
  hadY: false,
  hides: false,
  fingerprint: 0,
  found: none,
};

export function hiding(world: World, rules: Rules): Model<State> {
  function eraserSteps(s: State, emit: Emit<State>): void {
    const go = (does: string, eraser: number, store: Partial<State> = {}) =>
      emit(`E ${does}`, { ...s, ...store, eraser });
    const isCrashing = s.eraser > 0 && s.job === "open" && s.crashes < world.crashes;
    if (isCrashing) go("crashes", 2, { crashes: s.crashes + 1 });
    const notes = () => go("notes the job", 1 + s.eraser, { job: "open" });
    const acknowledges = () => go("acknowledges", 1 + s.eraser, { isAcknowledged: true });
    const isNotedFirst = rules.acknowledge === "once the job is noted";
    if (s.eraser === 0) return isNotedFirst ? notes() : acknowledges();
    if (s.eraser === 1) return isNotedFirst ? acknowledges() : notes();
    if (s.eraser === 2) return go("takes x out", 3, { x: false });
    const counts = () =>
      go("counts anew", 1 + s.eraser, { isCounted: false, fingerprint: s.fingerprint + 1 });
    const ends = () => go("is done", 1 + s.eraser, { job: "done" });
    const isCountedFirst = rules.done === "once the counts are made anew";
    if (s.eraser === 3) return isCountedFirst ? counts() : ends();
    if (s.eraser === 4) return isCountedFirst ? ends() : counts();
  }

  function readerSteps(s: State, index: number, emit: Emit<State>): void {
    const me = s.readers[index]!;
    const of = world.readers[index]!;
    const who = `R${index + 1}`;
    const go = (does: string, next: Partial<Reader>, store: Partial<State> = {}) =>
      emit(`${who} ${does}`, {
        ...s,
        ...store,
        readers: s.readers.with(index, { ...me, at: me.at + 1, ...next }),
      });
    const ends = (does: string, found: Answer, store: Partial<State> = {}) => {
      const isShown = me.wasAcknowledged && found.x;
      const isTold = of === "counts" && me.hides && rules.counts === "that an erasure is open";
      const broken = isShown && !isTold ? (of === "counts" ? told : shown) : undefined;
      const lacks = me.hadY && !found.y ? lacking : undefined;
      const readers = s.readers.with(index, idle);
      emit(`${who} ${does}`, { ...s, ...store, readers }, broken ?? lacks);
    };
    const looks = () => {
      const hides = s.job === "open";
      go(hides ? "finds an open erasure" : "finds no open erasure", { hides });
    };
    const reads = () =>
      of === "counts"
        ? go("reads the counts", { found: { x: s.isCounted, y: s.y } })
        : go("reads the events", { found: { x: s.x, y: s.y } });
    const takesFingerprint = () =>
      go(`reads fingerprint ${s.fingerprint}`, { fingerprint: s.fingerprint });

    if (me.at === 0) {
      const begun = { wasAcknowledged: s.isAcknowledged, hadY: s.y };
      const readers = s.readers.with(index, { ...idle, ...begun, at: 1 });
      return emit(`${who} begins`, { ...s, readers });
    }
    const last = of === "events" ? 4 : 2;
    const looksAt = {
      "before all else": 1,
      "after the fingerprint": 2,
      "after what it reads": last,
    }[rules.look];
    if (me.at === looksAt) return looks();
    const order = [takesFingerprint, looksUp, reads].filter(
      (step) => of === "events" || step === reads,
    );
    const step = order[me.at - 1 - (me.at > looksAt ? 1 : 0)];
    if (step !== undefined) return step();
    const isHidden = me.hides && of === "events";
    const found = {
      x: me.found.x && !isHidden,
      y: me.found.y && !(isHidden && rules.hidden === "all of the person"),
    };
    const isKept = of === "events";
    ends("answers", found, isKept ? { cache: { ...s.cache, [keyOf(me)]: found } } : {});

    function looksUp(): void {
      const cached = s.cache[keyOf(me)];
      if (cached === undefined) go("finds nothing in the cache", {});
      else ends("answers from the cache", cached);
    }
  }

  function keyOf({ fingerprint, hides }: Reader): string {
    return rules.key === "the fingerprint alone" ? `${fingerprint}` : `${fingerprint} ${hides}`;
  }

  return {
    initial: {
      x: true,
      y: false,
      isCounted: true,
      job: "none",
      isAcknowledged: false,
      fingerprint: 0,
      cache: {},
      eraser: 0,
      crashes: 0,
      readers: world.readers.map(() => idle),
    },
    steps(s, emit) {
      eraserSteps(s, emit);
      if (world.returns && s.isAcknowledged && !s.y) {
        emit("P stores y, marks", { ...s, y: true, fingerprint: s.fingerprint + 1 });
      }
      for (let index = 0; index < world.readers.length; index++) readerSteps(s, index, emit);
    },
    key: (s) => JSON.stringify({ ...s, cache: Object.entries(s.cache).sort() }),
    quiet: (s) => s.job === "done" && s.eraser === 5 && s.readers.every(({ at }) => at === 0),
    broken: () => undefined,
  };
}
