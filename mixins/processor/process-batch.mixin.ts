import { free } from "../../lib/concurrency/free.ts";
import { CollectingRequests } from "../../lib/concurrency/collecting-requests.ts";
import type { Config } from "../../lib/config.ts";
import { errorType } from "../../lib/errors.ts";
import {
  batchWith,
  decodeBatch,
  isMalformedBatch,
  requestIdsOf,
  storyOf,
} from "../../lib/event/batch-message.ts";
import type { EventId } from "../../lib/event/event.ts";
import { defineMixin } from "../../lib/moleculer.ts";
import {
  retryDelaysMs,
  type Delivery,
  type Outcome,
  type Consumer,
  type Handler,
} from "../../lib/queue/queue.ts";
import type { BatchPack } from "../../lib/store/store.ts";
import { storePack, type Stored } from "../../lib/store/protocol.ts";
import { type OpenSpan, tracedStore } from "../../lib/tracing/tracing.ts";
import { SchemaBookMixin } from "./schemas.mixin.ts";
import { EnrichMixin, ThreadsUnavailable, type Enriched } from "./enrich.mixin.ts";
import { StoreMixin } from "../store.mixin.ts";
import { performance, type EventLoopUtilization } from "node:perf_hooks";
import { setTimeout as delay } from "node:timers/promises";
import { QueueMixin } from "../queue.mixin.ts";

interface ConsumerState {
  consumer: Consumer | null;
  holding: Holding | null;
  lastDoneAt: number;
  loop: LoopGauge;
  collecting: CollectingRequests;
}

interface Holding {
  /** What every batch needs and lacks, in words. */
  readonly reason: string;
  readonly stopped: AbortController;
}

const probeEveryMs = 500;
const busyFrom = 0.7;

/** So many requests wait only where more come than can be answered at once. */
const crowdedFrom = 16;
const giveWayMs = 20;
const longestWaitMs = 3_000;

/**
 * Gives a service the consuming side of the queue: `this.startConsuming(handle)`;
 * `this.lastDoneAt`, when the last batch was finished (or consuming began), by `performance.now()`;
 * and `this.holdUntil(reason, probe)`, which stops deliveries until `probe` no longer throws: one
 * quiet probe instead of a storm of retries while something that every batch needs is away.
 */
function ConsumerMixin(config: Config) {
  return defineMixin<{ state: ConsumerState }>()({
    mixins: [QueueMixin(config)],
    methods: {
      async startConsuming(handle: Handler): Promise<void> {
        this.lastDoneAt = performance.now();
        this.consumer = await this.queue.consume(
          async (delivery) => {
            await this.giveWay(delivery);
            const outcome = await handle(delivery);
            if (outcome.status === "done") this.lastDoneAt = performance.now();
            return outcome;
          },
          { prefetch: config.prefetch },
        );
      },
      /**
       * Waits while the event loop is busy and many requests to collect wait in this process, so
       * that collecting goes first: at most 3 s by the event's age, and at most 3 s from now (the
       * clock may have been set back).
       */
      async giveWay({ receivedAt }: Delivery): Promise<void> {
        const arrivedAt = performance.now();
        while (
          this.collecting.waiting >= crowdedFrom &&
          this.loop.utilization() > busyFrom &&
          Date.now() - receivedAt < longestWaitMs &&
          performance.now() - arrivedAt < longestWaitMs &&
          this.consumer !== null
        ) {
          await delay(giveWayMs);
        }
      },

      /** Finishes the deliveries under way; the rest stays on the queue. */
      async stopConsuming(): Promise<void> {
        this.holding?.stopped.abort();
        await this.consumer?.stop();
        this.consumer = null;
      },
      /** @param cause is logged, where it says more than the reason */
      holdUntil(reason: string, probe: () => Promise<void>, cause?: unknown): void {
        if (this.holding !== null) return;
        const stopped = new AbortController();
        this.holding = { reason, stopped };
        this.consumer?.pause();
        const err = cause === undefined ? {} : { err: cause };
        this.logger.warn({ reason, ...err }, "consuming is held back");
        void untilItWorks(probe, stopped.signal).then(() => {
          this.holding = null;
          if (stopped.signal.aborted) return;
          this.logger.info({}, "consuming continues");
          this.consumer?.resume();
        });
      },
    },
    created() {
      this.consumer = null;
      this.holding = null;
      this.lastDoneAt = performance.now();
      this.loop = new LoopGauge();
      this.collecting = CollectingRequests.of(this.broker);
    },
    async stopped() {
      await this.stopConsuming();
    },
  });
}

async function untilItWorks(probe: () => Promise<void>, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    try {
      return await probe();
    } catch {
      await delay(probeEveryMs, undefined, { signal }).catch(() => undefined);
    }
  }
}

const windowMs = 50;

/** Measures how busy this process's event loop was of late. */
class LoopGauge {
  #since: EventLoopUtilization = performance.eventLoopUtilization();
  #sinceAt = performance.now();
  #busy = 0;

  /** The share of time that the loop was busy, 0 to 1, over about the last 50 to 100 ms. */
  utilization(): number {
    const now = performance.now();
    if (now - this.#sinceAt >= windowMs) {
      const current = performance.eventLoopUtilization();
      this.#busy = performance.eventLoopUtilization(current, this.#since).utilization;
      this.#since = current;
      this.#sinceAt = now;
    }
    return this.#busy;
  }
}

/**
 * Makes a service take batches off the queue: each goes through steps 1 to 5 of the protocol
 * (`this.handle(delivery)`); its outcome is step 6.
 */
export function BatchProcessorMixin(config: Config, enrichWorker?: URL) {
  return defineMixin()({
    mixins: [
      ConsumerMixin(config),
      StoreMixin(config),
      SchemaBookMixin(),
      EnrichMixin(config, enrichWorker),
    ],
    methods: {
      async handle(delivery: Delivery): Promise<Outcome> {
        try {
          await this.traced(delivery, "process batch", (span) => this.process(delivery, span));
          return this.noteOutcome({ status: "done" }, delivery);
        } catch (error) {
          return this.noteOutcome(this.outcomeOf(error, delivery), delivery);
        }
      },

      /** Runs work on a batch as a span, within the span that published it, where that is known. */
      traced<T>(
        { body, attempt }: Delivery,
        name: string,
        work: (span: OpenSpan) => Promise<T>,
      ): Promise<T> {
        const parent = this.tracing.isOn ? storyOf(body).traceparent : undefined;
        const start = { kind: "consumer", parent, attributes: { attempt } } as const;
        return this.tracing.run(name, parent === undefined ? null : start, work);
      },

      async process(delivery: Delivery, { traceparent: parent }: OpenSpan): Promise<void> {
        const startedAt = performance.now();
        const within = parent === undefined ? null : { parent };
        const { tracing } = this;
        const schemas = await this.schemasOfBatch(delivery.body);
        const enriched = await tracing.run("enrich", within, () =>
          this.enrich(delivery.body, schemas),
        );
        const buried = await this.bury(enriched, delivery);
        const { done } = enriched;
        const stored = await tracing.run("store", within, ({ traceparent }) => {
          const store = tracedStore(this.store, tracing, traceparent);
          return storePack(store, done, (owned) => this.deltasOf(done, owned), buried);
        });
        await tracing.run("counted", within, async (span) => {
          span.set({ batch: done.batch, ...stored });
          this.report(delivery, done, stored, startedAt);
          this.reportBuried(delivery, enriched);
        });
        free(done.bytes);
        free(delivery.body);
      },

      /**
       * Counts the outcome; a retry after the last attempt counts as dead, as it does on the queue.
       */
      noteOutcome(outcome: Outcome, { attempt, body }: Delivery): Outcome {
        const isLast = outcome.status === "retry" && attempt > retryDelaysMs.length;
        const status = isLast ? "dead" : outcome.status;
        this.metrics.increment("analytics_batches_total", { outcome: status });
        if (status === "dead") this.countEvents("dead", readableEvents(body));
        return outcome;
      },

      countEvents(
        outcome: "stored" | "quarantined" | "duplicate" | "conflict" | "refused" | "dead",
        events: number,
      ): void {
        this.metrics.increment("analytics_events_total", { outcome }, events);
      },

      /**
       * Events that kill every worker become dead letters, each alone, before their batch continues
       * without them. They stay events of their batch, as another delivery may have stored them. It
       * may be repeated.
       * @returns their ids
       */
      async bury(
        { poisonous }: Enriched,
        { body, receivedAt }: Delivery,
      ): Promise<readonly EventId[]> {
        if (poisonous.length === 0) return [];
        const message = decodeBatch(body);
        const events = poisonous.flatMap((index) => message.events[index] ?? []);
        for (const event of events) {
          const alone = batchWith(body, message, [event]);
          const letter = { body: alone, receivedAt };
          await this.queue.dead.put(letter, "enrichment failed on this event", "once");
        }
        // What kills a worker may lack what every event has.
        return events.map(({ id }) => id).filter((id) => typeof id === "string");
      },

      reportBuried({ body }: Delivery, { poisonous }: Enriched): void {
        if (poisonous.length === 0) return;
        this.countEvents("dead", poisonous.length);
        this.logger.error(
          { events: poisonous.length, ...requestIdsOf(body) },
          "events were put into the dead letters",
        );
      },

      outcomeOf(error: unknown, { body }: Delivery): Outcome {
        if (errorType(error) === "STORE_UNAVAILABLE") {
          this.holdUntil("the store is away", () => this.store.ping());
          return { status: "hold" };
        }
        if (error instanceof ThreadsUnavailable) {
          const check = async () => this.checkThreads(await this.schemasOfBatch(body));
          this.holdUntil("no enrichment thread works", check, error);
          return { status: "hold" };
        }
        this.logger.error({ err: error, ...requestIdsOf(body) }, "batch failed");
        const reason = error instanceof Error ? error.message : String(error);
        return { status: isMalformedBatch(error) ? "dead" : "retry", reason };
      },

      report(
        { receivedAt }: Delivery,
        { batch, project, count, violations = [] }: BatchPack,
        { owned, duplicates, conflicts, held, refused }: Stored,
        startedAt: number,
      ): void {
        const { metrics } = this;
        const tookMs = Math.round(performance.now() - startedAt);
        const ageMs = Math.max(0, Date.now() - receivedAt);
        this.countEvents("stored", owned);
        this.countEvents("quarantined", held);
        this.reportViolations(batch, violations);
        this.countEvents("duplicate", duplicates);
        this.countEvents("conflict", conflicts);
        this.countEvents("refused", refused);
        metrics.observe("analytics_batch_seconds", tookMs / 1000);
        metrics.observe("analytics_accepted_to_counted_seconds", ageMs / 1000);
        this.logger.debug({ batch, events: count, owned, ms: tookMs }, "batch stored");
        void this.broker.emit("events.stored", { project, batch, events: owned });
      },

      /** To be called when the other nodes are told of this one: they ask it for its backlog. */
      begin(): Promise<void> {
        return this.startConsuming((delivery) => this.handle(delivery));
      },

      drain(): Promise<void> {
        return this.stopConsuming();
      },
    },
    async started() {
      if (this.broker.transit === undefined) await this.begin();
    },
  });
}

/** How many events a message holds; 0 where it cannot be read. */
function readableEvents(body: Uint8Array): number {
  try {
    return decodeBatch(body).events.length;
  } catch {
    return 0;
  }
}
