import type { SseClient } from "./client.ts";
import { dataFrame, type LivePast, type LiveSecond, type LiveStage } from "./frames.ts";
import { barCount, Pulse } from "./pulse.ts";

/** The window of active users: five minutes. */
const usersWindowMs = 300_000;
const minuteMs = 60_000;

/** An expensive read is repeated only after this many times as long as it took. */
const restFactor = 20;
const soonestMs = 900;

/**
 * The longest rest between two reads of the stages, which cost little: one slow answer must not
 * stand as the state of a stage for a minute.
 */
const stagesRestMs = 2_000;

/** An answer about users, as far as clients see it. */
export interface UsersAnswer {
  readonly results: readonly { readonly metrics: readonly (number | null)[] }[];
  readonly meta: { readonly asOf: string; readonly lagMs: number; readonly exact: boolean };
}

export interface LiveSources {
  seconds(to: number, seconds: number): Promise<readonly number[]>;
  users(range: { readonly from: number; readonly to: number }): Promise<UsersAnswer>;
  stages(): Promise<readonly LiveStage[]>;
  failed(error: unknown): void;
}

/**
 * The frames that clients of one project get each second. Each frame is built once for all of them.
 */
export class ProjectLive {
  /** Resolves once the past seconds are known. */
  readonly ready: Promise<this>;
  /** How many clients watch, or are about to. */
  watching = 0;
  pulse = new Pulse(new Array<number>(barCount).fill(0));
  readonly #sources: LiveSources;
  readonly #release: () => void;
  readonly #clients = new Set<SseClient>();
  #users: UsersAnswer | undefined;
  #stages: readonly LiveStage[] = [];
  readonly #underWay = new Set<string>();
  readonly #nextAt = new Map<string, number>();

  /** @param release called when nobody watches any more */
  constructor(sources: LiveSources, release: () => void) {
    this.#sources = sources;
    this.#release = release;
    this.ready = this.#begin();
  }

  join(client: SseClient): void {
    this.#clients.add(client);
  }

  leave(client: SseClient): void {
    this.#clients.delete(client);
  }

  close(): void {
    this.#release();
  }

  past(now: number): LivePast {
    return { time: new Date(now).toISOString(), perSecond: this.pulse.bars };
  }

  /**
   * Sends everybody the second that ends now.
   * @param now epoch milliseconds
   * @param steady milliseconds that only grow
   */
  tick(now: number, steady: number): void {
    const events = this.pulse.tick();
    const from = Math.floor(now / minuteMs) * minuteMs - usersWindowMs;
    const to = Math.floor(now / minuteMs) * minuteMs + minuteMs;
    this.#refresh("users", steady, Infinity, async () => {
      this.#users = await this.#sources.users({ from, to });
    });
    this.#refresh("stages", steady, stagesRestMs, async () => {
      this.#stages = await this.#sources.stages();
    });
    const second: LiveSecond = {
      time: new Date(now).toISOString(),
      events,
      activeUsers: this.#activeUsers(),
      ...(this.#users !== undefined && {
        asOf: this.#users.meta.asOf,
        lagMs: Math.max(0, now - Date.parse(this.#users.meta.asOf)),
      }),
      stages: this.#stages,
    };
    const frame = Buffer.from(dataFrame(second));
    for (const client of this.#clients) client.send(frame, steady);
  }

  #activeUsers(): LiveSecond["activeUsers"] {
    if (this.#users === undefined) return null;
    const count = this.#users.results[0]?.metrics[0] ?? 0;
    const { exact, asOf } = this.#users.meta;
    return { count, exact, windowMs: usersWindowMs, asOf };
  }

  /**
   * Runs one read of a kind at a time, and the less often the longer it takes.
   * @param mostRestMs the longest rest between two reads
   */
  #refresh(what: string, steady: number, mostRestMs: number, read: () => Promise<void>): void {
    if (this.#underWay.has(what) || steady < (this.#nextAt.get(what) ?? steady)) return;
    this.#underWay.add(what);
    void read()
      .catch((error: unknown) => this.#sources.failed(error))
      .finally(() => {
        const tookMs = performance.now() - steady;
        const restMs = Math.max(soonestMs - tookMs, restFactor * tookMs - 1_000);
        this.#nextAt.set(what, performance.now() + Math.min(mostRestMs, restMs));
        this.#underWay.delete(what);
      });
  }

  async #begin(): Promise<this> {
    try {
      const now = Date.now();
      this.pulse = new Pulse(await this.#sources.seconds(now, barCount));
    } catch (error) {
      this.#sources.failed(error);
    }
    return this;
  }
}
