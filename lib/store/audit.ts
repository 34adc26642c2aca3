import { cutCells, emptyCells, type Sum } from "../counting/cells.ts";
import { differences, lacksDimensions } from "../counting/drift.ts";
import { floorBelow, isBelow, rawFloor } from "../counting/floors.ts";
import { childrenOf, grainMs, startOf, type Bucket } from "../counting/bucket.ts";
import type { Paced } from "./pace.ts";
import type { ProjectId } from "../event/event.ts";
import {
  maxListed,
  nothingFound,
  together,
  wholeMinutes,
  type AuditReport,
} from "../questions/audits.ts";
import { rewriteUp } from "./protocol.ts";
import { sealedOf } from "./retention.ts";
import type { EventStore } from "./store.ts";
import type { Range } from "../event/filter.ts";

/** The number of minutes that are recounted and settled at a time. */
const minutesAtOnce = 10;

/**
 * A batch will not come any more whose delta is missing this long after its events were accepted.
 */
const lateAfterMs = 3_600_000;

export interface Auditing {
  readonly store: EventStore;
  readonly now: () => number;
  /** Whether differing buckets are counted again. */
  readonly repairs: boolean;
  /** Carries out a minute. Absent: one right after the other. */
  readonly paced?: Paced;
  /** Whether the audit is to end early; what it has found is then of a part. */
  readonly isEnding?: () => boolean;
}

const atOnce: Paced = (work) => work();

/**
 * Recounts the minutes of a range (widened to whole minutes) from the events, sums up the hours and
 * days within it, and compares them with the rollups. It also compares each event with the hash of
 * what was sent. The cost grows with the events of the range.
 */
export async function audit(
  auditing: Auditing,
  project: ProjectId,
  wanted: Range,
): Promise<AuditReport> {
  const range = wholeMinutes(wanted);
  let report = nothingFound;
  for await (const hour of hoursOf(auditing.store, project, range)) {
    report = together(report, await auditHour(auditing, hour, range));
  }
  return report;
}

/** The hours of a range that may have events or rollups, ascending. */
export async function* hoursOf(
  store: EventStore,
  project: ProjectId,
  { from, to }: Range,
): AsyncGenerator<Bucket> {
  let day = await store.nextDay({ project, grain: "day", start: startOf("day", from) - 1 });
  while (day?.project === project && day.start < to) {
    yield* childrenOf(day).filter(({ start }) => start + grainMs.hour > from && start < to);
    day = await store.nextDay(day);
  }
}

/**
 * Audits the minutes of an hour, then the hour, and after the last hour of a day the day. It skips
 * buckets outside of the range.
 */
export async function auditHour(
  auditing: Auditing,
  hour: Bucket,
  range: Range,
): Promise<AuditReport> {
  const { store, paced = atOnce, isEnding = () => false } = auditing;
  const isWithin = ({ grain, start }: Bucket) =>
    start >= range.from && start + grainMs[grain] <= range.to;
  let report = nothingFound;
  if (await mayHold(store, hour)) {
    for (const minute of childrenOf(hour).filter(isWithin)) {
      if (isEnding()) return report;
      report = together(report, await paced(() => auditMinute(auditing, minute)));
    }
    if (isWithin(hour)) report = together(report, await auditParent(auditing, hour));
  }
  const day: Bucket = { ...hour, grain: "day", start: startOf("day", hour.start) };
  if (!isLastOfDay(hour) || !isWithin(day)) return report;
  return together(report, await auditParent(auditing, day));
}

/**
 * Whether an hour is the last of its day, with which the day is audited even if the hour is empty.
 */
export function isLastOfDay({ start }: Bucket): boolean {
  return start + grainMs.hour === startOf("day", start) + grainMs.day;
}

/** Whether an hour may hold events or rollups. */
export async function mayHold(store: EventStore, hour: Bucket): Promise<boolean> {
  const { project, start } = hour;
  const range = { from: start, to: start + grainMs.hour };
  if ((await store.rollups(project, "minute", [range], "types")).length > 0) return true;
  if ((await store.rollup(hour)) !== undefined) return true;
  return (await store.events({ project, ...range, order: "asc", limit: 1 })).length > 0;
}

/**
 * Compares a minute with its events. It reads the rollup before the deltas: where both have the
 * same version they sum the same deltas, whatever is stored meanwhile. Where the versions differ,
 * the rollup is still to be written, and the minute's mark says so; where the mark is missing the
 * audit puts one, which does no harm. Batches without a delta are waited for, unless they are
 * overdue.
 */
async function auditMinute(auditing: Auditing, minute: Bucket): Promise<AuditReport> {
  const { store, now, repairs } = auditing;
  const rollup = await store.rollup(minute);
  const { changed, ...counted } = await store.recounted(minute, now() - lateAfterMs);
  // Read after counting, so that no dropped event is missing from the count.
  const floor = rawFloor(await sealedOf(store, minute.project));
  if (isBelow(minute.start, floor)) return { ...nothingFound, changed };
  const uncounted = counted.uncounted.length > 0 ? 1 : 0;
  const found = await judge(store, minute, rollup, counted);
  const report = { ...found, uncounted, changed };
  if (!repairs || report.drifted + uncounted === 0) return report;
  await store.complete(minute, counted.uncounted);
  await repair(store, [minute]);
  return { ...report, repaired: await isRight(store, minute) };
}

/** Compares an hour or a day with the rollups within it. */
async function auditParent(auditing: Auditing, parent: Bucket): Promise<AuditReport> {
  const { store, repairs } = auditing;
  const rollup = await store.rollup(parent);
  const summed = await store.sumChildren(parent);
  const floors = await sealedOf(store, parent.project);
  if (isBelow(parent.start, floorBelow(floors, parent.grain))) return nothingFound;
  const report = await judge(store, parent, rollup, summed);
  if (!repairs || report.drifted === 0) return report;
  // A sum replaces a rollup only with a greater version, and it has one as soon as one of its
  // minutes does.
  const minute = await aMinuteOf(store, parent);
  if (minute === undefined) return report;
  await repair(store, [minute]);
  return { ...report, repaired: await isRight(store, parent) };
}

/** Whether a bucket holds the right numbers by now: 1 or 0. */
async function isRight(store: EventStore, bucket: Bucket): Promise<number> {
  const rollup = await store.rollup(bucket);
  const counted =
    bucket.grain === "minute"
      ? await store.recounted(bucket, -Infinity)
      : await store.sumChildren(bucket);
  return (await judge(store, bucket, rollup, counted)).drifted === 0 ? 1 : 0;
}

async function judge(
  store: EventStore,
  bucket: Bucket,
  rollup: Sum | undefined,
  counted: Sum,
): Promise<AuditReport> {
  const { v, cells } = rollup ?? { v: 0, cells: emptyCells() };
  const report = { ...nothingFound, buckets: v + counted.v === 0 ? 0 : 1 };
  if (v < counted.v) {
    const { project, grain, start } = bucket;
    const range = { from: start, to: start + grainMs[grain] };
    const marks = await store.marks(project, range);
    if (marks.minute.length + marks.hour.length + marks.day.length > 0) return report;
    await (grain === "minute" ? store.markDirty([bucket]) : store.markParent(bucket));
    return { ...report, unmarked: 1 };
  }
  const whole = cutCells(counted.cells);
  const isLeftOut = store.leavesOut?.(bucket.project, bucket.start, endOf(bucket)) === true;
  const found = differences(cells, whole).filter(
    ({ section }) => !isLeftOut || section === "types",
  );
  const start = new Date(bucket.start).toISOString();
  return {
    ...report,
    drifted: found.length > 0 ? 1 : 0,
    drift: found.slice(0, maxListed).map((each) => ({ grain: bucket.grain, start, ...each })),
    lacking: lacksDimensions(cells, whole) ? 1 : 0,
  };
}

function endOf({ grain, start }: Bucket): number {
  return start + grainMs[grain];
}

async function aMinuteOf(
  store: EventStore,
  { project, grain, start }: Bucket,
): Promise<Bucket | undefined> {
  const range = { from: start, to: start + grainMs[grain] };
  const [first] = await store.rollups(project, "minute", [range], "types");
  return first && { project, grain: "minute", start: first.start };
}

/**
 * Counts minutes again, and writes the hours and days above them. Safe at any time: events that are
 * stored meanwhile count once (docs/protocol.md).
 */
export async function repair(
  store: EventStore,
  minutes: readonly Bucket[],
  isEnding = () => false,
): Promise<void> {
  for (let at = 0; at < minutes.length && !isEnding(); at += minutesAtOnce) {
    const some = minutes.slice(at, at + minutesAtOnce);
    await store.recount(some);
    await rewriteUp(store, some);
  }
}

/**
 * Counts the minutes of an hour again that lie within a range, and ends early where `isEnding`.
 * @returns how many there were
 */
export async function rebuildHour(
  store: EventStore,
  hour: Bucket,
  range: Range,
  isEnding = () => false,
): Promise<number> {
  if (!(await mayHold(store, hour))) return 0;
  const within = childrenOf(hour).filter(
    ({ start }) => start >= range.from && start + grainMs.minute <= range.to,
  );
  const floor = rawFloor(await sealedOf(store, hour.project));
  const kept = within.filter(({ start }) => !isBelow(start, floor));
  const sums = await Promise.all(kept.map((minute) => store.sumDeltas(minute)));
  const counted = kept.filter((_, at) => sums[at]!.v > 0);
  await repair(store, counted, isEnding);
  return counted.length;
}
