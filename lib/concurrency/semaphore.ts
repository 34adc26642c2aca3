/**
 * Runs at most `limit` tasks at once; the rest wait, first come, first served. A caller who leaves
 * is taken off the queue.
 */
export class Semaphore {
  readonly #waiting = new Set<() => void>();
  readonly #maxWaiting: number;
  readonly #overflow: () => Error;
  #free: number;

  /**
   * @param overflow makes the error for a task that would be one of more than `maxWaiting` waiting
   *   ones
   */
  constructor(
    limit: number,
    maxWaiting = Infinity,
    overflow: () => Error = () => new Error("too many wait"),
  ) {
    this.#free = limit;
    this.#maxWaiting = maxWaiting;
    this.#overflow = overflow;
  }

  /** How many tasks wait for their turn. */
  get waiting(): number {
    return this.#waiting.size;
  }

  /** @throws the signal's reason where it is aborted before the task begins */
  async run<T>(work: () => Promise<T>, signal?: AbortSignal): Promise<T> {
    signal?.throwIfAborted();
    if (this.#free > 0) this.#free -= 1;
    else if (this.#waiting.size >= this.#maxWaiting) throw this.#overflow();
    else await this.#turn(signal);
    try {
      return await work();
    } finally {
      this.#next();
    }
  }

  #turn(signal: AbortSignal | undefined): Promise<void> {
    return new Promise((resolve, reject) => {
      const begin = () => {
        signal?.removeEventListener("abort", leave);
        resolve();
      };
      const leave = () => {
        this.#waiting.delete(begin);
        reject(signal!.reason as Error);
      };
      this.#waiting.add(begin);
      signal?.addEventListener("abort", leave, { once: true });
    });
  }

  #next(): void {
    const [next] = this.#waiting;
    if (next === undefined) {
      this.#free += 1;
      return;
    }
    this.#waiting.delete(next);
    next();
  }
}

interface FairLimits {
  /** How many pieces of work run at a time. */
  readonly concurrency: number;
  /** How many pieces of one owner may wait; more are refused. */
  readonly maxWaiting: number;
  /** How long a piece may wait. */
  readonly maxWaitMs: number;
}

interface Turn {
  /** A caller that leaves while it waits is taken off the queue. */
  readonly signal?: AbortSignal;
  /** Continues work that was begun before: it is never refused for the length of the queue. */
  readonly goesOn?: boolean;
}

interface Owner {
  running: number;
  /** Grows with each turn of any owner; 0 before the first one. */
  servedAt: number;
  readonly waiting: Set<() => void>;
}

/**
 * Runs at most `concurrency` pieces of work at a time, from a queue for each owner, the owners in
 * turn. One owner never takes the last place, where there is more than one place: so an owner
 * delays the others by one piece of work at most.
 */
export class FairLanes {
  readonly #limits: FairLimits;
  readonly #mostOfOne: number;
  readonly #overflow: () => Error;
  /** Has only the owners with work that runs or waits. */
  readonly #owners = new Map<string, Owner>();
  #running = 0;
  #waiting = 0;
  #turns = 0;

  /** @param overflow makes the error for work that is refused, or that waited too long */
  constructor(limits: FairLimits, overflow: () => Error) {
    this.#limits = limits;
    this.#mostOfOne = Math.max(1, limits.concurrency - 1);
    this.#overflow = overflow;
  }

  /** How many pieces run and wait, of all owners. */
  get load(): { readonly running: number; readonly waiting: number } {
    return { running: this.#running, waiting: this.#waiting };
  }

  /**
   * Checks that one more piece of an owner's work would be taken now, before anything is computed
   * for it.
   * @throws overflow
   */
  check(name: string): void {
    const owner = this.#owners.get(name);
    if (owner === undefined || this.#mayRun(owner)) return;
    if (owner.waiting.size >= this.#limits.maxWaiting) throw this.#overflow();
  }

  /** @throws overflow; the signal's reason where it is aborted before the work begins */
  async run<T>(name: string, work: () => Promise<T>, turn: Turn = {}): Promise<T> {
    turn.signal?.throwIfAborted();
    const owner = this.#ownerOf(name);
    if (this.#mayRun(owner)) this.#begin(owner);
    else await this.#turn(name, owner, turn);
    try {
      return await work();
    } finally {
      owner.running -= 1;
      this.#running -= 1;
      this.#next();
      this.#forget(name, owner);
    }
  }

  #mayRun(owner: Owner): boolean {
    return this.#running < this.#limits.concurrency && owner.running < this.#mostOfOne;
  }

  #begin(owner: Owner): void {
    owner.running += 1;
    owner.servedAt = ++this.#turns;
    this.#running += 1;
  }

  #turn(name: string, owner: Owner, { signal, goesOn = false }: Turn): Promise<void> {
    const { maxWaiting, maxWaitMs } = this.#limits;
    if (!goesOn && owner.waiting.size >= maxWaiting) return Promise.reject(this.#overflow());
    return new Promise((resolve, reject) => {
      const end = (settle: () => void) => {
        owner.waiting.delete(begin);
        this.#waiting -= 1;
        clearTimeout(timer);
        signal?.removeEventListener("abort", leave);
        this.#forget(name, owner);
        settle();
      };
      const begin = () => end(resolve);
      const leave = () => end(() => reject(signal!.reason as Error));
      const timer = setTimeout(() => end(() => reject(this.#overflow())), maxWaitMs).unref();
      owner.waiting.add(begin);
      this.#waiting += 1;
      signal?.addEventListener("abort", leave, { once: true });
    });
  }

  /** Starts a piece of the owner that was served longest ago. */
  #next(): void {
    let next: Owner | undefined;
    for (const owner of this.#owners.values()) {
      if (owner.waiting.size === 0 || !this.#mayRun(owner)) continue;
      if (next === undefined || owner.servedAt < next.servedAt) next = owner;
    }
    if (next === undefined) return;
    const [begin] = next.waiting;
    this.#begin(next);
    begin!();
  }

  #ownerOf(name: string): Owner {
    const known = this.#owners.get(name);
    if (known !== undefined) return known;
    const owner = { running: 0, servedAt: 0, waiting: new Set<() => void>() };
    this.#owners.set(name, owner);
    return owner;
  }

  #forget(name: string, owner: Owner): void {
    if (owner.running > 0 || owner.waiting.size > 0) return;
    if (this.#owners.get(name) === owner) this.#owners.delete(name);
  }
}
