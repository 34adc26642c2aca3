import { loadConfig, type Config } from "../lib/config.ts";
import { consumerHealth } from "../lib/health.ts";
import { defineService } from "../lib/moleculer.ts";
import { BatchProcessorMixin } from "../mixins/batch-processor.mixin.ts";

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
      health: {
        visibility: "public",
        async handler() {
          const depth = await this.queue.depth();
          const held = this.holding !== null;
          return consumerHealth(depth, { now: Date.now(), lastDoneAt: this.lastDoneAt, held });
        },
      },
    },
    async started() {
      await this.startConsuming((delivery) => this.handle(delivery));
    },
  });

export default processor(loadConfig());
