import { randomUUIDv7 } from "node:crypto";
import type { Config } from "../lib/config.ts";
import type { AdmittedEvent } from "../lib/event/admit.ts";
import { ServiceError } from "../lib/errors.ts";
import { encodeBatch } from "../lib/event/batch-message.ts";
import type { BatchId, ProjectId } from "../lib/event/event.ts";
import { Gatherer, gatherWaitMs } from "../lib/gather.ts";
import { defineMixin } from "../lib/moleculer.ts";
import { QueueMixin, type Queueing } from "./queue.mixin.ts";

export interface Publishing extends Queueing {
  publishEvents(project: ProjectId, admitted: Admitted): Promise<BatchId>;
  flush(): Promise<void>;
}

/**
 * The accepted events of one call, ready to travel. Bytes outside the heap: many calls wait for the disk at
 * once, and what waits on the heap, parsed or as text, the garbage collector copies again and again.
 */
export interface Admitted {
  /** Ids that clients chose. Those that were made here are in no other call. */
  readonly ids: readonly string[];
  readonly count: number;
  /** The events' JSON, joined by commas. */
  readonly bytes: Uint8Array;
  readonly receivedAt: number;
}

/** What was admitted in one call, as a piece of a batch. Never empty. */
export function admitted(events: readonly AdmittedEvent[]): Admitted {
  return {
    ids: events.filter(({ named }) => named).map(({ event }) => event.id),
    count: events.length,
    bytes: Buffer.from(events.map(({ json }) => json).join(",")),
    receivedAt: events.reduce((oldest, { event }) => Math.min(oldest, event.receivedAt), Infinity),
  };
}

const limits = {
  maxItems: 500,
  maxBytes: 1_048_576,
  maxWaitingItems: 50_000,
  maxWaitMs: gatherWaitMs,
};

/**
 * Gives a service `this.publishEvents(project, admitted)`: resolves with the batch that carries the
 * events once the queue has confirmed it. Concurrent calls of a project share a batch; the events of
 * one call are never split over two, so a refusal keeps none of them. A batch holds an id once.
 */
export function BatchPublisherMixin(config: Config) {
  return defineMixin<Queueing & { gatherers: Map<ProjectId, Gatherer<Admitted, BatchId>> }>()({
    mixins: [QueueMixin(config)],
    methods: {
      publishEvents(project: ProjectId, admitted: Admitted): Promise<BatchId> {
        let gatherer = this.gatherers.get(project);
        if (gatherer === undefined) {
          gatherer = new Gatherer((group) => this.publishGroup(project, group), limits, overloaded);
          this.gatherers.set(project, gatherer);
        }
        return gatherer.add({
          value: admitted,
          items: admitted.count,
          sizeBytes: admitted.bytes.length,
        });
      },

      async publishGroup(
        project: ProjectId,
        group: readonly Admitted[],
      ): Promise<readonly Promise<BatchId>[]> {
        const batches = withoutRepeats(group);
        const published = new Map<Admitted, Promise<BatchId>>();
        for (const batch of batches) {
          const confirmed = this.publishBatch(project, batch);
          for (const piece of batch) published.set(piece, confirmed);
        }
        await Promise.allSettled(published.values());
        return group.map((piece) => published.get(piece) as Promise<BatchId>);
      },

      async publishBatch(project: ProjectId, pieces: readonly Admitted[]): Promise<BatchId> {
        const batch = randomUUIDv7();
        const events = pieces.reduce((sum, { count }) => sum + count, 0);
        const startedAt = performance.now();
        await this.queue.publish({
          body: encodeBatch(
            batch,
            project,
            pieces.map(({ bytes }) => bytes),
          ),
          receivedAt: Math.min(...pieces.map((piece) => piece.receivedAt)),
        });
        this.broker.metrics.observe(
          "analytics_publish_seconds",
          (performance.now() - startedAt) / 1000,
        );
        this.broker.metrics.observe("analytics_batch_events", events);
        return batch;
      },

      /** Waits until everything taken so far is confirmed or refused. */
      async flush(): Promise<void> {
        await Promise.all([...this.gatherers.values()].map((gatherer) => gatherer.idle()));
      },
    },
    created() {
      this.gatherers = new Map();
    },
  });
}

/** Pieces in as few batches as hold no id twice: nearly always one. */
function withoutRepeats(group: readonly Admitted[]): Admitted[][] {
  const batches: { readonly ids: Set<string>; readonly pieces: Admitted[] }[] = [];
  for (const piece of group) {
    let batch = batches.find(({ ids }) => !piece.ids.some((id) => ids.has(id)));
    if (batch === undefined) batches.push((batch = { ids: new Set(), pieces: [] }));
    for (const id of piece.ids) batch.ids.add(id);
    batch.pieces.push(piece);
  }
  return batches.map(({ pieces }) => pieces);
}

function overloaded(): ServiceError {
  return new ServiceError(
    "QUEUE_UNAVAILABLE",
    "More events wait to be made durable than can be kept waiting",
    {
      retryAfter: 1,
    },
  );
}
