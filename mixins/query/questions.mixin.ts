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
import { SharedWork } from "../../lib/concurrency/callers.ts";
import { QuestionReads, type Hidden } from "../../lib/answers/reads.ts";
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

/** An answer as the caller gets it. */
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
  /** The calls under way, by `askedBy`. */
  openCalls: Map<string, OpenCall>;
}

/** The parts of a call that cannot be parameters of the cached action. */
interface OpenCall {
  /** Aborted once nobody waits for the answer. */
  readonly signal: AbortSignal;
  /** The events that open erasures hide. */
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
        const definition = kinds[kind];
        const { question, at } = readWithRange<Question<K>>(
          definition.form,
          raw,
          Date.now(),
          (plain) => definition.read(plain, dimensions),
        );
        const project = ctx.meta.project ?? defaultProject;
        if (definition.takesTurn(question, dimensions)) this.readsOf(project).checkTurn();
        const { from = firstInstant, to } = definition.rangeOf(question);
        const range = { from, to: to ?? lastInstant };
        const askedBy = randomUUID();
        const [begun, answered] = await this.forCaller(ctx, async (signal) => {
          const since = await this.begin();
          // Erasures are looked up before the fingerprint: one that ends in between is then seen
          // either here or by the fingerprint, which it changes.
          const hidden = (await hiddenOf(this.store, project)) ?? "none";
          const fingerprint = await this.store.fingerprint(project, range);
          const depends = [kind, project, question, fingerprint];
          if (hidden !== "none") depends.push(hidden.key);
          const key = hash("sha256", JSON.stringify(depends));
          const params: Params = { project, kind, question, key, askedBy };
          const answer = await this.shared.ask(key, signal, async (stop) => {
            this.openCalls.set(askedBy, { signal: stop, hidden });
            try {
              return await this.answered(ctx, params);
            } finally {
              this.openCalls.delete(askedBy);
            }
          });
          return [since, answer] as const;
        });
        const { ownMeta, askedBy: madeFor, ...answer } = answered;
        const cache = madeFor === askedBy ? "miss" : "hit";
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
        const { signal, hidden } = this.openCalls.get(askedBy) ?? {};
        for (let tries = 1; ; tries += 1) {
          const gone = await goneOf(store, project);
          const losses = gone && new Losses(gone);
          const reads = new QuestionReads({
            store,
            project,
            rolledUp: dimensions,
            budget,
            signal,
            hidden: hidden ?? (await hiddenOf(store, project)) ?? "none",
            losses,
            nodes: this.nodesOf,
          });
          const answer = await kinds[kind].answer(reads, question as never);
          const isSame = isDeepStrictEqual(gone, await goneOf(store, project));
          // Data that retention dropped while the answer was made may be missing in the answer.
          if (!isSame && tries < maxTries) continue;
          const reasons: Reason[] = [];
          if (!isSame || isLacking(kind, losses)) reasons.push("retention");
          if (reads.store.isErasing) reasons.push("erasing");
          if (reasons.length === 0) return answer;
          return { ...answer, ownMeta: withReasons(answer.ownMeta, reasons) };
        }
      },
    },
    created() {
      this.shared = new SharedWork();
      this.openCalls = new Map();
    },
  });
}

/**
 * How often an answer is made at most where retention drops data meanwhile. It drops data once a
 * day.
 */
const maxTries = 3;

/**
 * Whether an answer needed data that retention has dropped. The catalogue of types shows the first
 * and last events of all times, so it always needs them.
 */
function isLacking(kind: QuestionKind, losses: Losses | undefined): boolean {
  if (losses === undefined) return false;
  return losses.isTouched || (kind === "catalogTypes" && losses.rangeOf() !== undefined);
}

/** Binds an answer's cursor to the instant of its relative range, so that the next page has the same range. */
function continued<Page extends object>(answer: Page, at: number | undefined): Page {
  if (at === undefined || !("nextCursor" in answer)) return answer;
  return { ...answer, nextCursor: continuedAt(answer.nextCursor as string | null, at) };
}
