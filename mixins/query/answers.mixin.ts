import type { Config } from "../../lib/config.ts";
import {
  type AnswerMeta,
  exactness,
  metaRange,
  type Exactness,
  type OwnMeta,
  type Reason,
} from "../../lib/questions/answer-meta.ts";
import { defaultProject, type ProjectId } from "../../lib/event/event.ts";
import {
  pageShown,
  readListQuestion,
  rowsMeta,
  type ListAnswer,
} from "../../lib/questions/lists/list.ts";
import { writtenList } from "../../lib/questions/lists/written-list.ts";
import type { Raw } from "../../lib/questions/reading/field.ts";
import {
  asParameters,
  continuedAt,
  readWithRange,
} from "../../lib/questions/reading/relative-range.ts";
import { turnWithinMs, answerMs, heartbeats, maxSentPageBytes } from "../../lib/call-limits.ts";
import { Backlogs } from "../../lib/runtime/backlogs.ts";
import { firstInstant, lastInstant } from "../../lib/event/instant.ts";
import { publicEvent, selectFields } from "../../lib/event/public-event.ts";
import { AnswersUnderWay } from "../../lib/concurrency/held-bytes.ts";
import { defineMixin, type TypedContext } from "../../lib/moleculer.ts";
import type { EventFilter } from "../../lib/event/filter.ts";
import { Losses } from "../../lib/answers/losses.ts";
import { goneBy, goneOf, type Gone } from "../../lib/store/retention.ts";
import { AsOf } from "../../lib/answers/as-of.ts";
import { type Budget, Pace } from "../../lib/answers/budget.ts";
import { BudgetedReads } from "../../lib/answers/reads.ts";
import { scansEvents } from "../../lib/store/scanning.ts";
import { StoreMixin, type Storing } from "../store.mixin.ts";
import { tooMany, ServiceError } from "../../lib/errors.ts";
import { FairLanes } from "../../lib/concurrency/semaphore.ts";
import { Callers, endingWithin } from "../../lib/concurrency/callers.ts";

/**
 * How many pages of events, of the largest size at most, are in memory at a time before they are
 * answers.
 */
const pagesAtOnce = 3;
const maxPagesWaiting = 200;

/**
 * How many reads of counts are carried out at a time: on SQLite as many as one project leaves the
 * reading threads free for others; on MongoDB most of their time is the way to the server.
 */
const sumsAtOnce = { sqlite: 3, mongodb: 16 } as const;
const maxSumsWaiting = 200;

/**
 * The most waiting parts of other nodes' questions; a node whose part is refused folds it itself.
 */
const maxPartsWaiting = 4;

/**
 * The bounds that all reads of one process share.
 * @param answers counts the bytes of answers that are made and sent
 */
function budgetOf(config: Config, answers: Budget["answers"]): Budget {
  const { queryConcurrency, queryTimeoutMs, rabbitmqUrl, reading } = config;
  const maxPageBytes = rabbitmqUrl === null ? Infinity : maxSentPageBytes;
  const lanesOf = (concurrency: number, maxWaiting: number) =>
    new FairLanes({ concurrency, maxWaiting, maxWaitMs: turnWithinMs }, busy);
  return {
    maxEvents: config.queryMaxEvents,
    timeoutMs: queryTimeoutMs,
    maxPageBytes: Math.min(reading.pageMaxBytes, maxPageBytes),
    lanes: lanesOf(queryConcurrency, reading.maxWaiting),
    parts: lanesOf(queryConcurrency, maxPartsWaiting),
    pace: new Pace(),
    shareEvents: config.queryShareEvents,
    pages: lanesOf(pagesAtOnce, maxPagesWaiting),
    sums: lanesOf(
      config.mongodbUri === null ? sumsAtOnce.sqlite : sumsAtOnce.mongodb,
      maxSumsWaiting,
    ),
    answers,
  };
}

function busy(): ServiceError {
  return tooMany("reads_waiting", "Too many of your reads wait for their turn", 2);
}

export type Caller = Pick<TypedContext<unknown>, "call" | "meta">;

interface Proving {
  proof: AsOf;
  backlogs: Backlogs;
  /** True after a failed request for the backlog, so that its failure is logged once. */
  backlogUnknown: boolean;
  budget: Budget;
  answers: AnswersUnderWay;
  observing: NodeJS.Timeout;
}

const observeEveryMs = 1_000;

/** What AnswersMixin gives to `this`. */
export interface Answering extends Storing, Waited {
  readonly budget: Budget;
  readsOf(project: ProjectId, signal?: AbortSignal): BudgetedReads;
  begin(): Promise<Begun>;
  wholeness(filter: EventFilter, isErasing: boolean): Promise<Exactness>;
  metaOf(begun: Begun, about: About, found: OwnMeta & Pick<AnswerMeta, "cache">): AnswerMeta;
}

/** The events that an answer needs, and maybe more. */
interface About {
  readonly project: ProjectId;
  readonly from?: number | undefined;
  readonly to?: number | undefined;
}

/** When an answer was begun and how far it reaches, both epoch milliseconds. */
export interface Begun {
  readonly startedAt: number;
  /**
   * The same moment by `performance.now()`, since the wall clock may be set while the answer is
   * made.
   */
  readonly steadyAt: number;
  readonly asOf: number;
}

/** Gives a service the answers to reads, each with its `meta`. */
export function AnswersMixin(config: Config) {
  return defineMixin<{ state: Proving }>()({
    mixins: [StoreMixin(config), CallersMixin(config)],
    methods: {
      /**
       * Returns the instant `asOf` up to which every accepted event is stored. It must be called
       * before any other read for the answer. While a processor does not answer, its backlog is
       * unknown, and `asOf` stays at the last proven instant.
       */
      async begin(): Promise<Begun> {
        const startedAt = Date.now();
        const steadyAt = performance.now();
        return { startedAt, steadyAt, asOf: await this.proof.reach() };
      },

      /** The store as one caller reads it. */
      readsOf(project: ProjectId, signal?: AbortSignal): BudgetedReads {
        return new BudgetedReads({ store: this.store, project, budget: this.budget, signal });
      },

      /**
       * @throws where a processor does not report its backlog; logged when that begins and when it
       * ends
       */
      async fetchBacklog(requestedAt: number): Promise<number> {
        try {
          const depths = await this.backlogs.ask();
          if (this.backlogUnknown)
            this.logger.info({}, "all processors report their backlog again");
          this.backlogUnknown = false;
          const oldest = depths.map((depth) => depth.oldestReceivedAt ?? requestedAt);
          return Math.min(requestedAt, ...oldest);
        } catch (error) {
          if (!this.backlogUnknown) {
            this.logger.warn({ err: error }, "a processor does not report its backlog");
          }
          this.backlogUnknown = true;
          throw error;
        }
      },

      metaOf(
        { steadyAt, asOf }: Begun,
        { project, from = firstInstant, to = lastInstant }: About,
        found: OwnMeta & Pick<AnswerMeta, "cache">,
      ): AnswerMeta {
        // Rollups counted an event when it was whole.
        const leavesOut =
          found.source !== "rollup" && this.store.leavesOut?.(project, from, to) === true;
        return {
          asOf: new Date(asOf).toISOString(),
          lagMs: Math.max(0, Date.now() - asOf),
          ...found,
          ...(leavesOut && exactness([...(found.because ?? []), "damaged"])),
          tookMs: Math.round(performance.now() - steadyAt),
        };
      },

      /**
       * Whether events of a filter may be missing: retention has dropped them, an erasure hides
       * them, or they are damaged. It must be called after the events were read.
       * @param isErasing `isErasing` of the reads
       */
      async wholeness(filter: EventFilter, isErasing: boolean): Promise<Exactness> {
        return this.wholenessBy(filter, isErasing, await goneOf(this.store, filter.project));
      },

      wholenessBy(filter: EventFilter, isErasing: boolean, gone: Gone | undefined): Exactness {
        const losses = gone && new Losses(gone);
        losses?.readsEvents(filter);
        const reasons: Reason[] = isErasing ? ["erasing"] : [];
        if (losses?.isTouched === true) reasons.push("retention");
        const { project, from = firstInstant, to = lastInstant } = filter;
        if (this.store.leavesOut?.(project, from, to) === true) reasons.push("damaged");
        return exactness(reasons);
      },

      /** Sets the gauges of running and waiting reads. */
      observeReads(): void {
        const { metrics } = this;
        const lanes = { scan: this.budget.lanes, page: this.budget.pages, sum: this.budget.sums };
        for (const lane of ["scan", "page", "sum"] as const) {
          const { load } = lanes[lane];
          metrics.set("analytics_reads_running", load.running, { lane });
          metrics.set("analytics_reads_waiting", load.waiting, { lane });
        }
        metrics.set("analytics_store_reads", this.store.reading);
        metrics.set("analytics_answer_bytes", this.answers.heldBytes);
      },

      async listAnswer(ctx: Caller, raw: Raw): Promise<ListAnswer> {
        const { question, at } = readWithRange(asParameters, raw, Date.now(), readListQuestion);
        const { filter, order, limit, after, fields } = question;
        const wanted = { ...filter, project: ctx.meta.project ?? defaultProject };
        if (scansEvents(wanted)) this.readsOf(wanted.project).checkTurn();
        const [when, found, total, isErasing] = await this.forCaller(ctx, async (signal) => {
          const begun = await this.begin();
          const reads = this.readsOf(wanted.project, signal);
          const query = { ...wanted, order, limit, after };
          const read = async () => (await reads.listed(query, fields)) ?? (await reads.page(query));
          const [page, count] = await Promise.all([
            read(),
            question.total ? reads.countEvents(wanted) : undefined,
          ]);
          return [begun, page, count, reads.isErasing] as const;
        });
        const page = pageShown(found, question);
        const isWritten = "json" in found;
        const rows = isWritten ? found.events : found.events.length;
        const { from, to } = filter;
        const rest = {
          page: { ...page, nextCursor: continuedAt(page.nextCursor, at) },
          ...(total !== undefined && { total }),
          meta: this.metaOf(when, wanted, {
            ...(isWritten
              ? this.wholenessBy(wanted, isErasing, goneBy(found.retention))
              : await this.wholeness(wanted, isErasing)),
            source: "events",
            ...rowsMeta(rows, page, { isFirst: after === undefined, total }),
            ...(from !== undefined && to !== undefined && { range: metaRange({ from, to }) }),
            cache: "miss",
          }),
        };
        if (isWritten) return writtenList(found.json, rest);
        const shown = found.events.map(publicEvent);
        return {
          data: fields === undefined ? shown : shown.map((event) => selectFields(event, fields)),
          ...rest,
        };
      },
    },
    events: {
      "$node.connected"() {
        this.backlogs.look();
      },
      "$node.updated"() {
        this.backlogs.look();
      },
      "$node.disconnected"({ params }) {
        const { node, unexpected } = (params ?? {}) as GoneNode;
        if (typeof node?.id === "string" && unexpected === true) this.backlogs.lost(node.id);
      },
    },
    created() {
      this.backlogs = new Backlogs(this.broker);
      this.proof = new AsOf((requestedAt) => this.fetchBacklog(requestedAt));
      this.backlogUnknown = false;
      this.answers = AnswersUnderWay.of(this.broker, config.reading.answerMaxBytes);
      this.budget = budgetOf(config, this.answers);
    },
    started() {
      this.backlogs.look();
      this.observing = setInterval(() => this.observeReads(), observeEveryMs).unref();
    },
    stopped() {
      clearInterval(this.observing);
    },
  });
}

type Calling = Pick<TypedContext<unknown>, "meta"> & { readonly nodeID?: string | null };

/** What CallersMixin gives to `this`. */
interface Waited {
  /**
   * Does some work for a caller; the signal is aborted once the caller has left, where it said how
   * it will tell.
   * @throws ServiceError OVERLOADED where there is no answer in time, whatever hangs
   */
  forCaller<T>(ctx: Calling, work: (signal: AbortSignal) => Promise<T>): Promise<T>;
}

interface GoneNode {
  readonly node?: { readonly id?: unknown };
  /** True where heartbeats were missed, false where the node said that it stops. */
  readonly unexpected?: unknown;
}

/**
 * Gives a service `this.forCaller(ctx, work)`. A caller that may leave gives its call an id
 * (`meta.call`) and broadcasts `caller.left` with it; that a caller's node is gone is noticed too.
 */
function CallersMixin({ queryTimeoutMs }: Config) {
  const withinMs = answerMs(queryTimeoutMs);
  const late = () => new ServiceError("OVERLOADED", `there was no answer within ${withinMs} ms`);

  return defineMixin<{ state: { callers: Callers } }>()({
    methods: {
      async forCaller<T>(
        { meta: { call }, nodeID }: Calling,
        work: (signal: AbortSignal) => Promise<T>,
      ): Promise<T> {
        if (call === undefined) return endingWithin(withinMs, late, undefined, work);
        const left = this.callers.begin(call, nodeID);
        try {
          return await endingWithin(withinMs, late, left, work);
        } finally {
          this.callers.end(call);
        }
      },
    },
    events: {
      "caller.left"({ params }) {
        const { call } = (params ?? {}) as { readonly call?: unknown };
        if (typeof call === "string") this.callers.left(call);
      },
      "$node.disconnected"({ params }) {
        const { node, unexpected } = (params ?? {}) as GoneNode;
        if (typeof node?.id !== "string") return;
        this.callers.lost(node.id, unexpected === true ? heartbeats.timeoutSeconds * 1_000 : 0);
      },
    },
    created() {
      this.callers = new Callers();
    },
  });
}
