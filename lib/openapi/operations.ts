import { administrationOperations } from "./administration.ts";
import { eventOperations } from "./events.ts";
import { questionOperations } from "./questions.ts";
import type { Operation } from "./operation.ts";

/** Every route by method and path: what a caller may send, and what is answered. */
export const operations: Readonly<Record<string, Operation>> = {
  ...eventOperations,
  ...questionOperations,
  ...administrationOperations,
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
