import { valueKinds } from "../questions/catalog/sample.ts";
import type { CountsAnswer } from "../answers/counts.ts";
import type { QueryAnswer, WithMeta } from "../contracts.ts";
import type { PublicEvent } from "../event/public-event.ts";
import type { AnswerMeta, MetaRange } from "../questions/answer-meta.ts";
import type { PropertyRow } from "../questions/catalog/properties.ts";
import type {
  CatalogProperties,
  CatalogTypes,
  CatalogValues,
  TypeRow,
} from "../questions/catalog/question.ts";
import {
  actKinds,
  actorKinds,
  outcomes,
  type Actor,
  type AuditLog,
  type ShownAct,
} from "../questions/audit-log.ts";
import type { ValueRow } from "../questions/catalog/values.ts";
import { scopes } from "../keys/configured.ts";
import { callerKinds, type GivenKey, type ShownCaller, type ShownKey } from "../questions/keys.ts";
import type { DeadBatch, ShownDeadBatch } from "../questions/lists/dead-letters.ts";
import type { PageShown } from "../questions/lists/list.ts";
import type { StoryAnswer, StoryEvent } from "../questions/lists/story.ts";
import type { MailAnswer } from "../questions/mail/question.ts";
import type { Engagement, MailNumbers, MailRates, MailRow } from "../questions/mail/report.ts";
import type {
  QuarantineAnswer,
  ReplayedEvents,
  ShownQuarantined,
  ShownQuarantinedEvent,
} from "../questions/quarantine.ts";
import { traceStates, type EventTrace } from "../questions/trace.ts";
import { schemaModes } from "../event/schemas/schema.ts";
import type { ProposedSchema, ShownSchema, ShownVersion } from "../questions/schemas.ts";
import type { ShownQuestion } from "../questions/saved.ts";
import type { Cohort } from "../questions/sequences/cohort-table.ts";
import type { FunnelResult, FunnelStep } from "../questions/sequences/funnel.ts";
import type { PathsResult } from "../questions/sequences/paths.ts";
import type { RetentionResult } from "../questions/sequences/retention.ts";
import type { HealthReport } from "../runtime/operations.ts";
import type { AuditReport, Drift } from "../questions/audits.ts";
import type { ShownRetention } from "../questions/retention.ts";
import { jobKinds, type ShownJob } from "../questions/jobs.ts";
import type { StageHealth } from "../health.ts";
import type { Finding } from "../errors.ts";
import {
  any,
  boolean,
  count,
  instant,
  list,
  maybe,
  named,
  number,
  object,
  oneOf,
  orNull,
  shape,
  string,
  type Shape,
} from "./shape.ts";

const meta = named<AnswerMeta>("Meta");
const range = shape<MetaRange>({ from: instant, to: instant });
const values = list(orNull(number));
/** The sender's fields of an event. */
const sentEvent = {
  id: string,
  type: string,
  data: maybe(any),
  timestamp: instant,
  source: string,
  correlationId: maybe(string),
  metadata: maybe(object),
};
const event = {
  ...sentEvent,
  receivedAt: instant,
  project: string,
  context: object,
};
const page = shape<PageShown>({
  limit: count,
  nextCursor: orNull(string),
  endedBy: maybe(oneOf("bytes", "time")),
});
const step = shape<FunnelStep>({
  type: string,
  users: count,
  conversion: number,
  stepConversion: number,
  medianMs: orNull(number),
  p90Ms: orNull(number),
});
const cohort = shape<Cohort>({ start: string, size: count, returned: list(count) });
const engagement = shape<Engagement>({
  unique: count,
  total: count,
  human: shape<Engagement["human"]>({ unique: count, total: count }),
  machine: shape<Engagement["machine"]>({ unique: count, total: count }),
});
const mailNumbers = {
  sent: count,
  delivered: count,
  bounced: shape<MailNumbers["bounced"]>({
    total: count,
    hard: count,
    soft: count,
    undetermined: count,
    recovered: count,
  }),
  opened: engagement,
  clicked: engagement,
  complained: count,
  unsubscribed: count,
  rates: shape<MailRates>({
    delivery: orNull(number),
    bounce: orNull(number),
    hardBounce: orNull(number),
    open: orNull(number),
    openWithMachines: orNull(number),
    click: orNull(number),
    clickWithMachines: orNull(number),
    clickToOpen: orNull(number),
    complaint: orNull(number),
    unsubscribe: orNull(number),
  }),
};
const aText = orNull(string);
const ages = {
  ...{ events: aText, minutes: aText, hours: aText, days: aText },
  types: object,
} as const;
const auditReport = shape<AuditReport>({
  buckets: count,
  drifted: count,
  drift: list(
    shape<Drift>({
      grain: oneOf("minute", "hour", "day"),
      start: instant,
      section: string,
      type: string,
      value: maybe(string),
      rollup: number,
      counted: number,
    }),
  ),
  repaired: count,
  uncounted: count,
  unmarked: count,
  lacking: count,
  changed: list(string),
});
const job = shape<ShownJob>({
  id: string,
  kind: oneOf(...jobKinds),
  status: oneOf("waiting", "running", "failing", "done"),
  createdAt: instant,
  updatedAt: instant,
  finishedAt: orNull(instant),
  erased: maybe(count),
  acceptedUntil: maybe(instant),
  fenced: maybe(boolean),
  ids: maybe(oneOf("refused", "reusable")),
  range: maybe(range),
  doneUntil: maybe(orNull(instant)),
  found: maybe(auditReport),
  rebuilt: maybe(count),
});
const shownQuestion = shape<ShownQuestion>({
  name: string,
  kind: string,
  description: string,
  question: maybe(object),
  view: maybe(object),
  createdAt: instant,
  savedAt: instant,
});
const deadBatch = {
  id: string,
  project: orNull(string),
  reason: string,
  attempts: count,
  diedAt: instant,
  receivedAt: instant,
  sizeBytes: count,
};
const shownKey = {
  id: string,
  name: string,
  scopes: list(oneOf(...scopes)),
  hint: string,
  state: oneOf("holds", "expired", "revoked"),
  createdAt: instant,
  expiresAt: orNull(instant),
  lastUsedAt: orNull(instant),
  replaces: maybe(string),
};
const shownSchema = {
  type: string,
  version: count,
  mode: oneOf(...schemaModes),
  schema: object,
  createdAt: instant,
};
/** With `groupBy`, a row of counts has the dimension's value under its name. */
const countRow: Shape<never> = {
  schema: {
    type: "object",
    properties: {
      type: { type: "string" },
      count: { type: "integer" },
      series: list(shape<{ time: string; count: number }>({ time: string, count })).schema,
    },
    required: ["type", "count"],
    additionalProperties: { type: "string" },
  },
};
const finding = shape<Finding>({ pointer: string, code: string, message: string });
const shownQuarantined = {
  id: string,
  type: string,
  receivedAt: instant,
  state: oneOf("held", "replaying"),
  schemaVersion: count,
  findings: list(finding),
};
const itemError = shape<{ type: string; errors: readonly Finding[] }>({
  type: string,
  errors: list(finding),
});

/** Every answer, by its name in the document. */
export const answers = {
  Meta: shape<AnswerMeta>({
    asOf: instant,
    lagMs: number,
    exact: boolean,
    because: maybe(
      list(
        oneOf(
          "damaged",
          "erasing",
          "other",
          "retention",
          "rowsLeftOut",
          "sampled",
          "sketch",
          "valuesCut",
        ),
      ),
    ),
    source: oneOf("rollup", "events", "mixed"),
    cache: oneOf("hit", "miss"),
    rows: maybe(count),
    rowsLeftOut: maybe(count),
    range: maybe(range),
    comparedRange: maybe(range),
    tookMs: number,
  }),
  StoredEvent: shape<PublicEvent>(event),
  EventTrace: shape<EventTrace>({
    id: string,
    state: oneOf(...traceStates),
    acceptedAt: orNull(instant),
    queuedAt: orNull(instant),
    batch: orNull(string),
    rolledUp: orNull(
      shape<NonNullable<EventTrace["rolledUp"]>>({ minute: boolean, hour: boolean, day: boolean }),
    ),
    erasedAt: orNull(instant),
    deadLetter: orNull(string),
    queue: orNull(
      shape<NonNullable<EventTrace["queue"]>>({
        waiting: count,
        oldestReceivedAt: orNull(instant),
      }),
    ),
  }),
  EventList: {
    schema: {
      type: "object",
      properties: {
        // With `fields` an event has only these fields and its id.
        data: { type: "array", items: { type: "object", required: ["id"] } },
        page: page.schema,
        total: count.schema,
        meta: meta.schema,
      },
      required: ["data", "page", "meta"],
      additionalProperties: false,
    },
  },
  Counts: shape<CountsAnswer>({
    data: list(countRow),
    total: count,
    nextCursor: orNull(string),
    meta,
  }),
  QueryAnswer: shape<QueryAnswer>({
    results: {
      schema: { type: "array", items: { type: "object", required: ["dimensions", "metrics"] } },
    },
    totals: maybe(values),
    previousTotals: maybe(values),
    nextCursor: orNull(string),
    query: object,
    explain: maybe(object),
    meta,
  }),
  FunnelAnswer: shape<WithMeta<FunnelResult>>({
    steps: list(step),
    results: maybe(
      list(
        shape<{ value: string; steps: readonly FunnelStep[] }>({
          value: string,
          steps: list(step),
        }),
      ),
    ),
    valuesLeftOut: maybe(count),
    meta,
  }),
  RetentionAnswer: shape<WithMeta<RetentionResult>>({
    cohorts: list(cohort),
    results: maybe(
      list(
        shape<{ value: string; cohorts: readonly Cohort[] }>({
          value: string,
          cohorts: list(cohort),
        }),
      ),
    ),
    valuesLeftOut: maybe(count),
    meta,
  }),
  PathsAnswer: shape<WithMeta<PathsResult>>({
    paths: { schema: { type: "array", items: { type: "object" } } },
    pathsLeftOut: count,
    total: shape<PathsResult["total"]>({ count, users: count }),
    meta,
  }),
  MailReport: shape<MailAnswer>({
    data: list(shape<MailRow>({ group: orNull(string), ...mailNumbers })),
    total: shape<MailNumbers>(mailNumbers),
    groups: count,
    meta,
  }),
  CatalogTypes: shape<CatalogTypes>({
    data: list(
      shape<TypeRow>({
        type: string,
        count,
        firstSeen: orNull(instant),
        lastSeen: orNull(instant),
      }),
    ),
    meta,
  }),
  CatalogProperties: shape<CatalogProperties>({
    data: list(
      shape<PropertyRow>({ property: string, kinds: list(oneOf(...valueKinds)), share: number }),
    ),
    events: count,
    meta,
  }),
  CatalogValues: shape<CatalogValues>({
    data: list(shape<ValueRow>({ value: string, kind: oneOf("text", "number", "boolean"), count })),
    events: count,
    meta,
  }),
  Story: shape<StoryAnswer>({
    correlationId: string,
    data: list(
      shape<StoryEvent>({ ...event, sinceFirstMs: number, sincePreviousMs: orNull(number) }),
    ),
    page,
    meta,
  }),
  SavedQuestion: shownQuestion,
  Retention: shape<ShownRetention>({
    retention: shape<ShownRetention["retention"]>(ages),
    isOwn: boolean,
    dropped: shape<ShownRetention["dropped"]>(ages),
    refused: shape<ShownRetention["refused"]>(ages),
  }),
  Job: job,
  Jobs: shape<{ data: readonly ShownJob[] }>({ data: list(job) }),
  SavedQuestions: shape<{ data: readonly ShownQuestion[] }>({ data: list(shownQuestion) }),
  Key: shape<ShownKey>(shownKey),
  GivenKey: shape<GivenKey>({ ...shownKey, key: string }),
  Caller: shape<ShownCaller>({
    kind: oneOf(...callerKinds),
    project: string,
    scopes: list(oneOf(...scopes)),
    id: maybe(string),
    name: maybe(string),
    expiresAt: orNull(instant),
  }),
  Keys: shape<{ data: readonly ShownKey[] }>({ data: list(shape<ShownKey>(shownKey)) }),
  DeadLetter: shape<ShownDeadBatch>({ ...deadBatch, body: string }),
  DeadLetters: shape<{ data: readonly DeadBatch[] }>({ data: list(shape<DeadBatch>(deadBatch)) }),
  Replayed: shape<{ replayed: string }>({ replayed: string }),
  Schema: shape<ShownSchema>(shownSchema),
  Schemas: shape<{ data: readonly ShownSchema[] }>({
    data: list(shape<ShownSchema>(shownSchema)),
  }),
  SchemaVersions: shape<{ data: readonly ShownVersion[] }>({
    data: list(
      shape<ShownVersion>({
        type: string,
        version: count,
        mode: orNull(oneOf(...schemaModes)),
        schema: orNull(object),
        createdAt: instant,
      }),
    ),
  }),
  ProposedSchema: shape<ProposedSchema>({
    type: string,
    schema: object,
    basedOn: shape<ProposedSchema["basedOn"]>({
      events: count,
      oldest: orNull(instant),
      newest: orNull(instant),
    }),
  }),
  Quarantine: shape<QuarantineAnswer>({
    data: list(shape<ShownQuarantined>(shownQuarantined)),
    page,
  }),
  Quarantined: shape<ShownQuarantinedEvent>({
    ...shownQuarantined,
    event: shape<ShownQuarantinedEvent["event"]>(sentEvent),
  }),
  ReplayedMany: shape<ReplayedEvents>({
    replayed: count,
    broken: count,
    nextCursor: orNull(string),
  }),
  AuditLog: shape<AuditLog>({
    data: list(
      shape<ShownAct>({
        id: string,
        at: instant,
        actor: shape<Actor>({ kind: oneOf(...actorKinds), id: string, name: maybe(string) }),
        what: oneOf(...actKinds),
        target: string,
        details: object,
        requestId: maybe(string),
        outcome: oneOf(...outcomes),
      }),
    ),
    page,
  }),
  Receipt: shape<{
    id: string;
    status: "accepted" | "stored" | "quarantined" | "duplicate";
    receivedAt: string;
  }>({
    id: string,
    status: oneOf("accepted", "stored", "quarantined", "duplicate"),
    receivedAt: instant,
  }),
  BatchReceipt: {
    schema: {
      type: "object",
      properties: {
        accepted: count.schema,
        rejected: count.schema,
        results: {
          type: "array",
          items: {
            type: "object",
            properties: {
              index: count.schema,
              id: string.schema,
              status: { enum: ["accepted", "duplicate", "rejected"] },
              receivedAt: instant.schema,
              error: itemError.schema,
            },
            required: ["index", "status"],
            additionalProperties: false,
          },
        },
      },
      required: ["accepted", "rejected", "results"],
      additionalProperties: false,
    },
  },
  Health: shape<HealthReport>({
    status: oneOf("ok", "degraded", "down"),
    stages: {
      schema: {
        type: "object",
        additionalProperties: shape<StageHealth>({
          state: oneOf("ok", "degraded", "down"),
          reason: maybe(string),
          backlog: maybe(count),
          lagMs: maybe(number),
        }).schema,
      },
    },
  }),
  Problem: {
    schema: {
      type: "object",
      description: "RFC 9457",
      properties: {
        type: string.schema,
        title: string.schema,
        status: { type: "integer" },
        detail: string.schema,
        instance: string.schema,
        requestId: string.schema,
        errors: list(finding).schema,
        ids: list(shape<{ index: number; id: string }>({ index: count, id: string })).schema,
      },
      required: ["type", "title", "status", "instance", "requestId"],
      additionalProperties: false,
    },
  },
} as const satisfies Readonly<Record<string, Shape<unknown>>>;

export type AnswerName = keyof typeof answers;
