import type { Needed } from "../keys/configured.ts";
import { savedKinds } from "../answers/kinds.ts";
import type { ErrorType } from "../errors.ts";
import { eventSchema } from "../event/schema.ts";
import { maxBatchEvents } from "../event/limits.ts";
import {
  propertiesParameters,
  typesParameters,
  valuesParameters,
} from "../questions/catalog/question.ts";
import { auditLogParameters } from "../questions/audit-log.ts";
import { countsParameters } from "../questions/counts.ts";
import { auditBody, rebuildBody } from "../questions/audits.ts";
import { erasureParameters, erasuresParameters } from "../questions/erasing.ts";
import { jobsParameters } from "../questions/jobs.ts";
import { agesBody } from "../questions/retention.ts";
import { keyBody, rotationBody } from "../questions/keys.ts";
import { exportParameters, subjectParameters } from "../questions/lists/export.ts";
import { deadLettersParameters } from "../questions/lists/dead-letters.ts";
import { listParameters } from "../questions/lists/list.ts";
import { streamParameters } from "../questions/lists/stream.ts";
import { quarantineParameters } from "../questions/quarantine.ts";
import { inferParameters, schemaBody, versionsParameters } from "../questions/schemas.ts";
import { storyParameters } from "../questions/lists/story.ts";
import { mailParameters } from "../questions/mail/question.ts";
import { queryBody } from "../questions/query/question.ts";
import { bodySchemaOf } from "../questions/reading/body.ts";
import type { Fields } from "../questions/reading/field.ts";
import { savedBody, savedNameSchema, savedResultsParameters } from "../questions/saved.ts";
import { funnelBody } from "../questions/sequences/funnel-question.ts";
import { pathsBody } from "../questions/sequences/paths-question.ts";
import { retentionBody } from "../questions/sequences/retention-question.ts";
import { jsonSchemaOf, type JsonSchema } from "../schema/rule.ts";
import type { AnswerName } from "./answers.ts";

/** The route of one operation. */
export interface Operation {
  readonly summary: string;
  /** The scope that the key must have; absent: the route needs no key. */
  readonly scope?: Needed;
  /** Parts of the path. */
  readonly path?: Readonly<Record<string, JsonSchema>>;
  readonly parameters?: Fields;
  /** Whether parameters may be conditions on properties, such as `data.plan=pro`. */
  readonly filtered?: boolean;
  readonly headers?: Readonly<Record<string, JsonSchema>>;
  /** By media type. */
  readonly body?: Readonly<Record<string, JsonSchema>>;
  /** A body and parameters that a reader can try. */
  readonly example?: { readonly body?: object; readonly path?: Readonly<Record<string, string>> };
  /** By status: an answer of JSON, or media types of texts. */
  readonly answers: Readonly<Record<number, AnswerName | readonly string[] | null>>;
  readonly answerHeaders?: readonly string[];
  readonly problems?: readonly ErrorType[];
}

const event = { $ref: "#/components/schemas/Event" };
const batch = {
  anyOf: [
    {
      type: "object",
      properties: { events: { type: "array", maxItems: maxBatchEvents, items: event } },
      required: ["events"],
      additionalProperties: false,
    },
    { type: "array", maxItems: maxBatchEvents, items: event },
  ],
};
const text = { type: "string" };
const keyId = { type: "string", minLength: 1, maxLength: 128 };
const id = jsonSchemaOf(eventSchema.properties.id);
const opened = { id: "demo-1", type: "email.opened", source: "demo", data: { plan: "pro" } };
const write = [
  "UNSUPPORTED_MEDIA_TYPE",
  "TOO_LARGE",
  "QUEUE_UNAVAILABLE",
  "QUEUE_FULL",
  "OUTCOME_UNKNOWN",
] as const;
const unsure = ["QUEUE_UNAVAILABLE", "STORE_UNAVAILABLE", "OUTCOME_UNKNOWN"] as const;
const ask = ["UNSUPPORTED_MEDIA_TYPE", "TOO_LARGE"] as const;
const read = ["QUERY_TOO_EXPENSIVE", "TOO_MANY_REQUESTS", "STORE_UNAVAILABLE"] as const;
const changed = ["STORE_UNAVAILABLE", "OUTCOME_UNKNOWN"] as const;
const begun = { answers: { 202: "Job" }, answerHeaders: ["Location"], problems: changed } as const;
const aPerson = { path: { userId: "user-1" } };
const jsonBody = (body: Fields) => ({ "application/json": bodySchemaOf(body) });
const queueing = ["QUEUE_UNAVAILABLE", "QUEUE_FULL", "OUTCOME_UNKNOWN"] as const;
const eventType = jsonSchemaOf(eventSchema.properties.type);
const aType = { path: { type: "email.opened" } };

/** Every route by method and path: what a caller may send, and what is answered. */
export const operations: Readonly<Record<string, Operation>> = {
  "POST /api/v1/events": {
    summary: "Collect one event",
    scope: "events:write",
    headers: {
      Prefer: {
        type: "string",
        description: "wait=N: waits N seconds, at most 30, for the event to be stored",
      },
    },
    body: {
      "application/json": event,
      "application/cloudevents+json": { type: "object" },
    },
    example: { body: opened },
    answers: { 200: "Receipt", 201: "Receipt", 202: "Receipt" },
    answerHeaders: ["Location", "Preference-Applied"],
    problems: [...write, "INVALID_EVENT", "ID_CONFLICT"],
  },
  "POST /api/v1/events/batch": {
    summary: "Collect up to 1,000 events; one bad event never costs the others",
    scope: "events:write",
    parameters: {
      results: {
        schema: {
          enum: ["errors", "all"],
          default: "errors",
          description: "Which results are listed",
        },
        read: (value) => value,
      },
    },
    body: {
      "application/json": batch,
      "application/x-ndjson": text,
      "application/cloudevents-batch+json": { type: "array", items: { type: "object" } },
    },
    example: { body: { events: [opened, { ...opened, id: "demo-2", type: "email.clicked" }] } },
    answers: { 202: "BatchReceipt", 207: "BatchReceipt", 422: "BatchReceipt" },
    problems: write,
  },
  "GET /api/v1/events": {
    summary: "A list of events, page by page",
    scope: "events:read",
    parameters: listParameters,
    filtered: true,
    answers: { 200: "EventList" },
    problems: read,
  },
  "GET /api/v1/events/{id}": {
    summary: "One event",
    scope: "events:read",
    path: { id },
    example: { path: { id: "demo-1" } },
    answers: { 200: "StoredEvent" },
    problems: ["NOT_FOUND", "STORE_UNAVAILABLE"],
  },
  "GET /api/v1/events/{id}/trace": {
    summary: "Where an event is, before it is stored, too",
    scope: "events:read",
    path: { id },
    example: { path: { id: "demo-1" } },
    answers: { 200: "EventTrace" },
    problems: ["STORE_UNAVAILABLE", "QUEUE_UNAVAILABLE"],
  },
  "DELETE /api/v1/events/{id}": {
    summary: "Erase an event: a job, which refuses the id also where no event has it yet",
    scope: "admin",
    path: { id },
    parameters: erasureParameters,
    example: { path: { id: "demo-2" } },
    ...begun,
  },
  "DELETE /api/v1/events": {
    summary: "Erase the events of a filter that are stored: a job",
    scope: "admin",
    parameters: erasuresParameters,
    filtered: true,
    ...begun,
  },
  "DELETE /api/v1/subjects/{userId}": {
    summary: "Erase a person's events, also those on their way: a job",
    scope: "admin",
    path: { userId: text },
    parameters: erasureParameters,
    example: aPerson,
    ...begun,
  },
  "GET /api/v1/subjects/{userId}/export": {
    summary: "All events of a person, as a stream",
    scope: "admin",
    path: { userId: text },
    parameters: subjectParameters,
    example: aPerson,
    answers: { 200: ["application/x-ndjson", "text/csv"] },
    answerHeaders: ["Content-Disposition", "As-Of", "Because"],
    problems: [...read, "NOT_ACCEPTABLE"],
  },
  "POST /api/v1/audits": {
    summary: "Compare rollups with their events, and count anew what differs: a job",
    scope: "admin",
    body: jsonBody(auditBody),
    example: { body: {} },
    ...begun,
    problems: [...ask, ...changed],
  },
  "POST /api/v1/rollups/rebuild": {
    summary: "Make the rollups of a range again from its events: a job",
    scope: "admin",
    body: jsonBody(rebuildBody),
    example: { body: { from: "2026-01-01T00:00:00Z", to: "2026-01-02T00:00:00Z" } },
    ...begun,
    problems: [...ask, ...changed],
  },
  "GET /api/v1/retention": {
    summary: "How long events and rollups are kept, and what was dropped",
    scope: "admin",
    answers: { 200: "Retention" },
    problems: ["STORE_UNAVAILABLE"],
  },
  "PUT /api/v1/retention": {
    summary: "Say how long events and rollups are kept; what is gone stays gone",
    scope: "admin",
    body: jsonBody(agesBody),
    example: { body: { events: null, minutes: null } },
    answers: { 200: "Retention" },
    problems: [...ask, ...changed],
  },
  "GET /api/v1/jobs": {
    summary: "The jobs of a project, the newest first",
    scope: "admin",
    parameters: jobsParameters,
    answers: { 200: "Jobs" },
    problems: ["STORE_UNAVAILABLE"],
  },
  "GET /api/v1/jobs/{id}": {
    summary: "A job, and how far it is",
    scope: "admin",
    path: { id: text },
    answers: { 200: "Job" },
    problems: ["NOT_FOUND", "STORE_UNAVAILABLE"],
  },
  "GET /api/v1/events/counts": {
    summary: "How many events there are, by type, period and dimension",
    scope: "events:read",
    parameters: countsParameters,
    answers: { 200: "Counts" },
    problems: read,
  },
  "GET /api/v1/events/export": {
    summary: "All events of a filter, as a stream",
    scope: "events:read",
    parameters: exportParameters,
    filtered: true,
    answers: { 200: ["application/x-ndjson", "text/csv"] },
    answerHeaders: ["Content-Disposition", "As-Of", "Because"],
    problems: [...read, "NOT_ACCEPTABLE"],
  },
  "GET /api/v1/events/stream": {
    summary: "Events as they are stored, as Server-Sent Events",
    scope: "live:read",
    parameters: streamParameters,
    filtered: true,
    headers: { "Last-Event-ID": text },
    answers: { 200: ["text/event-stream"] },
    problems: [...read, "NOT_ACCEPTABLE"],
  },
  "GET /api/v1/live": {
    summary: "What happens, each second, as Server-Sent Events",
    scope: "live:read",
    answers: { 200: ["text/event-stream"] },
    problems: [...read, "NOT_ACCEPTABLE"],
  },
  "GET /api/v1/catalog/types": {
    summary: "The types of events there are, the most frequent first",
    scope: "events:read",
    parameters: typesParameters,
    answers: { 200: "CatalogTypes" },
    problems: read,
  },
  "GET /api/v1/catalog/properties": {
    summary: "The properties of events, the most frequent first",
    scope: "events:read",
    parameters: propertiesParameters,
    answers: { 200: "CatalogProperties" },
    problems: read,
  },
  "GET /api/v1/catalog/values": {
    summary: "The values of a property, the most frequent first",
    scope: "events:read",
    parameters: valuesParameters,
    answers: { 200: "CatalogValues" },
    problems: read,
  },
  "GET /api/v1/reports/mail": {
    summary: "What became of mails",
    scope: "events:read",
    parameters: mailParameters,
    filtered: true,
    answers: { 200: "MailReport" },
    problems: read,
  },
  "GET /api/v1/stories/{correlationId}": {
    summary: "What happened under a correlation id",
    scope: "events:read",
    path: { correlationId: storyParameters.correlationId.schema },
    parameters: { limit: storyParameters.limit, cursor: storyParameters.cursor },
    example: { path: { correlationId: "order-1" } },
    answers: { 200: "Story" },
    problems: ["NOT_FOUND", "STORE_UNAVAILABLE"],
  },
  "POST /api/v1/query": {
    summary: "Metrics by dimensions",
    scope: "events:read",
    body: jsonBody(queryBody),
    example: { body: { metrics: ["count", "uniques"], dimensions: ["type"], include: ["totals"] } },
    answers: { 200: "QueryAnswer" },
    problems: [...ask, ...read],
  },
  "POST /api/v1/query/funnel": {
    summary: "How many get from one step to the next",
    scope: "events:read",
    body: jsonBody(funnelBody),
    example: {
      body: { steps: [{ type: "email.opened" }, { type: "email.clicked" }], window: "7d" },
    },
    answers: { 200: "FunnelAnswer" },
    problems: [...ask, ...read],
  },
  "POST /api/v1/query/retention": {
    summary: "Who comes back, and when",
    scope: "events:read",
    body: jsonBody(retentionBody),
    example: { body: { first: { type: "email.opened" }, interval: "week" } },
    answers: { 200: "RetentionAnswer" },
    problems: [...ask, ...read],
  },
  "POST /api/v1/query/paths": {
    summary: "What comes after an event",
    scope: "events:read",
    body: jsonBody(pathsBody),
    example: { body: { after: { type: "email.opened" }, length: 2 } },
    answers: { 200: "PathsAnswer" },
    problems: [...ask, ...read],
  },
  "GET /api/v1/queries": {
    summary: "The saved questions of a project",
    scope: "events:read",
    answers: { 200: "SavedQuestions" },
    problems: ["STORE_UNAVAILABLE"],
  },
  "GET /api/v1/queries/{name}": {
    summary: "A saved question",
    scope: "events:read",
    path: { name: savedNameSchema },
    example: { path: { name: "opens" } },
    headers: { "If-None-Match": text },
    answers: { 200: "SavedQuestion", 304: null },
    answerHeaders: ["ETag"],
    problems: ["NOT_FOUND", "STORE_UNAVAILABLE"],
  },
  "PUT /api/v1/queries/{name}": {
    summary: "Save a question under a name",
    scope: "admin",
    path: { name: savedNameSchema },
    headers: { "If-Match": text, "If-None-Match": text },
    body: jsonBody(savedBody(savedKinds)),
    example: {
      path: { name: "opens" },
      body: { kind: "counts", question: { type: "email.opened", interval: "day" } },
    },
    answers: { 200: "SavedQuestion", 201: "SavedQuestion" },
    answerHeaders: ["ETag", "Location"],
    problems: [...ask, "PRECONDITION_FAILED", "TOO_MANY_QUESTIONS", "STORE_UNAVAILABLE"],
  },
  "DELETE /api/v1/queries/{name}": {
    summary: "Remove a saved question",
    scope: "admin",
    path: { name: savedNameSchema },
    headers: { "If-Match": text, "If-None-Match": text },
    example: { path: { name: "opens" } },
    answers: { 204: null },
    problems: ["NOT_FOUND", "PRECONDITION_FAILED", "STORE_UNAVAILABLE"],
  },
  "GET /api/v1/queries/{name}/results": {
    summary: "Ask a saved question; the answer is that of its kind",
    scope: "events:read",
    path: { name: savedNameSchema },
    parameters: savedResultsParameters,
    example: { path: { name: "opens" } },
    answers: { 200: ["application/json"] },
    problems: [...read, "NOT_FOUND"],
  },
  "GET /api/v1/keys": {
    summary: "The keys of a project, those that ended within 90 days too",
    scope: "admin",
    answers: { 200: "Keys" },
    problems: ["STORE_UNAVAILABLE"],
  },
  "GET /api/v1/keys/self": {
    summary: "What the key that is sent may do, and in which project",
    scope: "any",
    answers: { 200: "Caller" },
    problems: ["SERVICE_UNAVAILABLE"],
  },
  "POST /api/v1/keys": {
    summary: "Give a key; this answer alone holds it",
    scope: "admin",
    body: jsonBody(keyBody),
    example: { body: { name: "shop", scopes: ["events:write"] } },
    answers: { 201: "GivenKey" },
    answerHeaders: ["Location"],
    problems: [...ask, "TOO_MANY_KEYS", "STORE_UNAVAILABLE", "OUTCOME_UNKNOWN"],
  },
  "GET /api/v1/keys/{id}": {
    summary: "A key, without the key itself",
    scope: "admin",
    path: { id: keyId },
    example: { path: { id: "key_0123456789ab" } },
    answers: { 200: "Key" },
    problems: ["NOT_FOUND", "STORE_UNAVAILABLE"],
  },
  "DELETE /api/v1/keys/{id}": {
    summary: "Take a key: within 5 s no gateway lets it in any more",
    scope: "admin",
    path: { id: keyId },
    example: { path: { id: "key_0123456789ab" } },
    answers: { 204: null },
    problems: ["NOT_FOUND", "STORE_UNAVAILABLE", "OUTCOME_UNKNOWN"],
  },
  "POST /api/v1/keys/{id}/rotate": {
    summary: "Give a key in place of another, which still holds for a while",
    scope: "admin",
    path: { id: keyId },
    body: jsonBody(rotationBody),
    example: { path: { id: "key_0123456789ab" }, body: { overlapSeconds: 3600 } },
    answers: { 201: "GivenKey" },
    answerHeaders: ["Location"],
    problems: [...ask, "NOT_FOUND", "TOO_MANY_KEYS", "STORE_UNAVAILABLE", "OUTCOME_UNKNOWN"],
  },
  "GET /api/v1/schemas": {
    summary: "The schemas of a project, by type",
    scope: "events:read",
    answers: { 200: "Schemas" },
    problems: ["STORE_UNAVAILABLE"],
  },
  "GET /api/v1/schemas/{type}": {
    summary: "What events of a type are to look like",
    scope: "events:read",
    path: { type: eventType },
    example: aType,
    answers: { 200: "Schema" },
    problems: ["NOT_FOUND", "STORE_UNAVAILABLE"],
  },
  "GET /api/v1/schemas/{type}/versions": {
    summary: "Its versions, the newest first; one without a schema says that it was removed",
    scope: "events:read",
    path: { type: eventType },
    parameters: versionsParameters,
    example: aType,
    answers: { 200: "SchemaVersions" },
    problems: ["NOT_FOUND", "STORE_UNAVAILABLE"],
  },
  "PUT /api/v1/schemas/{type}": {
    summary: "Say what events of a type are to look like: a new version",
    scope: "admin",
    path: { type: eventType },
    body: jsonBody(schemaBody),
    example: {
      ...aType,
      body: {
        mode: "observe",
        schema: { type: "object", properties: { data: { type: "object" } } },
      },
    },
    answers: { 200: "Schema", 201: "Schema" },
    answerHeaders: ["Location"],
    problems: [...ask, "TOO_MANY_SCHEMAS", "OVERLOADED", ...changed],
  },
  "DELETE /api/v1/schemas/{type}": {
    summary: "Remove it: events of the type are not checked any more; its versions stay",
    scope: "admin",
    path: { type: eventType },
    example: aType,
    answers: { 204: null },
    problems: ["NOT_FOUND", "OVERLOADED", ...changed],
  },
  "POST /api/v1/schemas/{type}/infer": {
    summary: "Propose a schema that the newest events of a type keep; nothing is changed",
    scope: "admin",
    path: { type: eventType },
    body: jsonBody(inferParameters),
    example: { ...aType, body: { events: 500 } },
    answers: { 200: "ProposedSchema" },
    problems: [...ask, ...read, "NOT_FOUND"],
  },
  "GET /api/v1/quarantine": {
    summary: "Events of a project that break their schema, the latest received first",
    scope: "admin",
    parameters: quarantineParameters,
    answers: { 200: "Quarantine" },
    problems: ["STORE_UNAVAILABLE"],
  },
  "GET /api/v1/quarantine/{id}": {
    summary: "One of them, whole",
    scope: "admin",
    path: { id },
    answers: { 200: "Quarantined" },
    problems: ["NOT_FOUND", "STORE_UNAVAILABLE"],
  },
  "PATCH /api/v1/quarantine/{id}": {
    summary: "Mend one: a merge patch, or as plain JSON the event in its place; it is checked anew",
    scope: "admin",
    path: { id },
    body: { "application/merge-patch+json": { type: "object" }, "application/json": event },
    answers: { 200: "Quarantined" },
    problems: [...ask, "NOT_FOUND", "INVALID_EVENT", "REPLAY_UNDER_WAY", "OVERLOADED", ...changed],
  },
  "DELETE /api/v1/quarantine/{id}": {
    summary: "Drop one for good; an event that is accepted later may have its id",
    scope: "admin",
    path: { id },
    answers: { 204: null },
    problems: ["NOT_FOUND", "REPLAY_UNDER_WAY", ...changed],
  },
  "POST /api/v1/quarantine/{id}/replay": {
    summary: "Let one out that keeps its schema now: it is stored and counted once, however often",
    scope: "admin",
    path: { id },
    answers: { 200: "Replayed" },
    problems: ["NOT_FOUND", "BREAKS_SCHEMA", "STORE_UNAVAILABLE", ...queueing],
  },
  "POST /api/v1/quarantine/replay": {
    summary: "Let a page of those out that a filter finds and that keep their schema now",
    scope: "admin",
    parameters: quarantineParameters,
    answers: { 200: "ReplayedMany" },
    problems: ["STORE_UNAVAILABLE", ...queueing],
  },
  "GET /api/v1/dead-letters": {
    summary: "Batches of a project that failed for good, the oldest first",
    scope: "admin",
    parameters: deadLettersParameters,
    answers: { 200: "DeadLetters" },
    problems: ["QUEUE_UNAVAILABLE"],
  },
  "GET /api/v1/dead-letters/{id}": {
    summary: "One of them, with its events",
    scope: "admin",
    path: { id: keyId },
    example: { path: { id: "1" } },
    answers: { 200: "DeadLetter" },
    problems: ["NOT_FOUND", "QUEUE_UNAVAILABLE"],
  },
  "DELETE /api/v1/dead-letters/{id}": {
    summary: "Remove one for good: its events are neither stored nor counted",
    scope: "admin",
    path: { id: keyId },
    example: { path: { id: "1" } },
    answers: { 204: null },
    problems: ["NOT_FOUND", ...unsure],
  },
  "POST /api/v1/dead-letters/{id}/replay": {
    summary: "Put one back on the queue, as it was; what is stored already counts once",
    scope: "admin",
    path: { id: keyId },
    example: { path: { id: "1" } },
    answers: { 200: "Replayed" },
    problems: ["NOT_FOUND", ...unsure],
  },
  "GET /api/v1/audit-log": {
    summary: "Who did what in a project, the newest first",
    scope: "admin",
    parameters: auditLogParameters,
    answers: { 200: "AuditLog" },
    problems: ["STORE_UNAVAILABLE"],
  },
  "GET /health/live": {
    summary: "Whether the process runs",
    answers: { 200: ["application/json"] },
  },
  "GET /health/ready": {
    summary: "Whether it may be sent requests",
    answers: { 200: ["application/json"], 503: ["application/json"] },
  },
  "GET /health": { summary: "The state of each stage", answers: { 200: "Health", 503: "Health" } },
  "GET /metrics": {
    summary: "Metrics for Prometheus; 404 where ENABLE_METRICS is false",
    answers: { 200: ["text/plain"], 404: ["application/json"] },
  },
  "GET /openapi.json": { summary: "This document", answers: { 200: ["application/json"] } },
  "GET /docs": { summary: "This document, to be read", answers: { 200: ["text/html"] } },
};
