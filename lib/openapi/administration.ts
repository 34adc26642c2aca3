import { eventSchema } from "../event/event-schema.ts";
import { auditLogParameters } from "../questions/audit-log.ts";
import { auditBody, rebuildBody } from "../questions/audits.ts";
import { erasureParameters, erasuresParameters } from "../questions/erasing.ts";
import { jobsParameters } from "../questions/jobs.ts";
import { agesBody } from "../questions/retention.ts";
import { keyBody, rotationBody } from "../questions/keys.ts";
import { subjectParameters } from "../questions/lists/export.ts";
import { deadLettersParameters } from "../questions/lists/dead-letters.ts";
import { quarantineParameters } from "../questions/quarantine.ts";
import { inferParameters, schemaBody, versionsParameters } from "../questions/schemas.ts";
import { jsonSchemaOf } from "../schema/rule.ts";
import { text, id, ask, read, jsonBody, type Operation } from "./operation.ts";

const keyId = { type: "string", minLength: 1, maxLength: 128 };
const unsure = ["QUEUE_UNAVAILABLE", "STORE_UNAVAILABLE", "OUTCOME_UNKNOWN"] as const;
const changed = ["STORE_UNAVAILABLE", "OUTCOME_UNKNOWN"] as const;
const begun = { answers: { 202: "Job" }, answerHeaders: ["Location"], problems: changed } as const;
const aPerson = { path: { userId: "user-1" } };
const mergePatch = { type: "object" };
const eventType = jsonSchemaOf(eventSchema.properties.type);
const aType = { path: { type: "email.opened" } };

/** The routes that take the scope `admin`, or say what a key may do. */
export const administrationOperations: Readonly<Record<string, Operation>> = {
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
    summary: "All events of a person, as a stream, those in quarantine first",
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
    summary: "Mend one by a JSON merge patch (RFC 7396); it is checked anew",
    scope: "admin",
    path: { id },
    body: { "application/merge-patch+json": mergePatch, "application/json": mergePatch },
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
    problems: ["NOT_FOUND", "BREAKS_SCHEMA", "INVALID_EVENT", ...changed],
  },
  "POST /api/v1/quarantine/replay": {
    summary: "Let a page of those out that a filter finds and that keep their schema now",
    scope: "admin",
    parameters: quarantineParameters,
    answers: { 200: "ReplayedMany" },
    problems: changed,
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
};
