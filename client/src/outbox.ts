import type { EventInput, ItemError } from "./answers.ts";
import { maxBatchBytes, maxBatchEvents, type Courier, type Delivery } from "./delivery.ts";
import { AnalyticsError } from "./errors.ts";
import { byteLength } from "./http.ts";
import { after, StayingAlive } from "./waiting.ts";

/** When batches of tracked events leave, and how many events may wait. */
export interface OutboxOptions {
  /** A batch leaves with this many events; 1 to 1,000, by default 500. */
  readonly batchEvents?: number;
  /** It also leaves with this many bytes; up to 4 MiB, by default 1 MiB. */
  readonly batchBytes?: number;
  /** It also leaves once its first event has waited this long; by default a second. */
  readonly batchWaitMs?: number;
  /** The most batches under way at a time; by default 2. */
  readonly batchesAtOnce?: number;
  /** The most events that wait or are under way; by default 50,000. */
  readonly queueEvents?: number;
  /** The most bytes of these events; by default 32 MiB. */
  readonly queueBytes?: number;
  /**
   * Which event is lost where the queue is full: the new one (default), or the one that waits
   * longest.
   */
  readonly overflow?: "drop-newest" | "drop-oldest";
}

/** Events that were tracked and will not be sent any more. */
export interface Loss {
  /**
   * - `rejected`: the service refuses this event; `error` says why.
   * - `failed`: the service refuses all, or did not confirm them in time; `cause` says why.
   * - `overflow`: the queue was full.
   * - `closed`: the client was closed before they were confirmed.
   */
  readonly reason: "rejected" | "failed" | "overflow" | "closed";
  readonly events: readonly (EventInput & { readonly id: string })[];
  readonly error?: ItemError;
  readonly cause?: unknown;
}

/** The outcomes of the events that were tracked so far. Their sum is `tracked`. */
export interface OutboxStats {
  readonly tracked: number;
  readonly waiting: number;
  readonly underWay: number;
  readonly accepted: number;
  readonly lost: number;
}

interface Entry {
  readonly json: string;
  readonly bytes: number;
  /** Places count in the order of arrival. */
  readonly place: number;
}

type Settings = Required<OutboxOptions>;

const usual: Settings = {
  batchEvents: 500,
  batchBytes: 1_048_576,
  batchWaitMs: 1_000,
  batchesAtOnce: 2,
  queueEvents: 50_000,
  queueBytes: 32 * 1_048_576,
  overflow: "drop-newest",
};

/**
 * The queue of tracked events: bounded, in memory. Each event leaves in a batch and is kept until
 * its outcome is known; it is then either accepted, or reported to `onLoss` once.
 */
export class Outbox {
  readonly #courier: Courier;
  readonly #settings: Settings;
  readonly #onLoss: (loss: Loss) => void;
  readonly #alive = new StayingAlive();
  readonly #closing = new AbortController();
  #waiting: Entry[] = [];
  readonly #underWay = new Set<readonly Entry[]>();
  #events = 0;
  #bytes = 0;
  #waitingBytes = 0;
  #tracked = 0;
  #accepted = 0;
  #lost = 0;
  /** Every event before this place must leave now. */
  #dueBefore = 0;
  /** Whether a timer runs after which waiting events must leave. */
  #isTimed = false;
  readonly #changes = new Set<() => void>();

  constructor(courier: Courier, options: OutboxOptions, onLoss: (loss: Loss) => void) {
    this.#courier = courier;
    const given = Object.entries(options).filter(([, value]) => value !== undefined);
    this.#settings = { ...usual, ...(Object.fromEntries(given) as OutboxOptions) };
    const { batchEvents, batchBytes } = this.#settings;
    if (batchEvents < 1 || batchEvents > maxBatchEvents) {
      throw new RangeError(`batchEvents is 1 to ${maxBatchEvents}`);
    }
    if (batchBytes < 1 || batchBytes > maxBatchBytes) {
      throw new RangeError(`batchBytes is 1 to ${maxBatchBytes}`);
    }
    this.#onLoss = onLoss;
  }

  get stats(): OutboxStats {
    const waiting = this.#waiting.length;
    const underWay = this.#events - waiting;
    return {
      tracked: this.#tracked,
      waiting,
      underWay,
      accepted: this.#accepted,
      lost: this.#lost,
    };
  }

  /**
   * Takes an event. Never throws and never waits: where the queue is full one event is lost and
   * reported.
   */
  add(json: string): void {
    const entry = { json, bytes: byteLength(json), place: this.#tracked };
    this.#tracked += 1;
    if (this.#closing.signal.aborted) return this.#lose("closed", [entry]);
    const { overflow, queueEvents, queueBytes } = this.#settings;
    const isFull = () => this.#events + 1 > queueEvents || this.#bytes + entry.bytes > queueBytes;
    while (overflow === "drop-oldest" && isFull() && this.#waiting.length > 0) {
      this.#drop(this.#waiting.splice(0, 1), "overflow");
    }
    if (isFull()) return this.#lose("overflow", [entry]);
    this.#waiting.push(entry);
    this.#events += 1;
    this.#bytes += entry.bytes;
    this.#waitingBytes += entry.bytes;
    this.#leave();
  }

  /**
   * Resolves when the outcome of every event that was added before is known. Rejects only with the
   * signal's reason.
   */
  async flush(signal?: AbortSignal): Promise<void> {
    const upTo = this.#tracked;
    this.#dueBefore = upTo;
    this.#leave();
    await this.#alive.while(async () => {
      while (this.#oldest() < upTo) await this.#change(signal);
    });
  }

  /**
   * Takes no more events; those that are not confirmed in this time are lost and reported. Never
   * throws. With `Infinity` it waits until the outcome of each is known.
   */
  async close(withinMs: number): Promise<void> {
    const timeout = new AbortController();
    const stopTimer = after(withinMs, () => timeout.abort());
    try {
      await this.flush(timeout.signal);
    } catch {
      // The events that are left are reported below.
    } finally {
      stopTimer();
    }
    this.#closing.abort();
    const left = [...[...this.#underWay].flat(), ...this.#waiting];
    this.#waiting = [];
    this.#underWay.clear();
    if (left.length > 0) this.#drop(left, "closed");
  }

  /**
   * The unconfirmed events, for a last attempt when the page is left: first those that no request
   * carries yet.
   */
  unconfirmed(): readonly string[] {
    return [...this.#waiting, ...[...this.#underWay].flat()].map(({ json }) => json);
  }

  /** Starts the batches that are full or due. */
  #leave(): void {
    const { batchEvents, batchBytes, batchesAtOnce, batchWaitMs } = this.#settings;
    while (this.#waiting.length > 0 && this.#underWay.size < batchesAtOnce) {
      const isDue = this.#waiting[0]!.place < this.#dueBefore;
      if (!isDue && this.#waiting.length < batchEvents && this.#waitingBytes < batchBytes) break;
      void this.#send(this.#take());
    }
    if (this.#waiting.length === 0 || this.#isTimed) return;
    this.#isTimed = true;
    after(batchWaitMs, () => {
      this.#isTimed = false;
      this.#dueBefore = this.#tracked;
      this.#leave();
    });
  }

  /** The next batch: as many as fit, at least one. */
  #take(): readonly Entry[] {
    const { batchEvents, batchBytes } = this.#settings;
    let count = 0;
    let bytes = 0;
    for (const entry of this.#waiting) {
      if (count === batchEvents || (count > 0 && bytes + entry.bytes > batchBytes)) break;
      count += 1;
      bytes += entry.bytes;
    }
    this.#waitingBytes -= bytes;
    return this.#waiting.splice(0, count);
  }

  async #send(batch: readonly Entry[]): Promise<void> {
    this.#underWay.add(batch);
    try {
      const lines = batch.map(({ json }) => json);
      const { signal } = this.#closing;
      this.#settle(batch, await this.#courier.deliver(lines, { signal, keepalive: isHidden() }));
    } catch (cause) {
      // The client was closed meanwhile, and the events were reported.
      if (!this.#underWay.delete(batch)) return;
      this.#drop(batch, "failed", cause);
    }
    this.#leave();
  }

  #settle(batch: readonly Entry[], { accepted, rejected, failure }: Delivery): void {
    if (!this.#underWay.delete(batch)) return;
    this.#accepted += accepted;
    this.#release(batch);
    for (const { index, error } of rejected) this.#lose("rejected", [batch[index]!], { error });
    if (failure !== undefined) {
      this.#lose("failed", batch.slice(failure.from), { cause: failure.cause });
    }
    this.#changed();
  }

  #drop(entries: readonly Entry[], reason: Loss["reason"], cause?: unknown): void {
    if (reason === "overflow") for (const { bytes } of entries) this.#waitingBytes -= bytes;
    this.#release(entries);
    this.#lose(reason, entries, { cause });
    this.#changed();
  }

  #release(entries: readonly Entry[]): void {
    this.#events -= entries.length;
    for (const { bytes } of entries) this.#bytes -= bytes;
  }

  #lose(
    reason: Loss["reason"],
    entries: readonly Entry[],
    why: Pick<Loss, "error" | "cause"> = {},
  ): void {
    this.#lost += entries.length;
    const events = entries.map(({ json }) => JSON.parse(json) as Loss["events"][number]);
    try {
      this.#onLoss({ reason, events, ...why });
    } catch (error) {
      // An error of the caller's handler must not stop the queue.
      queueMicrotask(() => {
        throw new AnalyticsError("onLoss has thrown", { cause: error });
      });
    }
  }

  /** The place of the oldest event without an outcome. */
  #oldest(): number {
    const first = [...this.#underWay, this.#waiting].map(
      (entries) => entries[0]?.place ?? Infinity,
    );
    return Math.min(...first);
  }

  #changed(): void {
    for (const resolve of [...this.#changes]) resolve();
    this.#changes.clear();
  }

  #change(signal: AbortSignal | undefined): Promise<void> {
    return new Promise((resolve, reject) => {
      if (signal?.aborted === true) return reject(signal.reason as Error);
      const stop = () => reject(signal?.reason as Error);
      signal?.addEventListener("abort", stop, { once: true });
      this.#changes.add(() => {
        signal?.removeEventListener("abort", stop);
        resolve();
      });
    });
  }
}

/** Whether this is a page that may never be shown again. */
function isHidden(): boolean {
  const { document } = globalThis as { document?: { visibilityState?: string } };
  return document?.visibilityState === "hidden";
}
