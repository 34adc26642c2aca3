import type { Config } from "../lib/config.ts";
import { defaultProject, type AnswerMeta } from "../lib/contracts.ts";
import { pageOf, readListQuestion, type ListAnswer } from "../lib/analytics/list-question.ts";
import type { Raw } from "../lib/analytics/read-question.ts";
import { callEveryNode } from "../lib/every-node.ts";
import { publicEvent, selectFields } from "../lib/event/public-event.ts";
import { defineMixin, type TypedContext } from "../lib/moleculer.ts";
import { StoreMixin, type Storing } from "./store.mixin.ts";

export type Caller = Pick<TypedContext<unknown>, "call" | "meta">;

/** How far answers are known to reach, and the question about it that is under way. */
interface Proof {
  provenAsOf: number;
  asking: Promise<void> | null;
  /** Whether the last question got no answer. */
  untold: boolean;
}

const askWithinMs = 1_000;

/** What AnswersMixin gives to `this`. */
export interface Answering {
  begin(ctx: Caller): Promise<Begun>;
  metaOf(begun: Begun, found: Pick<AnswerMeta, "exact" | "source" | "cache">): AnswerMeta;
}

/** When an answer was begun and how far it reaches, both epoch milliseconds. */
export interface Begun {
  readonly startedAt: number;
  readonly asOf: number;
}

/** Gives a service the answers to reads, each with its `meta`. */
export function AnswersMixin(config: Config) {
  return defineMixin<Storing & Proof>()({
    mixins: [StoreMixin(config)],
    methods: {
      /**
       * Everything accepted before `asOf` is stored by now: to be asked before anything is read. What a
       * processor that does not answer may hold is not known, so then no more is claimed than before.
       */
      async begin(ctx: Caller): Promise<Begun> {
        const startedAt = Date.now();
        this.asking ??= this.askBacklog(ctx).finally(() => (this.asking = null));
        await this.asking;
        return { startedAt, asOf: this.provenAsOf };
      },

      /** Proofs never get wrong with time, so concurrent reads share one. */
      async askBacklog(ctx: Caller): Promise<void> {
        const askedAt = Date.now();
        try {
          const call: Caller["call"] = (...args) => ctx.call(...args);
          const depths = await callEveryNode(
            this.broker,
            call,
            "processor.backlog",
            {},
            askWithinMs,
          );
          const oldest = [...depths.values()].map((depth) => depth.oldestReceivedAt ?? askedAt);
          this.provenAsOf = Math.min(askedAt, ...oldest);
          if (this.untold) this.logger.info("all processors tell their backlog again");
          this.untold = false;
        } catch (error) {
          if (!this.untold) {
            this.logger.warn({ err: error }, "a processor does not tell its backlog");
          }
          this.untold = true;
        }
      },

      metaOf(
        { startedAt, asOf }: Begun,
        found: Pick<AnswerMeta, "exact" | "source" | "cache">,
      ): AnswerMeta {
        const now = Date.now();
        return {
          asOf: new Date(asOf).toISOString(),
          lagMs: Math.max(0, now - asOf),
          ...found,
          tookMs: now - startedAt,
        };
      },

      async listAnswer(ctx: Caller, raw: Raw): Promise<ListAnswer> {
        const question = readListQuestion(raw);
        const { filter, order, limit, after, fields } = question;
        const asked = { ...filter, project: ctx.meta.project ?? defaultProject };
        const begun = await this.begin(ctx);
        const [found, total] = await Promise.all([
          this.store.events({ ...asked, order, limit: limit + 1, after }),
          question.total ? this.store.countEvents(asked) : undefined,
        ]);
        const { events, page } = pageOf(found, question);
        const shown = events.map(publicEvent);
        return {
          data: fields === undefined ? shown : shown.map((event) => selectFields(event, fields)),
          page,
          ...(total !== undefined && { total }),
          meta: this.metaOf(begun, { exact: true, source: "events", cache: "miss" }),
        };
      },
    },
    created() {
      this.provenAsOf = 0;
      this.asking = null;
      this.untold = false;
    },
  });
}
