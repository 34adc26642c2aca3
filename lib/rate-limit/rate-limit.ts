import { ServiceError } from "../errors.ts";

/** Where several processes keep what they counted, so that they share a limit. */
export interface Ledger {
  /**
   * Takes what each caller spent since the last time and answers what each has left, in the order
   * given; negative where others spent more than there was.
   * @throws Error where the ledger is away; then nothing was taken, or not all of it is known
   */
  settle(spent: readonly Spent[], bucket: Bucket): Promise<readonly number[]>;
  close(): Promise<void>;
}

export interface Spent {
  readonly caller: string;
  /** 0 for one that was refused and asks how much there is by now. */
  readonly amount: number;
}

/** What one caller may spend: filled up to `size` at `perSecond`. */
export interface Bucket {
  readonly name: string;
  readonly perSecond: number;
  readonly size: number;
}

/** The headers of an answer on a limited route. */
type LimitHeaders = Readonly<Record<"RateLimit" | "RateLimit-Policy", string>>;

interface Account {
  /** As of `at`; may be negative, as a request may hold more than was left. */
  balance: number;
  /** Milliseconds of the clock. */
  at: number;
  /** Not yet written to the ledger. */
  unsettled: number;
  /** Whether the caller came since the last settlement. */
  touched: boolean;
}

/** How much a caller who was quiet may spend at once, in seconds' worth of the limit. */
const burstSeconds = 10;
const settleEveryMs = 100;

/** Callers that are settled at a time: one message to the ledger. */
const maxSettled = 1_000;

/**
 * Limits what each caller spends to a rate, `perSecond` on average and ten seconds' worth at once.
 * A request is let through while anything is left and may then cost more than that; who spent it
 * all is refused until the rate has paid for it. Counting costs no I/O: every 100 ms what was spent
 * is settled with the ledger in one message, and the ledger's answer replaces what is known here.
 *
 * How far off it may be: between two settlements a process does not see what others let through. So
 * over any time T at most `T * perSecond + size` is let through, and besides what the others let
 * through in 100 ms and the ledger's round trip, at most `size` for each of them. It is a debt,
 * paid by later refusals: the average is exact. While the ledger is away each process limits for
 * itself, N processes to N times the limit; what was spent then is forgotten. The ledger's absence
 * never refuses anybody.
 */
export class RateLimit {
  readonly bucket: Bucket;
  readonly #ledger: Ledger | undefined;
  readonly #accounts = new Map<string, Account>();
  readonly #timer: NodeJS.Timeout;
  readonly #policy: string;
  readonly #now: () => number;
  #settling = false;

  /**
   * @param name of the policy in the headers, and of the accounts in the ledger
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
    this.#timer = setInterval(() => void this.settle(), settleEveryMs).unref();
  }

  /**
   * Let one caller spend 1.
   * @throws ServiceError TOO_MANY_REQUESTS with the seconds until there is something again
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

  /** What a request that was let through turned out to cost besides; never refuses. */
  charge(caller: string, amount: number): void {
    const account = this.#accountOf(caller);
    account.touched = true;
    this.#spend(account, amount);
  }

  /**
   * As of draft-ietf-httpapi-ratelimit-headers-10: `t` is the seconds until the whole quota is
   * there.
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

  /** Tell the ledger what was spent here and learn what was spent elsewhere. Never rejects. */
  async settle(): Promise<void> {
    this.#forgetIdle();
    if (this.#ledger === undefined || this.#settling) return;
    const callers = [...this.#accounts].filter(([, { touched }]) => touched).slice(0, maxSettled);
    if (callers.length === 0) return;
    const spent = callers.map(([caller, { unsettled }]) => ({ caller, amount: unsettled }));
    for (const [, account] of callers) {
      account.touched = false;
      account.unsettled = 0;
    }
    this.#settling = true;
    try {
      const balances = await this.#ledger.settle(spent, this.bucket);
      for (const [index, [, account]] of callers.entries()) {
        account.balance = (balances[index] ?? account.balance) - account.unsettled;
        account.at = this.#now();
      }
    } catch {
      // The ledger has logged it; here the process's own count goes on.
    } finally {
      this.#settling = false;
    }
  }

  close(): void {
    clearInterval(this.#timer);
  }

  #accountOf(caller: string): Account {
    const now = this.#now();
    const known = this.#accounts.get(caller);
    if (known === undefined) {
      const account = { balance: this.bucket.size, at: now, unsettled: 0, touched: false };
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
    account.unsettled += amount;
  }

  #secondsUntil({ balance }: Account, wanted: number): number {
    return Math.max(1, Math.ceil((wanted - balance) / this.bucket.perSecond));
  }

  /** A caller that is not known has a full account. */
  #forgetIdle(): void {
    for (const [caller, { touched }] of this.#accounts) {
      if (touched && this.#ledger !== undefined) continue;
      if (this.#accountOf(caller).balance >= this.bucket.size) this.#accounts.delete(caller);
    }
  }
}
