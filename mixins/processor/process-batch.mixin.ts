import { randomUUIDv7 } from "node:crypto";
import type { Config } from "../../lib/config.ts";
import { errorType } from "../../lib/errors.ts";
import { aloneInBatch, decodeBatch, isMalformedBatch } from "../../lib/event/batch-message.ts";
import { defineMixin } from "../../lib/moleculer.ts";
import type { Delivery, Outcome } from "../../lib/queue/queue.ts";
import type { BatchPack } from "../../lib/store/store.ts";
import { storePack, type Stored } from "../../lib/store/protocol.ts";
import { ConsumerMixin } from "./consume.mixin.ts";
import { EnrichMixin, type Enriched } from "./enrich.mixin.ts";
import { StoreMixin } from "../store.mixin.ts";

/** Gives a service `this.handle(delivery)`: one batch through steps 1 to 5 of the protocol; its outcome is step 6. */
export function BatchProcessorMixin(config: Config, enrichWorker?: URL) {
  return defineMixin()({
    mixins: [ConsumerMixin(config), StoreMixin(config), EnrichMixin(config, enrichWorker)],
    methods: {
      async handle(delivery: Delivery): Promise<Outcome> {
        const startedAt = performance.now();
        try {
          const enriched = await this.enrich(delivery.body);
          await this.bury(enriched, delivery);
          const { done } = enriched;
          const stored = await storePack(this.store, done, (owned) => this.deltasOf(done, owned));
          this.report(delivery, done, stored, startedAt);
          return { status: "done" };
        } catch (error) {
          return this.outcomeOf(error);
        }
      },

      /** Events that kill every worker go to the dead letters, each alone, before their batch goes on without them. */
      async bury({ poisonous }: Enriched, { body, receivedAt }: Delivery): Promise<void> {
        if (poisonous.length === 0) return;
        const { events, project } = decodeBatch(body);
        for (const event of poisonous.flatMap((index) => events[index] ?? [])) {
          const alone = aloneInBatch(event, project, randomUUIDv7());
          await this.queue.dead.put({ body: alone, receivedAt }, "enrichment failed on this event");
        }
        this.broker.metrics.increment("analytics_events_dead_total", {}, poisonous.length);
        this.logger.error({ events: poisonous.length }, "events were put into the dead letters");
      },

      outcomeOf(error: unknown): Outcome {
        if (errorType(error) === "STORE_UNAVAILABLE") {
          this.holdUntil(() => this.store.ping());
          return { status: "hold" };
        }
        this.logger.error({ err: error }, "batch failed");
        const reason = error instanceof Error ? error.message : String(error);
        return { status: isMalformedBatch(error) ? "dead" : "retry", reason };
      },

      report(
        { receivedAt }: Delivery,
        { batch, project, count }: BatchPack,
        { owned, duplicates, conflicts }: Stored,
        startedAt: number,
      ): void {
        const { metrics } = this.broker;
        const tookMs = Math.round(performance.now() - startedAt);
        const ageMs = Math.max(0, Date.now() - receivedAt);
        metrics.increment("analytics_events_stored_total", {}, owned);
        if (conflicts > 0) {
          metrics.increment("analytics_events_repeated_total", { kind: "conflict" }, conflicts);
        }
        if (duplicates > 0) {
          metrics.increment("analytics_events_repeated_total", { kind: "duplicate" }, duplicates);
        }
        metrics.observe("analytics_batch_seconds", tookMs / 1000);
        metrics.observe("analytics_batch_age_seconds", ageMs / 1000);
        this.logger.debug({ batch, events: count, owned, ms: tookMs }, "batch stored");
        void this.broker.emit("events.stored", { project, batch, events: owned });
      },

      drain(): Promise<void> {
        return this.stopConsuming();
      },
    },
  });
}
