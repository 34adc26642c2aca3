import type { AuditReport } from "./audits.ts";
import type { MetaRange } from "./answer-meta.ts";
import { whole } from "./reading/field.ts";

/** The kinds of jobs: work that takes minutes. */
export const jobKinds = [
  "eraseEvent",
  "eraseEvents",
  "eraseSubject",
  "auditCounts",
  "rebuildRollups",
] as const;
export type JobKind = (typeof jobKinds)[number];

/** A job as the API shows it. */
export interface ShownJob {
  readonly id: string;
  readonly kind: JobKind;
  /** `failing`: the job could not continue for some time. It is still retried. */
  readonly status: "waiting" | "running" | "failing" | "done";
  /** RFC 3339. */
  readonly createdAt: string;
  readonly updatedAt: string;
  readonly finishedAt: string | null;
  /** How many events were erased; only of an erasure. */
  readonly erased?: number;
  /**
   * Of an erasure: events that were accepted up to this instant (RFC 3339) are erased; where
   * `fenced` says so, also those that are stored later.
   */
  readonly acceptedUntil?: string;
  readonly fenced?: boolean;
  readonly ids?: "refused" | "reusable";
  /** The range, and how much of it is done; only of an audit or a rebuild. */
  readonly range?: MetaRange;
  readonly doneUntil?: string | null;
  /** The differences that an audit has found so far. */
  readonly found?: AuditReport;
  /** How many minutes were counted again so far. */
  readonly rebuilt?: number;
}

/** The parameters of a list of jobs. */
export const jobsParameters = { limit: whole({ min: 1, max: 100, otherwise: 20 }) };
