import { hash, randomUUID } from "node:crypto";
import { isDeepStrictEqual } from "node:util";
import type { Config } from "../../lib/config.ts";
import { type Actions } from "../../lib/contracts.ts";
import { type AnswerMeta, type Reason } from "../../lib/questions/answer-meta.ts";
import { defaultProject } from "../../lib/event/event.ts";
import { rolledUp } from "../../lib/counting/dimensions.ts";
import type { Raw } from "../../lib/questions/reading/field.ts";
import { firstInstant, lastInstant } from "../../lib/event/instant.ts";
import { defineMixin } from "../../lib/moleculer.ts";
import { SharedWork } from "../../lib/concurrency/shared-work.ts";
import { QuestionContext, type Hidden } from "../../lib/answers/reading.ts";
import { Losses, withReasons } from "../../lib/answers/losses.ts";
import {
  kinds,
  type Answer,
  type Question,
  type QuestionKind,
  type Questions,
} from "../../lib/answers/kinds.ts";
import { continuedAt, readWithRange } from "../../lib/questions/reading/relative-range.ts";
import { hiddenOf } from "../../lib/store/hidden.ts";
import { goneOf } from "../../lib/store/retention.ts";
import type { Answering, Caller } from "./answers.mixin.ts";
import type { Dividing } from "./parts.mixin.ts";

type Params = Actions["query.answered"]["params"];

type Answered = (
  params: Params,
  options: { readonly parentCtx: Caller },
) => Promise<Actions["query.answered"]["result"]>;

/** An answer as its asker gets it. */
type Reply<K extends QuestionKind> = Omit<Questions[K]["answer"], keyof Answer> & {
  readonly meta: AnswerMeta;
};

/** What QuestionsMixin gives to `this`. */
export interface Questioning {
  /** @throws ServiceError VALIDATION, QUERY_TOO_EXPENSIVE, TOO_MANY_REQUESTS */
  ask<K extends QuestionKind>(ctx: Caller, kind: K, raw: Raw): Promise<Reply<K>>;
}

interface Sharing {
  shared: SharedWork<Actions["query.answered"]["result"]>;
  waitedFor: Map<string, Asked>;
}

/** What an answer that is being made must know of its caller. */
interface Asked {
  /** Aborted once nobody waits for the answer. */
  readonly signal: AbortSignal;
  /** What open erasures hide. */
  readonly hidden: Hidden;
}

/**
 * Gives a service the answers to questions of every kind, read, within a budget, cached, with
 * `meta`.
 */
export function QuestionsMixin(config: Config) {
  const dimensions = rolledUp(config.rollupDimensions);

  return defineMixin<{ needs: Answering & Dividing; state: Sharing }>()({
    methods: {
      async ask<K extends QuestionKind>(ctx: Caller, kind: K, raw: Raw): Promise<Reply<K>> {
        const reader = kinds[kind];
        const { question, at } = readWithRange<Question<K>>(reader.form, raw, Date.now(), (plain) =>
          reader.read(plain, dimensions),
        );
        const project = ctx.meta.project ?? defaultProject;
        if (kinds[kind].takesTurn(question, dimensions)) this.readingOf(project).checkTurn();
        const { from = firstInstant, to } = kinds[kind].rangeOf(question);
        const range = { from, to: to ?? lastInstant };
        const askedBy = randomUUID();
        const [begun, answered] = await this.forCaller(ctx, async (signal) => {
          const since = await this.begin();
          // Before the fingerprint: an erasure that is done by now has changed the fingerprint.
          const hidden = (await hiddenOf(this.store, project)) ?? "none";
          const fingerprint = await this.store.fingerprint(project, range);
          const depends = [kind, project, question, fingerprint];
          if (hidden !== "none") depends.push(hidden.key);
          const key = hash("sha256", JSON.stringify(depends));
          const params: Params = { project, kind, question, key, askedBy };
          const answer = await this.shared.ask(key, signal, async (stop) => {
            this.waitedFor.set(askedBy, { signal: stop, hidden });
            try {
              return await this.answered(ctx, params);
            } finally {
              this.waitedFor.delete(askedBy);
            }
          });
          return [since, answer] as const;
        });
        const { ownMeta, askedBy: answeredTo, ...answer } = answered;
        const cache = answeredTo === askedBy ? "miss" : "hit";
        this.metrics.increment("analytics_cache_answers_total", { result: cache });
        const meta = this.metaOf(begun, { project, ...range }, { ...ownMeta, cache });
        return { ...continued(answer, at), meta } as Reply<K>;
      },

      /** The service's own action, through the cacher. */
      answered(ctx: Caller, params: Params): Promise<Actions["query.answered"]["result"]> {
        const { answered } = this.actions as { answered: Answered };
        return answered(params, { parentCtx: ctx });
      },

      async answerTo({ project, kind, question, askedBy }: Params): Promise<Answer> {
        const { store, budget } = this;
        const { signal, hidden } = this.waitedFor.get(askedBy) ?? {};
        for (let tries = 1; ; tries += 1) {
          const gone = await goneOf(store, project);
          const losses = gone && new Losses(gone);
          const nodes = this.nodesOf;
          const circumstances = {
            store,
            project,
            rolledUp: dimensions,
            budget,
            signal,
            hidden: hidden ?? (await hiddenOf(store, project)) ?? "none",
            losses,
            nodes,
          };
          const context = new QuestionContext(circumstances);
          const answer = await kinds[kind].answer(context, question as never);
          const isSame = isDeepStrictEqual(gone, await goneOf(store, project));
          // What was dropped while the answer was made may be missing in it.
          if (!isSame && tries < maxTries) continue;
          const reasons: Reason[] = [];
          if (!isSame || isLacking(kind, losses)) reasons.push("retention");
          if (context.store.isErasing) reasons.push("erasing");
          if (reasons.length === 0) return answer;
          return { ...answer, ownMeta: withReasons(answer.ownMeta, reasons) };
        }
      },
    },
    created() {
      this.shared = new SharedWork();
      this.waitedFor = new Map();
    },
  });
}

/** How often an answer is made again because something was dropped meanwhile: once a day at most. */
const maxTries = 3;

/** Whether an answer needed something that is gone. First and last events are of all times. */
function isLacking(kind: QuestionKind, losses: Losses | undefined): boolean {
  if (losses === undefined) return false;
  return losses.isTouched || (kind === "catalogTypes" && losses.range !== undefined);
}

/** An answer whose next page is of the range that this one is of. */
function continued<Page extends object>(answer: Page, at: number | undefined): Page {
  if (at === undefined || !("nextCursor" in answer)) return answer;
  return { ...answer, nextCursor: continuedAt(answer.nextCursor as string | null, at) };
}
