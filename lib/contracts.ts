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
import type { GivenKey, ShownKey } from "./questions/keys.ts";
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
   * Set by the gateway from the key. Other Moleculer nodes name it themselves; absent means
   * `default`.
   */
  project?: ProjectId;
  /**
   * Whoever may leave before the answer broadcasts `caller.left` with this id: then the work for it
   * ends.
   */
  call?: string;
  /** Who asks, and the id of the HTTP request; set by the gateway. Absent: the node that calls. */
  actor?: Actor;
  requestId?: string;
  /** Of a call for several requests: some of their ids, at most `toldRequests`. */
  requestIds?: readonly string[];
  /**
   * The work that this call is within, as a traceparent of W3C, and other work that it is for. Only
   * where traces are on.
   */
  traceparent?: string;
  traceLinks?: readonly string[];
}

/** A query's answer. */
export interface QueryAnswer extends Omit<Queried, keyof Answer> {
  readonly meta: AnswerMeta;
}

/** What a question's fold found, as an answer. */
export type WithMeta<Result> = Result & { readonly meta: AnswerMeta };

/** Every action by name. Handlers are checked against it, and `ctx.call` is typed by it. */
export interface Actions {
  "ingest.collect": {
    /** At most 1,000 events. With `waitMs` the answer waits so long for the events to be stored. */
    params: { readonly events: readonly unknown[]; readonly waitMs?: number };
    result: Receipt;
  };
  "ingest.health": { params: Nothing; result: StageHealth };
  "processor.backlog": { params: Nothing; result: QueueDepth };
  /** Oldest first; of one project, or all that there are. */
  "processor.dead.list": {
    params: { readonly limit: number; readonly project?: ProjectId };
    result: readonly DeadBatch[];
  };
  "processor.dead.show": { params: DeadLetterId; result: ShownDeadBatch };
  /** Which one holds an event, looked for in all of them. */
  "processor.dead.holding": {
    params: { readonly id: EventId; readonly project: ProjectId };
    result: { readonly letter: DeadBatch | null };
  };
  /** Back to the queue as a first attempt. */
  "processor.dead.replay": { params: DeadLetterId; result: { readonly replayed: string } };
  /** For good: its events are neither stored nor counted. */
  "processor.dead.remove": { params: DeadLetterId; result: { readonly removed: string } };
  /** Events that break their schema: see docs/schemas.md. */
  "processor.quarantine.list": {
    params: Readonly<Record<string, unknown>>;
    result: QuarantineAnswer;
  };
  "processor.quarantine.show": { params: { readonly id: EventId }; result: ShownQuarantinedEvent };
  /** A merge patch, or another event in its place. */
  "processor.quarantine.patch": {
    params: { readonly id: EventId; readonly patch: unknown; readonly isWhole: boolean };
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
  /** Keep the order of storing for so long. */
  "processor.tellOrder": { params: { readonly forMs: number }; result: { readonly told: boolean } };
  "processor.health": { params: Nothing; result: StageHealth };
  "aggregator.audit": {
    params: { readonly from: number; readonly to: number };
    result: AuditReport;
  };
  /** Jobs: compare rollups with the events, and make rollups again. */
  "aggregator.audits.begin": { params: { readonly body: unknown }; result: ShownJob };
  "aggregator.rollups.rebuild": { params: { readonly body: unknown }; result: ShownJob };
  "aggregator.retention.get": { params: Nothing; result: ShownRetention };
  "aggregator.retention.put": { params: { readonly body: unknown }; result: ShownRetention };
  /** Each is a job: what it erases is gone when that is done. See docs/operations.md. */
  "aggregator.erase.event": {
    params: { readonly id: EventId } & Readonly<Record<string, unknown>>;
    result: ShownJob;
  };
  "aggregator.erase.events": { params: Readonly<Record<string, unknown>>; result: ShownJob };
  "aggregator.erase.subject": {
    params: { readonly userId: string } & Readonly<Record<string, unknown>>;
    result: ShownJob;
  };
  /** The newest first. */
  "aggregator.jobs.list": {
    params: Readonly<Record<string, unknown>>;
    result: { readonly data: readonly ShownJob[] };
  };
  "aggregator.jobs.get": { params: { readonly id: string }; result: ShownJob };
  "aggregator.health": { params: Nothing; result: StageHealth };
  "query.events": { params: Readonly<Record<string, unknown>>; result: ListAnswer };
  /**
   * A part of an export: the filters of `query.events`, `format`, `fields`, `order`, and the
   * `cursor` of the part before. Whoever asks decides when the next one is read, so nothing piles
   * up on the way.
   */
  "query.export": { params: Readonly<Record<string, unknown>>; result: ExportPage };
  /** What became of mails: see docs/mail-report.md. */
  "query.mailReport": { params: Readonly<Record<string, unknown>>; result: MailAnswer };
  /** Without what they ask. */
  "query.saved.list": { params: Nothing; result: { data: readonly ShownQuestion[] } };
  "query.saved.get": {
    params: { readonly name: string };
    result: { readonly version: string; readonly saved: ShownQuestion };
  };
  /** Reads the question as it will be asked, and keeps it. */
  "query.saved.put": {
    params: { readonly name: string; readonly body: unknown; readonly demand?: Precondition };
    result: { readonly created: boolean; readonly version: string; readonly saved: ShownQuestion };
  };
  "query.saved.remove": {
    params: { readonly name: string; readonly demand?: Precondition };
    result: { readonly removed: string };
  };
  /**
   * Asks it, with another range where `from`, `to` or `range` are given: the answer is that of its
   * kind.
   */
  "query.saved.results": {
    params: { readonly name: string } & OtherRange;
    result: object;
  };
  /** The keys of a project, those that ended lately too: see docs/security.md. */
  "query.keys.list": { params: Nothing; result: { data: readonly ShownKey[] } };
  "query.keys.get": { params: { readonly id: string }; result: ShownKey };
  /** The only answer that holds the key. */
  "query.keys.create": { params: { readonly body: unknown }; result: GivenKey };
  "query.keys.rotate": {
    params: { readonly id: string; readonly body: unknown };
    result: GivenKey;
  };
  "query.keys.revoke": { params: { readonly id: string }; result: { readonly revoked: string } };
  /**
   * The keys of all projects that hold, for gateways; none where those of this version are known.
   */
  "query.keys.known": { params: { readonly version?: number }; result: KnownKeys };
  "query.keys.used": { params: { readonly uses: readonly KeyUse[] }; result: null };
  /** What events of a type are to look like: see docs/schemas.md. */
  "query.schemas.list": { params: Nothing; result: { data: readonly ShownSchema[] } };
  "query.schemas.get": { params: { readonly type: string }; result: ShownSchema };
  "query.schemas.versions": {
    params: { readonly type: string } & Readonly<Record<string, unknown>>;
    result: { data: readonly ShownVersion[] };
  };
  /** A new version of it. */
  "query.schemas.put": {
    params: { readonly type: string; readonly body: unknown };
    result: { readonly created: boolean; readonly saved: ShownSchema };
  };
  "query.schemas.remove": {
    params: { readonly type: string };
    result: { readonly removed: string };
  };
  /** Proposes one that the newest events keep. */
  "query.schemas.infer": {
    params: { readonly type: string } & Readonly<Record<string, unknown>>;
    result: ProposedSchema;
  };
  /** Who did what: see docs/security.md. */
  "query.auditLog": { params: Readonly<Record<string, unknown>>; result: AuditLog };
  "query.event": { params: { readonly id: EventId }; result: PublicEvent };
  /** Where an event is, before it is stored, too. */
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
  /** What there is to ask about: see docs/questions.md. */
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
      /** The call's id: an answer with another id comes from the cache. */
      readonly askedBy: string;
    };
    result: Answer & { readonly askedBy: string };
  };
  /** What was stored behind a place, of any projects: for those who follow the order of storing. */
  "query.stored": { params: StoredQuery; result: StoredPart };
  /**
   * How many events there were in each second of the `seconds` before an instant (epoch
   * milliseconds), the newest last.
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

/** Facts that wake others up. A lost one costs time, never a result. */
export interface Facts {
  "events.stored": {
    readonly project: ProjectId;
    readonly batch: BatchId;
    readonly events: number;
  };
  /** Which keys hold has changed. */
  "keys.changed": Nothing;
  /** What events are to look like has changed. */
  "schemas.changed": Nothing;
  /** Nobody waits for what was called with this `meta.call`. */
  "caller.left": { readonly call: string };
}
