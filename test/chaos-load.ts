import { setTimeout as delay } from "node:timers/promises";
import { byChannel, countedIn } from "./chaos-answers.ts";
import type { ServiceProcess } from "./service-process.ts";
import { arriving, chunks, shuffled, type ShopEvent } from "./support/shop-log.ts";

/** The latest that anything is answered, milliseconds. */
const latestMs = 15_000;

/** What clients were told, and what of it they should not have been. */
export interface LoadReport {
  /** How often each status was answered; of problems also their type, for example `503 outcome-unknown`. */
  readonly answers: Readonly<Record<string, number>>;
  /** The slowest answer, without the time in which the gateway was stopped. */
  readonly slowestMs: number;
  /** Other answers than success, 503 and 429 with `Retry-After`, late ones, and counts of more than was sent. */
  readonly wrong: readonly string[];
}

interface LoadOptions {
  readonly random: () => number;
  readonly batchSize: number;
  readonly posters: number;
  /** How long each poster waits between two batches. */
  readonly pauseMs: number;
  /** For how long of the time from one instant on, by `performance.now()`, the gateway could not run. */
  readonly stoppedSince: (instant: number) => number;
}

type Ask = readonly [path: string, body?: object];

const range = { from: "2024-01-01T00:00:00Z", to: "2024-07-01T00:00:00Z" };
const purchase = {
  steps: [{ type: "shop.product_view" }, { type: "shop.purchase" }],
  window: "1d",
};
const reads: readonly Ask[] = [
  ["/api/v1/events/counts"],
  ["/api/v1/events?limit=20"],
  [
    "/api/v1/events/counts?interval=day&timezone=Asia/Kolkata&from=2024-02-01T00:00:00Z&to=2024-02-08T00:00:00Z",
  ],
  ["/api/v1/query", { metrics: ["count"], dimensions: ["type"], range }],
  ["/api/v1/query/funnel", { ...purchase, range }],
  ["/api/v1/query", byChannel],
  ["/api/v1/queries"],
  ["/health/live"],
];
const readers = 2;
const readPauseMs = 150;
const retryPauseMs = 50;

/** Posts events, a fifth of them twice, each batch until it is accepted, and reads until all are. */
export class Load {
  readonly #gateway: ServiceProcess;
  readonly #options: LoadOptions;
  readonly #answers: Record<string, number> = {};
  readonly #wrong: string[] = [];
  #slowestMs = 0;
  #sent = 0;
  #isPosting = true;
  #isStopped = false;

  constructor(gateway: ServiceProcess, options: LoadOptions) {
    this.#gateway = gateway;
    this.#options = options;
  }

  get report(): LoadReport {
    return { answers: this.#answers, slowestMs: Math.round(this.#slowestMs), wrong: this.#wrong };
  }

  /** Ends it before all is accepted. */
  stop(): void {
    this.#isStopped = true;
  }

  /** Resolves when every event was accepted. */
  async run(events: readonly ShopEvent[]): Promise<void> {
    const { random, batchSize, posters } = this.#options;
    const once = chunks(arriving(events, random), batchSize).map((batch) => ({
      batch,
      again: false,
    }));
    const twice = once.filter(() => random() < 0.2).map(({ batch }) => ({ batch, again: true }));
    const waiting = [...once, ...shuffled(twice, random)];
    const post = async (poster: number) => {
      for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
        if (this.#isStopped) return;
        if (!next.again) this.#sent += next.batch.length;
        await this.#post(next.batch, poster === 0);
        await delay(this.#options.pauseMs);
      }
    };
    const read = async (first: number) => {
      for (let turn = first; this.#isPosting; turn += 1) {
        await this.#read(reads[turn % reads.length] as Ask);
        await delay(readPauseMs);
      }
    };
    const posted = Promise.all(Array.from({ length: posters }, (_, poster) => post(poster)));
    await Promise.all([
      posted.finally(() => (this.#isPosting = false)),
      ...Array.from({ length: readers }, (_, reader) => read(reader * 3)),
    ]);
  }

  /** Posts events besides those of `run`, until they are accepted. */
  async send(events: readonly ShopEvent[]): Promise<void> {
    this.#sent += events.length;
    await this.#post(events, false);
  }

  /** Notes that so many events come by another way. */
  expect(events: number): void {
    this.#sent += events;
  }

  /**
   * Asks until the answer is a success, or of an allowed status; the last answer where the load was
   * ended before.
   */
  async untilDone(
    path: string,
    request?: RequestInit,
    allowed: readonly number[] = [],
  ): Promise<{ readonly text: string }> {
    for (;;) {
      const answer = await this.ask(path, request, allowed);
      if (answer.isSuccess || this.#isStopped) return answer;
      await delay(retryPauseMs);
    }
  }

  /** @param wait whether the answer is to wait until the events are stored */
  async #post(batch: readonly ShopEvent[], wait: boolean): Promise<void> {
    const request = {
      method: "POST",
      headers: { "Content-Type": "application/x-ndjson", ...(wait && { Prefer: "wait=2" }) },
      body: batch.map((event) => JSON.stringify(event)).join("\n"),
    };
    while (!(await this.ask("/api/v1/events/batch", request)).isSuccess) {
      if (this.#isStopped) return;
      await delay(retryPauseMs);
    }
  }

  async #read([path, body]: Ask): Promise<void> {
    const headers = { "Content-Type": "application/json" };
    const request = body && { method: "POST", headers, body: JSON.stringify(body) };
    const { isSuccess, text } = await this.ask(path, request);
    if (!isSuccess || !(path.endsWith("/counts") || body === byChannel)) return;
    const total = path.endsWith("/counts")
      ? (JSON.parse(text) as { total: number }).total
      : countedIn(text);
    if (total > this.#sent) this.#wrong.push(`${total} events were counted of ${this.#sent} sent`);
  }

  /** @param allowed further statuses that are a success */
  async ask(
    path: string,
    request?: RequestInit,
    allowed: readonly number[] = [],
  ): Promise<{ isSuccess: boolean; text: string }> {
    const requestedAt = performance.now();
    const { status, text, mayRetry } = await answerTo(`${this.#gateway.url}${path}`, request);
    const ms = performance.now() - requestedAt - this.#options.stoppedSince(requestedAt);
    const isSuccess = (status >= 200 && status < 300) || allowed.includes(status);
    const kind = isSuccess ? `${status}` : `${status} ${problemIn(text)}`;
    this.#answers[kind] = (this.#answers[kind] ?? 0) + 1;
    this.#slowestMs = Math.max(this.#slowestMs, ms);
    const isRefusal = (status === 503 || status === 429) && mayRetry;
    const isLate = ms > latestMs;
    if (isLate || !(isSuccess || isRefusal)) {
      this.#wrong.push(
        `${path} was answered ${status} after ${Math.round(ms)} ms: ${text.slice(0, 500)}`,
      );
    }
    return { isSuccess, text };
  }
}

async function answerTo(url: string, request?: RequestInit) {
  try {
    const response = await fetch(url, request);
    const mayRetry = Number(response.headers.get("retry-after")) > 0;
    return { status: response.status, text: await response.text(), mayRetry };
  } catch (error) {
    // The gateway never ends, so no connection to it may be lost.
    return { status: 0, text: String((error as Error).cause ?? error), mayRetry: false };
  }
}

function problemIn(text: string): string {
  return /"\/problems\/([a-z-]+)"/.exec(text)?.[1] ?? "without a problem";
}
