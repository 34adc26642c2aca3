import type { BatchId, EventId, ProjectId } from "./event/event.ts";
import type { CountsAnswer } from "./answers/counts.ts";
import type { ExportPage } from "./questions/lists/export.ts";
import type { ListAnswer } from "./questions/lists/list.ts";
import type { MailAnswer } from "./questions/mail/question.ts";
import type { AnswerMeta } from "./questions/answer-meta.ts";
import type { ShownQuestion, Precondition, OtherRange } from "./questions/saved.ts";
import type {
  CatalogProperties,
  CatalogTypes,
  CatalogValues,
} from "./questions/catalog/question.ts";
import type { FunnelResult } from "./questions/sequences/funnel.ts";
import type { PathsResult } from "./questions/sequences/paths.ts";
import type { RetentionResult } from "./questions/sequences/retention.ts";
import type { StoryAnswer } from "./questions/lists/story.ts";
import type { PublicEvent } from "./event/public-event.ts";
import type { Queried } from "./answers/query.ts";
import type { DeadBatch, ShownDeadBatch } from "./questions/lists/dead-letters.ts";
import type {
  QuarantineAnswer,
  ReplayedEvents,
  ShownQuarantinedEvent,
} from "./questions/quarantine.ts";
import type { ProposedSchema, ShownSchema, ShownVersion } from "./questions/schemas.ts";
import type { EventTrace } from "./questions/trace.ts";
import type { KnownKeys } from "./keys/known.ts";
import type { KeptOfKey } from "./keys/key-text.ts";
import type { ShownKey } from "./questions/keys.ts";
import type { KeyUse } from "./store/keys.ts";
import type { Actor, AuditLog } from "./questions/audit-log.ts";
import type { Answer, QuestionKind } from "./answers/kinds.ts";
import type { QueueDepth } from "./queue/queue.ts";
import type { StageHealth } from "./health.ts";
import type { AuditReport } from "./questions/audits.ts";
import type { ShownRetention } from "./questions/retention.ts";
import type { ShownJob } from "./questions/jobs.ts";
import type { StoredPart, StoredQuery } from "./store/stored.ts";
import type { Receipt, EventOutcome } from "./event/receipt.ts";

/** What travels beside the parameters of every call. */
export interface Meta {
  /**
   * The project that the gateway reads from the key. Other Moleculer nodes name it themselves;
   * absent means `default`.
   */
  project?: ProjectId;
  /**
   * The id of a caller that may leave before the answer: it then broadcasts `caller.left` with this
   * id, and the work for it ends.
   */
  call?: string;
  /** The caller and the id of its HTTP request, set by the gateway. Absent: the calling node. */
  actor?: Actor;
  requestId?: string;
  /**
   * The ids of some of the requests, at most `maxNamedRequests`, of a call that is made for several.
   */
  requestIds?: readonly string[];
  /**
   * The work that this call is part of, as a traceparent of W3C, and other work that it serves. Set
   * only where traces are on.
   */
  traceparent?: string;
  traceLinks?: readonly string[];
}

/** A query's answer. */
export interface QueryAnswer extends Omit<Queried, keyof Answer> {
  readonly meta: AnswerMeta;
}

/** A fold's result as an answer. */
export type WithMeta<Result> = Result & { readonly meta: AnswerMeta };

/** The dead letter that holds an event; `null` where none does, or where it is erased. */
export interface DeadHolding {
  readonly letter: DeadBatch | null;
  /**
   * Present where the event is erased and a letter still has it: when that was requested, epoch
   * milliseconds. `null` where the erasure is done, which keeps no instant of such an event.
   */
  readonly erasedAt?: number | null;
}

/** Every action by name. Handlers are checked against it, and `ctx.call` is typed by it. */
export interface Actions {
  "ingest.collect": {
    /**
     * At most 1,000 events. Those without an id get ids that follow from the call's own (`ctx.id`),
     * so a call that is delivered twice stores each once. With `waitMs` the call waits that long for
     * the events to be stored; where its project waits for too many already, not at all.
     */
    params: { readonly events: readonly unknown[]; readonly waitMs?: number };
    result: Receipt;
  };
  "ingest.health": { params: Nothing; result: StageHealth };
  "processor.backlog": { params: Nothing; result: QueueDepth };
  /** Lists dead letters, the oldest first: those of one project, or all. */
  "processor.dead.list": {
    params: { readonly limit: number; readonly project?: ProjectId };
    result: readonly DeadBatch[];
  };
  "processor.dead.show": { params: DeadLetterId; result: ShownDeadBatch };
  /** Finds the dead letter that holds an event. */
  "processor.dead.holding": {
    params: { readonly id: EventId; readonly project: ProjectId };
    result: DeadHolding;
  };
  /** Puts a dead letter back on the queue, as a first attempt. */
  "processor.dead.replay": { params: DeadLetterId; result: { readonly replayed: string } };
  /** Removes a dead letter for good: its events are neither stored nor counted. */
  "processor.dead.remove": { params: DeadLetterId; result: { readonly removed: string } };
  /** Takes erased events out of a project's dead letters. */
  "processor.dead.forget": {
    params: { readonly project: ProjectId };
    result: { readonly forgotten: number };
  };
  /** Lists events that break their schema: see docs/schemas.md. */
  "processor.quarantine.list": {
    params: Readonly<Record<string, unknown>>;
    result: QuarantineAnswer;
  };
  "processor.quarantine.show": { params: { readonly id: EventId }; result: ShownQuarantinedEvent };
  /** Changes an event in quarantine by a merge patch, or replaces it. */
  "processor.quarantine.patch": {
    params: { readonly id: EventId; readonly patch: unknown };
    result: ShownQuarantinedEvent;
  };
  "processor.quarantine.drop": {
    params: { readonly id: EventId };
    result: { readonly dropped: string };
  };
  "processor.quarantine.replay": {
    params: { readonly id: EventId };
    result: { readonly replayed: string };
  };
  "processor.quarantine.replayMany": {
    params: Readonly<Record<string, unknown>>;
    result: ReplayedEvents;
  };
  /** Makes the processor announce the order of storing for so long. */
  "processor.tellOrder": { params: { readonly forMs: number }; result: { readonly told: boolean } };
  "processor.health": { params: Nothing; result: StageHealth };
  "aggregator.audit": {
    params: { readonly from: number; readonly to: number };
    result: AuditReport;
  };
  /** Begins a job that compares rollups with the events, or makes them again. */
  "aggregator.audits.begin": { params: { readonly body: unknown }; result: ShownJob };
  "aggregator.rollups.rebuild": { params: { readonly body: unknown }; result: ShownJob };
  "aggregator.retention.get": { params: Nothing; result: ShownRetention };
  "aggregator.retention.put": { params: { readonly body: unknown }; result: ShownRetention };
  /** Each begins a job; the events are erased when the job is done. See docs/operations.md. */
  "aggregator.erase.event": {
    params: { readonly id: EventId } & Readonly<Record<string, unknown>>;
    result: ShownJob;
  };
  "aggregator.erase.events": { params: Readonly<Record<string, unknown>>; result: ShownJob };
  "aggregator.erase.subject": {
    params: { readonly userId: string } & Readonly<Record<string, unknown>>;
    result: ShownJob;
  };
  /** Lists jobs, the newest first. */
  "aggregator.jobs.list": {
    params: Readonly<Record<string, unknown>>;
    result: { readonly data: readonly ShownJob[] };
  };
  "aggregator.jobs.get": { params: { readonly id: string }; result: ShownJob };
  "aggregator.health": { params: Nothing; result: StageHealth };
  "query.events": { params: Readonly<Record<string, unknown>>; result: ListAnswer };
  /**
   * Returns a part of an export, by the filters of `query.events`, `format`, `fields`, `order` and
   * the `cursor` of the part before. The caller decides when the next part is read, so nothing
   * piles up on the way.
   */
  "query.export": { params: Readonly<Record<string, unknown>>; result: ExportPage };
  /** Returns the same of a person's events, those in quarantine first. */
  "query.exportSubject": {
    params: Readonly<Record<string, unknown>> & { readonly userId: string };
    result: ExportPage;
  };
  /** Answers what became of mails: see docs/mail-report.md. */
  "query.mailReport": { params: Readonly<Record<string, unknown>>; result: MailAnswer };
  /** Lists saved questions without their bodies. */
  "query.saved.list": { params: Nothing; result: { data: readonly ShownQuestion[] } };
  "query.saved.get": {
    params: { readonly name: string };
    result: { readonly version: string; readonly saved: ShownQuestion };
  };
  /** Reads the question as an answer would, and saves it. */
  "query.saved.put": {
    params: { readonly name: string; readonly body: unknown; readonly demand?: Precondition };
    result: { readonly created: boolean; readonly version: string; readonly saved: ShownQuestion };
  };
  "query.saved.remove": {
    params: { readonly name: string; readonly demand?: Precondition };
    result: { readonly removed: string };
  };
  /**
   * Answers a saved question, with another range where `from`, `to` or `range` are given; the
   * answer is that of its kind.
   */
  "query.saved.results": {
    params: { readonly name: string } & OtherRange;
    result: object;
  };
  /** Lists the keys of a project, also those that ended lately: see docs/security.md. */
  "query.keys.list": { params: Nothing; result: { data: readonly ShownKey[] } };
  "query.keys.get": { params: { readonly id: string }; result: ShownKey };
  /** The caller makes the key's text (`makeKey`), so that no key travels. */
  "query.keys.create": {
    params: { readonly body: unknown; readonly kept: KeptOfKey };
    result: ShownKey;
  };
  "query.keys.rotate": {
    params: { readonly id: string; readonly body: unknown; readonly kept: KeptOfKey };
    result: ShownKey;
  };
  "query.keys.revoke": { params: { readonly id: string }; result: { readonly revoked: string } };
  /**
   * Returns the valid keys of all projects, for gateways; no keys where the caller has this
   * version.
   */
  "query.keys.known": { params: { readonly version?: number }; result: KnownKeys };
  "query.keys.used": { params: { readonly uses: readonly KeyUse[] }; result: null };
  /** Lists the schemas of event types: see docs/schemas.md. */
  "query.schemas.list": { params: Nothing; result: { data: readonly ShownSchema[] } };
  "query.schemas.get": { params: { readonly type: string }; result: ShownSchema };
  "query.schemas.versions": {
    params: { readonly type: string } & Readonly<Record<string, unknown>>;
    result: { data: readonly ShownVersion[] };
  };
  /** Saves a new version of a schema. */
  "query.schemas.put": {
    params: { readonly type: string; readonly body: unknown };
    result: { readonly created: boolean; readonly saved: ShownSchema };
  };
  "query.schemas.remove": {
    params: { readonly type: string };
    result: { readonly removed: string };
  };
  /** Proposes a schema that the newest events meet. */
  "query.schemas.infer": {
    params: { readonly type: string } & Readonly<Record<string, unknown>>;
    result: ProposedSchema;
  };
  /** Lists administrative acts: see docs/security.md. */
  "query.auditLog": { params: Readonly<Record<string, unknown>>; result: AuditLog };
  "query.event": { params: { readonly id: EventId }; result: PublicEvent };
  /** Says where an event is, also before it is stored. */
  "query.trace": { params: { readonly id: EventId }; result: EventTrace };
  "query.counts": { params: Readonly<Record<string, unknown>>; result: CountsAnswer };
  "query.run": { params: Readonly<Record<string, unknown>>; result: QueryAnswer };
  "query.funnel": { params: Readonly<Record<string, unknown>>; result: WithMeta<FunnelResult> };
  "query.retention": {
    params: Readonly<Record<string, unknown>>;
    result: WithMeta<RetentionResult>;
  };
  "query.paths": { params: Readonly<Record<string, unknown>>; result: WithMeta<PathsResult> };
  "query.story": { params: Readonly<Record<string, unknown>>; result: StoryAnswer };
  /** Lists what questions can be about: see docs/questions.md. */
  "query.catalog.types": { params: Readonly<Record<string, unknown>>; result: CatalogTypes };
  "query.catalog.properties": {
    params: Readonly<Record<string, unknown>>;
    result: CatalogProperties;
  };
  "query.catalog.values": { params: Readonly<Record<string, unknown>>; result: CatalogValues };
  "query.answered": {
    params: {
      readonly project: ProjectId;
      readonly kind: QuestionKind;
      /** The question as the kind's reader gave it. */
      readonly question: unknown;
      /** The fingerprint of what the answer depends on. */
      readonly key: string;
      /** The id of the call of `ask`. An answer with another id came from the cache. */
      readonly askedBy: string;
    };
    result: Answer & { readonly askedBy: string };
  };
  /**
   * Folds a part of a question of another query node. The manifest, the request (`PartRequest`) and
   * the folded part are packed; nodes read only their own version's format.
   */
  "query.part": {
    params: {
      readonly format: number;
      readonly manifest: string;
      readonly asked: string;
      readonly timeoutMs: number;
    };
    result: { readonly part: string; readonly events: number };
  };
  /**
   * Returns the events that were stored behind a place, of any projects, for those that follow the
   * order of storing.
   */
  "query.stored": { params: StoredQuery; result: StoredPart };
  /**
   * Counts the events of each second in the `seconds` before an instant (epoch milliseconds), the
   * newest last.
   */
  "query.seconds": {
    params: { readonly to: number; readonly seconds: number };
    result: readonly number[];
  };
  "query.outcome": {
    params: { readonly id: EventId; readonly batch: BatchId; readonly hash: string };
    result: EventOutcome;
  };
  "query.health": { params: Nothing; result: StageHealth };
  /** Whether the gateway sends calls to all of these services of a node. */
  "api-gateway.knows": {
    params: { readonly nodeID: string; readonly services: readonly string[] };
    result: boolean;
  };
}

/** A dead letter; where a project is given, only if it is of that one. */
interface DeadLetterId {
  readonly id: string;
  readonly project?: ProjectId;
}

type Nothing = Readonly<Record<string, never>>;

/** Facts that wake other services. A lost fact costs time, never a result. */
export interface Facts {
  "events.stored": {
    readonly project: ProjectId;
    readonly batch: BatchId;
    readonly events: number;
  };
  /** The set of valid keys has changed. */
  "keys.changed": Nothing;
  /** The schemas have changed. */
  "schemas.changed": Nothing;
  /** The caller of the call with this `meta.call` has left. */
  "caller.left": { readonly call: string };
}
