import { loadConfig, type Config } from "../lib/config.ts";
import { defaultProject } from "../lib/event/event.ts";
import { catalogue, errorType } from "../lib/errors.ts";
import { publisherHealth } from "../lib/health.ts";
import { defineService, checkCall } from "../lib/moleculer.ts";
import { CollectCallMixin } from "../mixins/ingest/collect-call.mixin.ts";
import { CollectMixin } from "../mixins/ingest/collect.mixin.ts";
import { WaitStoredMixin } from "../mixins/ingest/wait-stored.mixin.ts";

/** Accepts events. Answers when the queue has confirmed them, not when they are stored. */
export const ingest = (config: Config) =>
  defineService(
    "ingest",
    CollectMixin(config),
    WaitStoredMixin(),
    CollectCallMixin(),
  )({
    actions: {
      collect: {
        visibility: "public",
        handler(ctx) {
          return this.answerCollect(ctx);
        },
      },
      health: {
        visibility: "public",
        handler() {
          return publisherHealth(this.queue);
        },
      },
    },
    events: {
      /**
       * Fire and forget, for other nodes: one event or an array of them. Lost where no ingest runs.
       */
      async "analytics.track"(ctx) {
        checkCall(ctx);
        const events: readonly unknown[] = Array.isArray(ctx.params) ? ctx.params : [ctx.params];
        try {
          const { id, meta } = ctx;
          const { receipt } = await this.collect(events, meta.project ?? defaultProject, { id });
          if (receipt.rejected > 0)
            this.logger.warn({ rejected: receipt.rejected }, "tracked events were refused");
        } catch (error) {
          // No caller waits for an answer. Events that are sent again with the same ids count once.
          const reason = errorType(error);
          if (!catalogue[reason].retryable) throw error;
          this.logger.warn({ reason, events: events.length }, "tracked events may be lost");
        }
      },
    },
  });

export default ingest(loadConfig());
