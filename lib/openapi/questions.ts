import { savedKinds } from "../answers/kinds.ts";
import {
  propertiesParameters,
  typesParameters,
  valuesParameters,
} from "../questions/catalog/question.ts";
import { countsParameters } from "../questions/counts.ts";
import { mailParameters } from "../questions/mail/question.ts";
import { queryBody } from "../questions/query/question.ts";
import { savedBody, savedNameSchema, savedResultsParameters } from "../questions/saved.ts";
import { funnelBody } from "../questions/sequences/funnel.ts";
import { pathsBody } from "../questions/sequences/paths.ts";
import { retentionBody } from "../questions/sequences/retention.ts";
import { text, ask, read, jsonBody, type Operation } from "./operation.ts";

/** The routes of questions, saved questions and the catalogue. */
export const questionOperations: Readonly<Record<string, Operation>> = {
  "GET /api/v1/events/counts": {
    summary: "How many events there are, by type, period and dimension",
    scope: "events:read",
    parameters: countsParameters,
    answers: { 200: "Counts" },
    problems: read,
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
};
