interface GatherLimits {
  /** A group holds at most this many, unless one piece alone is larger. */
  readonly maxItems: number;
  readonly maxBytes: number;
  /** The most items that wait for the round under way; with more, `add` throws `overflow()`. */
  readonly maxWaitingItems: number;
  /**
   * How long a piece may wait for the round under way, in milliseconds; after that its `add` throws
   * `overflow()`. Absent: as long as that round takes.
   */
  readonly maxWaitMs?: number;
}

/** The usual `maxWaitMs`. */
export const gatherWaitMs = 2_000;

export interface Piece<T> {
  readonly value: T;
  readonly items: number;
  readonly sizeBytes: number;
}

interface Waiting<T, R> extends Piece<T> {
  readonly since: number;
  readonly resolve: (result: R | Promise<R>) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * The turns of the event loop that a round takes to leave: one for the groups that are joined with
 * others, one until a thread is sent its message, and the one under way.
 */
const turnsToLeave = 3;

/**
 * Group commit for concurrent callers. Pieces that arrive while a round is under way become the
 * next round: as few groups as hold them, carried out side by side. There is no timer: a lone piece
 * leaves with the turn of the event loop in which it came. A piece is never split, so it succeeds
 * or fails as a whole. Where another round waits, it leaves before the callers of the last one are
 * told: a thread then carries it out while the event loop writes their answers.
 */
export class Batcher<T, R> {
  readonly #run: (group: readonly T[]) => Promise<readonly (R | Promise<R>)[]>;
  readonly #limits: GatherLimits;
  readonly #overflow: () => Error;
  readonly #waiting: Waiting<T, R>[] = [];
  #waitingItems = 0;
  /** Fires when the oldest waiting piece has waited too long. */
  #patience: NodeJS.Timeout | undefined;
  #draining: Promise<void> | undefined;

  /**
   * @param run carries a group out and returns a result, or the promise of one, for each piece in
   * order; a throw fails all of them
   */
  constructor(
    run: (group: readonly T[]) => Promise<readonly (R | Promise<R>)[]>,
    limits: GatherLimits,
    overflow: () => Error,
  ) {
    this.#run = run;
    this.#limits = limits;
    this.#overflow = overflow;
  }

  /** Resolves when nothing waits and nothing is under way. */
  async idle(): Promise<void> {
    await this.#draining;
  }

  /** Resolves with this piece's result once its group was carried out. */
  add(piece: Piece<T>): Promise<R> {
    if (
      this.#waitingItems + piece.items > this.#limits.maxWaitingItems &&
      this.#waiting.length > 0
    ) {
      return Promise.reject(this.#overflow());
    }
    return new Promise<R>((resolve, reject) => {
      this.#waiting.push({ ...piece, since: performance.now(), resolve, reject });
      this.#waitingItems += piece.items;
      this.#bePatient(this.#limits.maxWaitMs);
      this.#draining ??= this.#drain();
    });
  }

  async #drain(): Promise<void> {
    await new Promise((resolve) => setImmediate(resolve));
    let tellLast: readonly (() => void)[] = [];
    while (this.#waiting.length > 0) {
      const round: Promise<() => void>[] = [];
      while (this.#waiting.length > 0) round.push(this.#carryOut(this.#nextGroup()));
      const told = tellLater(tellLast);
      tellLast = await Promise.all(round);
      await told;
    }
    for (const tell of tellLast) tell();
    clearTimeout(this.#patience);
    this.#patience = undefined;
    // This runs here, not in a callback of the promise: a piece added before such a callback would
    // wait for ever.
    this.#draining = undefined;
  }

  /**
   * Carries a group out. Never rejects.
   * @returns what tells its callers how it went
   */
  async #carryOut(group: readonly Waiting<T, R>[]): Promise<() => void> {
    try {
      const results = await this.#run(group.map((piece) => piece.value));
      return () => group.forEach((piece, index) => piece.resolve(results[index] as R | Promise<R>));
    } catch (error) {
      return () => group.forEach((piece) => piece.reject(error));
    }
  }

  #bePatient(forMs: number | undefined): void {
    if (forMs === undefined) return;
    this.#patience ??= setTimeout(() => this.#refuseOld(forMs), forMs);
  }

  /** Refuses pieces that have waited too long. None of them was begun. */
  #refuseOld(maxWaitMs: number): void {
    this.#patience = undefined;
    const over = performance.now() - maxWaitMs;
    let [oldest] = this.#waiting;
    while (oldest !== undefined && oldest.since <= over) {
      this.#waiting.shift();
      this.#waitingItems -= oldest.items;
      oldest.reject(this.#overflow());
      [oldest] = this.#waiting;
    }
    if (oldest !== undefined) {
      this.#patience = setTimeout(() => this.#refuseOld(maxWaitMs), oldest.since - over);
    }
  }

  #nextGroup(): Waiting<T, R>[] {
    let items = 0;
    let sizeBytes = 0;
    let end = 0;
    for (const piece of this.#waiting) {
      items += piece.items;
      sizeBytes += piece.sizeBytes;
      if (end > 0 && (items > this.#limits.maxItems || sizeBytes > this.#limits.maxBytes)) break;
      end += 1;
    }
    const group = this.#waiting.splice(0, end);
    for (const piece of group) this.#waitingItems -= piece.items;
    return group;
  }
}

async function tellLater(tellings: readonly (() => void)[]): Promise<void> {
  if (tellings.length === 0) return;
  for (let turn = 0; turn < turnsToLeave; turn++) {
    await new Promise((resolve) => setImmediate(resolve));
  }
  for (const tell of tellings) tell();
}
