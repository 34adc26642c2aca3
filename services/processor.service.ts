import { loadConfig, type Config } from "../lib/config.ts";
import { consumerHealth } from "../lib/health.ts";
import { defineService } from "../lib/moleculer.ts";
import { ActsMixin } from "../mixins/acts.mixin.ts";
import { DeadLettersMixin } from "../mixins/processor/dead-letters.mixin.ts";
import { QuarantineMixin } from "../mixins/processor/quarantine.mixin.ts";
import { BatchProcessorMixin } from "../mixins/processor/process-batch.mixin.ts";

/**
 * Takes batches off the queue, enriches them on worker threads, stores each event once with its
 * deltas, and only then acknowledges.
 * @param enrichWorker another worker file than the product's own
 */
export const processor = (config: Config, enrichWorker?: URL) =>
  defineService(
    "processor",
    BatchProcessorMixin(config, enrichWorker),
    ActsMixin(),
    DeadLettersMixin(),
    QuarantineMixin(),
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
          return this.deadLetters(ctx);
        },
      },
      "dead.show": {
        visibility: "public",
        handler(ctx) {
          return this.deadLetter(ctx.params);
        },
      },
      "dead.holding": {
        visibility: "public",
        handler(ctx) {
          return this.deadWith(ctx);
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
      "dead.forget": {
        visibility: "public",
        handler(ctx) {
          return this.forgetErased(ctx.params.project);
        },
      },
      "quarantine.list": {
        handler(ctx) {
          return this.listQuarantine(ctx, ctx.params);
        },
      },
      "quarantine.show": {
        handler(ctx) {
          return this.showQuarantined(ctx, ctx.params.id);
        },
      },
      "quarantine.patch": {
        handler(ctx) {
          return this.patchQuarantined(ctx, ctx.params);
        },
      },
      "quarantine.drop": {
        handler(ctx) {
          return this.dropQuarantined(ctx, ctx.params.id);
        },
      },
      "quarantine.replay": {
        handler(ctx) {
          return this.replayQuarantined(ctx, ctx.params.id);
        },
      },
      "quarantine.replayMany": {
        handler(ctx) {
          return this.replayMany(ctx, ctx.params);
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
          const held = this.holding?.reason ?? null;
          return consumerHealth(depth, {
            now: Date.now(),
            sinceDoneMs: performance.now() - this.lastDoneAt,
            held,
          });
        },
      },
    },
    started() {
      this.startFinishingReplays();
      this.startForgetting();
    },
  });

export default processor(loadConfig());
