import { loadConfig, type Config } from "../lib/config.ts";
import type { DeadBatch } from "../lib/contracts.ts";
import { ServiceError } from "../lib/errors.ts";
import { consumerHealth } from "../lib/health.ts";
import { defineService } from "../lib/moleculer.ts";
import type { DeadLetter } from "../lib/queue/queue.ts";
import { BatchProcessorMixin } from "../mixins/processor/process-batch.mixin.ts";

/**
 * Takes batches off the queue, enriches them on worker threads, stores each event once with what it
 * adds to its minute, and only then acknowledges.
 * @param enrichWorker another worker file than the product's own
 */
export const processor = (config: Config, enrichWorker?: URL) =>
  defineService(
    "processor",
    BatchProcessorMixin(config, enrichWorker),
  )({
    actions: {
      backlog: {
        visibility: "public",
        handler() {
          return this.queue.depth();
        },
      },
      "dead.list": {
        visibility: "public",
        async handler(ctx) {
          return (await this.queue.dead.list(ctx.params.limit)).map(deadBatch);
        },
      },
      "dead.show": {
        visibility: "public",
        async handler(ctx) {
          const letter = await this.queue.dead.find(ctx.params.id);
          if (letter === undefined) throw noSuchLetter();
          return { ...deadBatch(letter), body: Buffer.from(letter.body).toString() };
        },
      },
      "dead.replay": {
        visibility: "public",
        async handler(ctx) {
          const { id } = ctx.params;
          if (!(await this.queue.dead.replay(id))) throw noSuchLetter();
          this.logger.info({ letter: id }, "dead letter replayed");
          return { replayed: id };
        },
      },
      tellOrder: {
        visibility: "public",
        async handler(ctx) {
          await this.store.tellOrder?.(ctx.params.forMs);
          return { told: true };
        },
      },
      health: {
        visibility: "public",
        async handler() {
          const depth = await this.queue.depth();
          const held = this.holding !== null;
          return consumerHealth(depth, {
            now: Date.now(),
            sinceDoneMs: performance.now() - this.lastDoneAt,
            held,
          });
        },
      },
    },
    async started() {
      await this.startConsuming((delivery) => this.handle(delivery));
    },
  });

function deadBatch({ id, reason, attempts, diedAt, receivedAt, body }: DeadLetter): DeadBatch {
  return {
    id,
    reason,
    attempts,
    diedAt: new Date(diedAt).toISOString(),
    receivedAt: new Date(receivedAt).toISOString(),
    sizeBytes: body.byteLength,
  };
}

function noSuchLetter(): ServiceError {
  return new ServiceError("NOT_FOUND", "There is no dead letter with this id");
}

export default processor(loadConfig());
