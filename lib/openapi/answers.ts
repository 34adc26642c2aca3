import { valueKinds } from "../questions/catalog/sample.ts";
import type { CountsAnswer } from "../answers/counts.ts";
import type { QueryAnswer, WithMeta } from "../contracts.ts";
import type { PublicEvent } from "../event/public-event.ts";
import type { AnswerMeta } from "../questions/answer-meta.ts";
import type { PropertyRow } from "../questions/catalog/properties.ts";
import type {
  CatalogProperties,
  CatalogTypes,
  CatalogValues,
  TypeRow,
} from "../questions/catalog/question.ts";
import type { ValueRow } from "../questions/catalog/values.ts";
import type { StoryAnswer, StoryEvent } from "../questions/lists/story.ts";
import type { MailAnswer } from "../questions/mail/question.ts";
import type { Engagement, MailNumbers, MailRates, MailRow } from "../questions/mail/report.ts";
import { traceStates, type EventTrace } from "../questions/trace.ts";
import type { ShownQuestion } from "../questions/saved.ts";
import type { Cohort } from "../questions/sequences/cohort-table.ts";
import type { FunnelResult, FunnelStep } from "../questions/sequences/funnel.ts";
import type { PathsResult } from "../questions/sequences/paths.ts";
import type { RetentionResult } from "../questions/sequences/retention.ts";
import type { HealthReport } from "../runtime/operations.ts";
import type { StageHealth } from "../health.ts";
import type { Finding } from "../errors.ts";
import { administrationAnswers } from "./administration-answers.ts";
import {
  maybe,
  shape,
  named,
  string,
  number,
  count,
  boolean,
  instant,
  object,
  oneOf,
  list,
  orNull,
  range,
  sentEvent,
  page,
  finding,
  type Shape,
} from "./shape.ts";

const meta = named<AnswerMeta>("Meta");
const values = list(orNull(number));
const event = {
  ...sentEvent,
  receivedAt: instant,
  project: string,
  context: object,
};
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
const shownQuestion = shape<ShownQuestion>({
  name: string,
  kind: string,
  description: string,
  question: maybe(object),
  view: maybe(object),
  createdAt: instant,
  savedAt: instant,
});
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
  SavedQuestions: shape<{ data: readonly ShownQuestion[] }>({ data: list(shownQuestion) }),
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
  ...administrationAnswers,
} as const satisfies Readonly<Record<string, Shape<unknown>>>;

export type AnswerName = keyof typeof answers;
