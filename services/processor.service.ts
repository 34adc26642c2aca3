import { loadConfig, type Config } from "../lib/config.ts";
import { consumerHealth } from "../lib/health.ts";
import { defineService } from "../lib/moleculer.ts";
import { ActsMixin } from "../mixins/acts.mixin.ts";
import { DeadLettersMixin } from "../mixins/processor/dead-letters.mixin.ts";
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
    ActsMixin(),
    DeadLettersMixin(),
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
        handler(ctx) {
          return this.deadLetters(ctx.params);
        },
      },
      "dead.show": {
        visibility: "public",
        handler(ctx) {
          return this.deadLetter(ctx.params);
        },
      },
      "dead.replay": {
        visibility: "public",
        handler(ctx) {
          return this.replayDead(ctx, ctx.params);
        },
      },
      "dead.remove": {
        visibility: "public",
        handler(ctx) {
          return this.removeDead(ctx, ctx.params);
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

export default processor(loadConfig());
