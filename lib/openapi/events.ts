import { maxBatchEvents, maxWaitsOfProject } from "../event/limits.ts";
import { exportParameters } from "../questions/lists/export.ts";
import { listParameters } from "../questions/lists/list.ts";
import { streamParameters } from "../questions/lists/stream.ts";
import { storyParameters } from "../questions/lists/story.ts";
import { event, text, id, read, type Operation } from "./operation.ts";

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
const given = { type: "string", minLength: 1 };

/** CloudEvents 1.0 in JSON; other attributes become metadata. */
const cloudEvent = {
  type: "object",
  properties: {
    specversion: { enum: ["1.0"] },
    id: given,
    source: given,
    type: given,
    time: { type: "string", format: "date-time" },
    subject: { type: "string" },
    datacontenttype: { type: "string", examples: ["application/json"] },
    correlationid: { type: "string" },
    data: {},
    data_base64: { type: "string" },
  },
  required: ["specversion", "id", "source", "type"],
};
const opened = { id: "demo-1", type: "email.opened", source: "demo", data: { plan: "pro" } };
const write = [
  "UNSUPPORTED_MEDIA_TYPE",
  "TOO_LARGE",
  "QUEUE_UNAVAILABLE",
  "QUEUE_FULL",
  "OUTCOME_UNKNOWN",
] as const;

/** The routes that collect, list and follow events. */
export const eventOperations: Readonly<Record<string, Operation>> = {
  "POST /api/v1/events": {
    summary: "Collect one event",
    description:
      "A request with the headers ce-specversion, ce-id, ce-source and ce-type is a CloudEvent in binary mode: other ce- headers are its other attributes, the body is its data, of the media type in Content-Type",
    scope: "events:write",
    headers: {
      Prefer: {
        type: "string",
        description: `wait=N: waits N seconds, at most 30, for the event to be stored; a project that waits for ${maxWaitsOfProject} events already is answered 202 at once`,
      },
    },
    body: {
      "application/json": event,
      "application/cloudevents+json": cloudEvent,
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
      "application/cloudevents-batch+json": { type: "array", items: cloudEvent },
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
  "GET /api/v1/stories/{correlationId}": {
    summary: "What happened under a correlation id",
    scope: "events:read",
    path: { correlationId: storyParameters.correlationId.schema },
    parameters: { limit: storyParameters.limit, cursor: storyParameters.cursor },
    example: { path: { correlationId: "order-1" } },
    answers: { 200: "Story" },
    problems: ["NOT_FOUND", "STORE_UNAVAILABLE"],
  },
};
