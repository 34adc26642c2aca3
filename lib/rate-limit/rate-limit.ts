import { ServiceError } from "../errors.ts";

/** The shared account of several processes, by which they share a limit. */
export interface Ledger {
  /**
   * Books what each caller spent since the last call and returns what each has left, in the order
   * given; negative where others spent more than there was.
   * @throws Error where the ledger is away; the amounts were then not booked, or only in part
   */
  book(spent: readonly Spent[], bucket: Bucket): Promise<readonly number[]>;
  close(): Promise<void>;
}

export interface Spent {
  readonly caller: string;
  /** 0 for a caller that was refused and wants to know its present balance. */
  readonly amount: number;
}

/** The account of one caller: it fills up to `size` at `perSecond`. */
export interface Bucket {
  readonly name: string;
  readonly perSecond: number;
  readonly size: number;
}

/** The headers of an answer on a limited route. */
type LimitHeaders = Readonly<Record<"RateLimit" | "RateLimit-Policy", string>>;

interface Account {
  /** The balance at `at`; it may be negative, since a request may cost more than was left. */
  balance: number;
  /** Milliseconds of the clock. */
  at: number;
  /** The amount that is not yet booked in the ledger. */
  unbooked: number;
  /** Whether the caller came since the last booking. */
  touched: boolean;
}

/** How much a quiet caller may spend at once, in seconds' worth of the limit. */
const burstSeconds = 10;
const bookEveryMs = 100;

/** The most callers of one message to the ledger. */
const maxBooked = 1_000;

/**
 * Limits the spending of each caller to a rate: `perSecond` on average and ten seconds' worth at
 * once. A request is admitted while anything is left and may then cost more than that; a caller
 * that spent everything is refused until the rate has paid for it. Counting costs no I/O: every 100
 * ms one message books the amounts in the ledger, and the ledger's answer replaces the balances
 * here.
 * Accuracy: between two bookings a process does not see what others admit. Over any time T all
 * processes together admit at most `T * perSecond + size`. In addition, each other process may
 * admit what it does before its spending is booked, in 100 ms and the ledger's round trip: at most
 * `size`. The excess is a debt that later refusals pay: the average is exact. While the ledger is
 * away each process limits alone, N processes to N times the limit; that spending is then
 * forgotten. An absent ledger never refuses anybody.
 */
export class RateLimit {
  readonly bucket: Bucket;
  readonly #ledger: Ledger | undefined;
  readonly #accounts = new Map<string, Account>();
  readonly #timer: NodeJS.Timeout;
  readonly #policy: string;
  readonly #now: () => number;
  #booking = false;

  /**
   * @param name the policy's name in the headers, and the prefix of the ledger's accounts
   * @param now milliseconds of a clock that never goes back
   */
  constructor(
    name: string,
    perSecond: number,
    ledger?: Ledger,
    now: () => number = () => performance.now(),
  ) {
    const size = perSecond * burstSeconds;
    this.bucket = { name, perSecond, size };
    this.#ledger = ledger;
    this.#now = now;
    this.#policy = `"${name}";q=${size};w=${burstSeconds}`;
    this.#timer = setInterval(() => void this.book(), bookEveryMs).unref();
  }

  /**
   * Spends 1 for a caller.
   * @throws ServiceError TOO_MANY_REQUESTS with the seconds until there is a balance again
   */
  take(caller: string): void {
    const account = this.#accountOf(caller);
    account.touched = true;
    if (account.balance < 1) {
      const retryAfter = this.#secondsUntil(account, 1);
      const { perSecond, name } = this.bucket;
      throw new ServiceError("TOO_MANY_REQUESTS", `The limit is ${perSecond} ${name} a second`, {
        retryAfter,
      });
    }
    this.#spend(account, 1);
  }

  /** Charges what an admitted request cost besides; never refuses. */
  charge(caller: string, amount: number): void {
    const account = this.#accountOf(caller);
    account.touched = true;
    this.#spend(account, amount);
  }

  /**
   * The headers of draft-ietf-httpapi-ratelimit-headers-10: `t` is the seconds until the whole
   * quota is available.
   */
  headers(caller: string): LimitHeaders {
    const account = this.#accountOf(caller);
    const remaining = Math.max(0, Math.floor(account.balance));
    const until = this.#secondsUntil(account, remaining === 0 ? 1 : this.bucket.size);
    return {
      RateLimit: `"${this.bucket.name}";r=${remaining};t=${until}`,
      "RateLimit-Policy": this.#policy,
    };
  }

  /** Books the spending of this process in the ledger and reads the balances. Never rejects. */
  async book(): Promise<void> {
    this.#forgetIdle();
    if (this.#ledger === undefined || this.#booking) return;
    const callers = [...this.#accounts].filter(([, { touched }]) => touched).slice(0, maxBooked);
    if (callers.length === 0) return;
    const spent = callers.map(([caller, { unbooked }]) => ({ caller, amount: unbooked }));
    for (const [, account] of callers) {
      account.touched = false;
      account.unbooked = 0;
    }
    this.#booking = true;
    try {
      const balances = await this.#ledger.book(spent, this.bucket);
      for (const [index, [, account]] of callers.entries()) {
        account.balance = (balances[index] ?? account.balance) - account.unbooked;
        account.at = this.#now();
      }
    } catch {
      // The ledger has logged the error; the process continues with its own balances.
    } finally {
      this.#booking = false;
    }
  }

  close(): void {
    clearInterval(this.#timer);
  }

  #accountOf(caller: string): Account {
    const now = this.#now();
    const known = this.#accounts.get(caller);
    if (known === undefined) {
      const account = { balance: this.bucket.size, at: now, unbooked: 0, touched: false };
      this.#accounts.set(caller, account);
      return account;
    }
    const { perSecond, size } = this.bucket;
    known.balance = Math.min(size, known.balance + ((now - known.at) / 1_000) * perSecond);
    known.at = now;
    return known;
  }

  #spend(account: Account, amount: number): void {
    account.balance -= amount;
    account.unbooked += amount;
  }

  #secondsUntil({ balance }: Account, wanted: number): number {
    return Math.max(1, Math.ceil((wanted - balance) / this.bucket.perSecond));
  }

  /** An unknown caller has a full account. */
  #forgetIdle(): void {
    for (const [caller, { touched }] of this.#accounts) {
      if (touched && this.#ledger !== undefined) continue;
      if (this.#accountOf(caller).balance >= this.bucket.size) this.#accounts.delete(caller);
    }
  }
}
