import type { Difference } from "../counting/drift.ts";
import { grainMs, startOf, type Grain } from "../counting/bucket.ts";
import type { EventId } from "../event/event.ts";
import type { Range } from "../event/filter.ts";
import { firstInstant, lastInstant } from "../event/instant.ts";
import { readBody } from "./reading/body.ts";
import { checkOrder, described, flag, instant, needed } from "./reading/field.ts";

/** A number of a rollup that differs from the sum of its events, or of the rollups within it. */
export interface Drift extends Difference {
  readonly grain: Grain;
  /** RFC 3339. */
  readonly start: string;
}

/** The result of comparing buckets with what they sum. */
export interface AuditReport {
  /** How many buckets were compared. */
  readonly buckets: number;
  /** How many buckets held a wrong number, and up to a hundred of these numbers. */
  readonly drifted: number;
  readonly drift: readonly Drift[];
  /** How many buckets were counted again. */
  readonly repaired: number;
  /** Minutes with events whose batches are long overdue and have not counted them. */
  readonly uncounted: number;
  /** Buckets that lacked a mark which they needed; the audit put it. */
  readonly unmarked: number;
  /** Buckets that lack a dimension which is counted now: a rebuild adds it. */
  readonly lacking: number;
  /**
   * Up to a hundred events whose content differs from what was sent: somebody, or the disk, changed
   * it.
   */
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

/** The most differences, and the most changed events, that a report lists. */
export const maxListed = 100;

/** Joins two reports. */
export function together(a: AuditReport, b: AuditReport): AuditReport {
  return {
    buckets: a.buckets + b.buckets,
    drifted: a.drifted + b.drifted,
    drift: [...a.drift, ...b.drift].slice(0, maxListed),
    repaired: a.repaired + b.repaired,
    uncounted: a.uncounted + b.uncounted,
    unmarked: a.unmarked + b.unmarked,
    lacking: a.lacking + b.lacking,
    changed: [...a.changed, ...b.changed].slice(0, maxListed),
  };
}

/** The body of a request for an audit. */
export const auditBody = {
  from: described(instant, "The first minute; absent: the first there is"),
  to: described(instant, "Up to here, and up to ten minutes before the request at most"),
  repair: described(flag(true), "Whether what differs is counted anew from the events"),
};

/** The body of a request to rebuild rollups. */
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

/** Widens a range to whole minutes. */
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
