import type { Difference } from "../counting/drift.ts";
import { grainMs, startOf, type Grain } from "../counting/bucket.ts";
import type { EventId } from "../event/event.ts";
import type { Range } from "../event/filter.ts";
import { firstInstant, lastInstant } from "../event/instant.ts";
import { readBody } from "./reading/body.ts";
import { checkOrder, described, flag, instant, needed } from "./reading/field.ts";

/** A number of a rollup that is not what its events, or the rollups within it, add up to. */
export interface Drift extends Difference {
  readonly grain: Grain;
  /** RFC 3339. */
  readonly start: string;
}

/** What was found where buckets were compared with what they sum. */
export interface AuditReport {
  /** How many buckets were compared. */
  readonly buckets: number;
  /** How many of them held a wrong number, and up to a hundred of these numbers. */
  readonly drifted: number;
  readonly drift: readonly Drift[];
  /** How many buckets were counted anew. */
  readonly repaired: number;
  /** Minutes with events whose batches are long overdue and did not count them. */
  readonly uncounted: number;
  /** Buckets that lacked a mark which they needed; it was put. */
  readonly unmarked: number;
  /** Buckets that lack a dimension which is counted now: rebuilding adds it. */
  readonly lacking: number;
  /** Up to a hundred events whose content is not what was sent: somebody, or the disk, changed it. */
  readonly changed: readonly EventId[];
}

export const nothingFound: AuditReport = {
  buckets: 0,
  drifted: 0,
  drift: [],
  repaired: 0,
  uncounted: 0,
  unmarked: 0,
  lacking: 0,
  changed: [],
};

/** How many differences, and how many changed events, are told. */
export const maxTold = 100;

/** Both reports as one. */
export function together(a: AuditReport, b: AuditReport): AuditReport {
  return {
    buckets: a.buckets + b.buckets,
    drifted: a.drifted + b.drifted,
    drift: [...a.drift, ...b.drift].slice(0, maxTold),
    repaired: a.repaired + b.repaired,
    uncounted: a.uncounted + b.uncounted,
    unmarked: a.unmarked + b.unmarked,
    lacking: a.lacking + b.lacking,
    changed: [...a.changed, ...b.changed].slice(0, maxTold),
  };
}

/** The body that asks for an audit. */
export const auditBody = {
  from: described(instant, "The first minute; absent: the first there is"),
  to: described(instant, "Up to here; absent: up to now and beyond"),
  repair: described(flag(true), "Whether what differs is counted anew from the events"),
};

/** The body that asks for rollups to be made again. */
export const rebuildBody = { from: needed(instant), to: needed(instant) };

export interface AuditQuestion {
  readonly range: Range;
  readonly repairs: boolean;
}

/** @throws ServiceError VALIDATION */
export function readAudit(body: unknown): AuditQuestion {
  return readBody(body, auditBody, ({ from, to, repair }, findings) => {
    checkOrder({ from, to }, { pointer: "/to" }, findings);
    return { range: wholeMinutes({ from, to }), repairs: repair };
  });
}

/** @throws ServiceError VALIDATION */
export function readRebuild(body: unknown): Range {
  return readBody(body, rebuildBody, ({ from, to }, findings) => {
    checkOrder({ from, to }, { pointer: "/to" }, findings);
    return wholeMinutes({ from, to });
  });
}

/** Widened to whole minutes. */
export function wholeMinutes({
  from = firstInstant,
  to = lastInstant,
}: {
  readonly from?: number | undefined;
  readonly to?: number | undefined;
}): Range {
  const end = Math.min(startOf("minute", to + grainMs.minute - 1), lastInstant);
  return { from: startOf("minute", from), to: end };
}
