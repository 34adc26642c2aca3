import { breakdownFold, type Breakdown, type BreakdownJob } from "./query/breakdown.ts";
import { extentFold, type Extent, type ExtentJob } from "./query/extent.ts";
import type { Fold } from "./fold.ts";
import { mailFold, type MailJob } from "./mail/fold.ts";
import type { MailReport } from "./mail/report.ts";
import { funnelFold, type FunnelResult, type FunnelJob } from "./sequences/funnel.ts";
import { pathsFold, type PathsResult, type PathsJob } from "./sequences/paths.ts";
import { retentionFold, type RetentionResult, type RetentionJob } from "./sequences/retention.ts";
import type { Share } from "./share.ts";

/**
 * The folds that run where the events are. A job is plain data with the name of its kind, and a
 * result is plain data.
 */
interface Folds {
  readonly breakdown: { readonly job: BreakdownJob; readonly result: Breakdown };
  readonly extent: { readonly job: ExtentJob; readonly result: Extent };
  readonly mail: { readonly job: MailJob; readonly result: MailReport };
  readonly funnel: { readonly job: FunnelJob; readonly result: FunnelResult };
  readonly retention: { readonly job: RetentionJob; readonly result: RetentionResult };
  readonly paths: { readonly job: PathsJob; readonly result: PathsResult };
}

export type FoldKind = keyof Folds;

/** The job names its kind, so the compiler knows the result of a job. */
export type FoldJob<K extends FoldKind = FoldKind> = Folds[K]["job"] & { readonly kind: K };
export type FoldResult<K extends FoldKind = FoldKind> = Folds[K]["result"];

type Maker<K extends FoldKind> = (job: FoldJob<K>, share?: Share) => Fold<FoldResult<K>>;

const makers: { readonly [K in FoldKind]: Maker<K> } = {
  breakdown: breakdownFold,
  extent: extentFold,
  mail: mailFold,
  funnel: funnelFold,
  retention: retentionFold,
  paths: pathsFold,
};

/**
 * How each kind of job is divided. `events`: each event goes to one of the parts. `shares`: each
 * part reads all events, and counts only its share of the users.
 */
const divisions: { readonly [K in FoldKind]: "events" | "shares" } = {
  breakdown: "events",
  extent: "events",
  mail: "shares",
  funnel: "shares",
  retention: "shares",
  paths: "shares",
};

/** How a job is divided among several folds, whose parts are then merged. */
export function divisionOf({ kind }: Pick<FoldJob, "kind">): "events" | "shares" {
  return divisions[kind];
}

/**
 * Begins the fold of a job.
 * @param share the share that the fold counts, though it gets all events; only for jobs that are
 * divided by shares
 */
export function foldOf<K extends FoldKind>(job: FoldJob<K>, share?: Share): Fold<FoldResult<K>> {
  return makers[job.kind](job, share);
}
