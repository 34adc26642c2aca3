import type { ItemError } from "./answers.ts";
import { AnalyticsError, ConnectionError, ProblemError } from "./errors.ts";
import type { Http } from "./http.ts";
import { delay, isPassing, pauseMs, type Patience } from "./waiting.ts";

/** The outcome of a batch. */
export interface Delivery {
  readonly accepted: number;
  /** The refused events, by their places in the batch. */
  readonly rejected: readonly Refusal[];
  /** Absent where each event is accepted or refused. */
  readonly failure?: Failure;
}

export interface Refusal {
  readonly index: number;
  readonly error: ItemError;
}

/** Some events of a batch were not confirmed: they may be stored or not. */
export interface Failure {
  /** The place of the first of them in the batch; all behind it are of them, none before it. */
  readonly from: number;
  /** ProblemError: the last refusal; ConnectionError: no answer of the service came. */
  readonly cause: AnalyticsError;
}

export interface DeliveryOptions {
  /** How long to try to get a batch confirmed; `Infinity` for ever. */
  readonly giveUpAfterMs: number;
  /** Whether large batches are compressed. */
  readonly gzip: boolean;
  /** Called for each failed attempt that will be repeated. */
  readonly onRetry?: (error: AnalyticsError, waitMs: number) => void;
  readonly patience?: Patience;
}

interface BatchAnswer {
  readonly accepted: number;
  readonly results: readonly (Refusal & { readonly status: string })[];
}

/** The most that the service takes at once; a proxy before it may take less. */
export const maxBatchEvents = 1_000;
export const maxBatchBytes = 4 * 1_048_576;

const worthCompressing = 8_192;

/**
 * Delivers batches to the service. Each is repeated, the same bytes with the same ids, until the
 * service answers with its outcome; an obstacle for one batch delays the others, too.
 */
export class Courier {
  readonly #http: Http;
  readonly #options: DeliveryOptions;
  #pausedUntil = 0;

  constructor(http: Http, options: DeliveryOptions) {
    this.#http = http;
    this.#options = options;
  }

  /**
   * @param lines JSON of events that all have ids, at most `maxBatchEvents` and `maxBatchBytes`
   * @returns the outcome; a failure where the service refuses the batch, or did not confirm it in
   *   time
   * @throws the signal's reason where it is aborted
   */
  async deliver(
    lines: readonly string[],
    { signal, keepalive }: { readonly signal?: AbortSignal; readonly keepalive?: boolean } = {},
  ): Promise<Delivery> {
    const { giveUpAfterMs, onRetry, patience } = this.#options;
    const text = lines.join("\n");
    const body = await this.#packed(text);
    const deadline = performance.now() + giveUpAfterMs;
    for (let attempt = 1; ; attempt++) {
      await this.#pause(signal);
      try {
        const { body: answer } = await this.#http.ask<Partial<BatchAnswer> | undefined>({
          method: "POST",
          path: "/api/v1/events/batch",
          headers: {
            "Content-Type": "application/x-ndjson",
            ...(typeof body !== "string" && { "Content-Encoding": "gzip" }),
          },
          body,
          signal,
          keepalive,
        });
        return outcomeOf(answer);
      } catch (error) {
        const outcomes =
          error instanceof ProblemError ? this.#final(error, lines, signal) : undefined;
        if (outcomes !== undefined) return outcomes;
        if (signal?.aborted === true) throw signal.reason;
        if (!(error instanceof AnalyticsError)) throw error;
        if (!isPassing(error)) return failed(error);
        const retryAfterMs = error instanceof ProblemError ? error.retryAfterMs : undefined;
        const waitMs = pauseMs(attempt, retryAfterMs, Math.random(), patience);
        if (performance.now() + waitMs > deadline) return failed(error);
        this.#pausedUntil = Math.max(this.#pausedUntil, performance.now() + waitMs);
        onRetry?.(error, waitMs);
      }
    }
  }

  /** Reads an answer that contains the outcome although it is no success. */
  #final(
    { status, problem }: ProblemError,
    lines: readonly string[],
    signal: AbortSignal | undefined,
  ): Promise<Delivery> | undefined {
    const { results } = problem as unknown as Partial<BatchAnswer>;
    if (status === 422 && Array.isArray(results)) {
      return Promise.resolve(outcomeOf({ accepted: 0, results }));
    }
    if (status !== 413) return undefined;
    if (lines.length > 1) return this.#inHalves(lines, signal);
    const errors = [{ pointer: "", code: "too_large", message: problem.detail ?? problem.title }];
    const error = { type: "/problems/too-large" as const, errors };
    return Promise.resolve({ accepted: 0, rejected: [{ index: 0, error }] });
  }

  async #inHalves(lines: readonly string[], signal?: AbortSignal): Promise<Delivery> {
    const middle = Math.ceil(lines.length / 2);
    const first = await this.deliver(lines.slice(0, middle), { signal });
    if (first.failure !== undefined) return first;
    const second = await this.deliver(lines.slice(middle), { signal });
    const moved = second.rejected.map(({ index, error }) => ({ index: index + middle, error }));
    const { failure } = second;
    return {
      accepted: first.accepted + second.accepted,
      rejected: [...first.rejected, ...moved],
      ...(failure && { failure: { from: failure.from + middle, cause: failure.cause } }),
    };
  }

  async #pause(signal: AbortSignal | undefined): Promise<void> {
    for (;;) {
      const waitMs = this.#pausedUntil - performance.now();
      if (waitMs <= 0) return;
      await delay(waitMs, signal);
    }
  }

  async #packed(text: string): Promise<string | Uint8Array> {
    if (!this.#options.gzip || text.length < worthCompressing) return text;
    if (typeof CompressionStream === "undefined") return text;
    const stream = new Blob([text]).stream().pipeThrough(new CompressionStream("gzip"));
    return new Uint8Array(await new Response(stream).arrayBuffer());
  }
}

function failed(cause: AnalyticsError): Delivery {
  return { accepted: 0, rejected: [], failure: { from: 0, cause } };
}

/** @throws ConnectionError where a success is none of the service: whatever stands before it has answered */
function outcomeOf(answer: Partial<BatchAnswer> | undefined): Delivery {
  const { accepted, results } = answer ?? {};
  if (typeof accepted !== "number" || !Array.isArray(results)) {
    throw new ConnectionError("the answer to a batch does not tell its outcome");
  }
  const rejected = (results as BatchAnswer["results"])
    .filter(({ status }) => status === "rejected")
    .map(({ index, error }) => ({ index, error }));
  return { accepted, rejected };
}
