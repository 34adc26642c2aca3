import { loadConfig, type Config } from "../lib/config.ts";
import { defaultProject } from "../lib/contracts.ts";
import { ServiceError } from "../lib/errors.ts";
import { publicEvent } from "../lib/event/public-event.ts";
import { storeHealth } from "../lib/health.ts";
import { defineService } from "../lib/moleculer.ts";
import { counted } from "../lib/store/counted.ts";
import { AnswersMixin } from "../mixins/answers.mixin.ts";
import { EntitiesMixin } from "../mixins/entities.mixin.ts";

/** Answers reads: events, one or many, and counts. Never writes. */
export const query = (config: Config) =>
  defineService(
    "query",
    AnswersMixin(config),
    EntitiesMixin(),
  )({
    actions: {
      events: {
        handler(ctx) {
          return this.listAnswer(ctx, ctx.params);
        },
      },
      event: {
        params: { $$strict: true, id: "string|min:1|max:128" },
        async handler(ctx) {
          const found = await this.store.event(ctx.meta.project ?? defaultProject, ctx.params.id);
          if (found === undefined)
            throw new ServiceError("NOT_FOUND", "There is no event with this id");
          return publicEvent(found);
        },
      },
      counts: {
        handler(ctx) {
          return this.countsAnswer(ctx, ctx.params);
        },
      },
      /** The part of a counts answer that is cached: its key changes with every change of what it counts. */
      counted: {
        visibility: "protected",
        // Who asks the same at the same time waits for the first one's answer.
        cache: { keys: ["key"], lock: { enabled: true } },
        async handler(ctx) {
          const { project, question, until, askedBy } = ctx.params;
          return { ...(await counted(this.store, project, question, until)), askedBy };
        },
      },
      outcome: {
        visibility: "public",
        async handler(ctx) {
          const { id, batch, hash } = ctx.params;
          const found = await this.store.event(ctx.meta.project ?? defaultProject, id);
          if (found === undefined) return "pending";
          if (found.batch === batch) return "stored";
          return found.hash === hash ? "duplicate" : "conflict";
        },
      },
      health: {
        visibility: "public",
        handler() {
          return storeHealth(this.store);
        },
      },
    },
  });

export default query(loadConfig());
