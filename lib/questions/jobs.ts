import type { AuditReport } from "./audits.ts";
import type { MetaRange } from "./answer-meta.ts";
import { whole } from "./reading/field.ts";

/** Work of minutes that somebody asked for. */
export const jobKinds = [
  "eraseEvent",
  "eraseEvents",
  "eraseSubject",
  "auditCounts",
  "rebuildRollups",
] as const;
export type JobKind = (typeof jobKinds)[number];

/** A job as it is told. */
export interface ShownJob {
  readonly id: string;
  readonly kind: JobKind;
  /** `failing`: it could not go on for some time. It is tried again all the same. */
  readonly status: "waiting" | "running" | "failing" | "done";
  /** RFC 3339. */
  readonly createdAt: string;
  readonly updatedAt: string;
  readonly finishedAt: string | null;
  /** Of an erasure: how many events are gone. */
  readonly erased?: number;
  /**
   * Of an erasure: events that were accepted up to this instant (RFC 3339) are erased, also those
   * that are still to be stored where `fenced` says so.
   */
  readonly acceptedUntil?: string;
  readonly fenced?: boolean;
  readonly ids?: "refused" | "reusable";
  /** Of an audit and of a rebuilding: what they go through, and up to where they have come. */
  readonly range?: MetaRange;
  readonly doneUntil?: string | null;
  /** What an audit has found so far. */
  readonly found?: AuditReport;
  /** How many minutes were counted anew so far. */
  readonly rebuilt?: number;
}

/** The parameters of a list of jobs. */
export const jobsParameters = { limit: whole({ min: 1, max: 100, otherwise: 20 }) };
