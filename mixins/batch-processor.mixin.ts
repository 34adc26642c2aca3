import { randomUUIDv7 } from "node:crypto";
import type { Config } from "../lib/config.ts";
import { errorType } from "../lib/errors.ts";
import { aloneInBatch, decodeBatch, isMalformedBatch } from "../lib/event/batch-message.ts";
import type { EnrichDone } from "../lib/event/enrich-job.ts";
import type { StoredEvent } from "../lib/event/event.ts";
import { defineMixin } from "../lib/moleculer.ts";
import type { Delivery, Outcome } from "../lib/queue/queue.ts";
import { storeBatch } from "../lib/store/protocol.ts";
import type { Ownership } from "../lib/store/store.ts";
import { ConsumerMixin, type Consuming } from "./consumer.mixin.ts";
import { EnrichMixin, type Enriched, type Enriching } from "./enrich.mixin.ts";
import { StoreMixin, type Storing } from "./store.mixin.ts";

/** Gives a service `this.handle(delivery)`: one batch through steps 1 to 5 of the protocol; its outcome is step 6. */
export function BatchProcessorMixin(config: Config, enrichWorker?: URL) {
  return defineMixin<Consuming & Storing & Enriching>()({
    mixins: [ConsumerMixin(config), StoreMixin(config), EnrichMixin(config, enrichWorker)],
    methods: {
      async handle(delivery: Delivery): Promise<Outcome> {
        const startedAt = Date.now();
        try {
          const enriched = await this.enrich(delivery.body);
          await this.bury(enriched, delivery);
          const { done } = enriched;
          const ownership = await storeBatch(this.store, done, (events) =>
            this.deltasOf(done, events),
          );
          this.report(delivery, done, ownership, startedAt);
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
        { batch, project, events }: EnrichDone,
        { owned, foreign }: Ownership,
        startedAt: number,
      ): void {
        const { metrics } = this.broker;
        const conflicts = conflictsIn(events, foreign);
        const now = Date.now();
        metrics.increment("analytics_events_stored_total", {}, owned.size);
        if (conflicts > 0) {
          metrics.increment("analytics_events_repeated_total", { kind: "conflict" }, conflicts);
        }
        if (foreign.length > conflicts) {
          const duplicates = foreign.length - conflicts;
          metrics.increment("analytics_events_repeated_total", { kind: "duplicate" }, duplicates);
        }
        metrics.observe("analytics_batch_seconds", (now - startedAt) / 1000);
        metrics.observe("analytics_batch_age_seconds", (now - receivedAt) / 1000);
        this.logger.debug(
          { batch, events: events.length, owned: owned.size, ms: now - startedAt },
          "batch stored",
        );
        void this.broker.emit("events.stored", { project, batch, events: owned.size });
      },

      drain(): Promise<void> {
        return this.stopConsuming();
      },
    },
  });
}

/** How many events came with the id of a stored one and other content. */
function conflictsIn(events: readonly StoredEvent[], foreign: Ownership["foreign"]): number {
  if (foreign.length === 0) return 0;
  const hashes = new Map(events.map(({ id, hash }) => [id, hash]));
  return foreign.filter(({ id, hash }) => hashes.get(id) !== hash).length;
}
