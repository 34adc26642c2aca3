import { randomUUID } from "node:crypto";
import type { ProjectId } from "../../../event/event.ts";
import { inOneAnswer, type Collections } from "../documents.ts";
import { writeAll } from "../writes.ts";
import { columnsOf, eventsOf, publishColumns } from "./build.ts";
import { bundleOf, isLarge, nameBundle, type BundleLimits } from "./bundles.ts";
import {
  isPutOff,
  notDue,
  numberOf,
  type BundleDocument,
  type SegmentDocument,
} from "./documents.ts";
import { segmentLimits } from "./seal.ts";

/** For how long other processes leave a bundle, and what led to it, alone. */
const mergingMs = 60_000;

/** For how long a segment waits for neighbours; whatever is built wakes those before it. */
const waitMs = 86_400_000;

/** The segments that are looked at together. */
const lookedAt = 100;

type Due = Pick<SegmentDocument, "_id" | "project" | "dueAt" | "events" | "rows" | "eventBytes">;

/**
 * Merges one bundle's segments, or finds out that some segments need not be merged, the one that
 * was built earliest first. docs/protocol.md has the order of the steps. Several processes may call
 * it at the same time.
 * @returns the number of events that were merged; `undefined` where no segment waits
 */
export async function mergeNext(
  collections: Collections,
  now: number,
  limits?: BundleLimits,
): Promise<number | undefined> {
  const { segments } = collections;
  const found = await segments
    .find({
      isMarked: false,
      $or: [{ dueAt: { $gt: notDue.alone, $lte: now } }, { dueAt: { $gt: now + 2 * waitMs } }],
    })
    .sort({ dueAt: 1 })
    .limit(lookedAt)
    .project<Due>({ project: 1, dueAt: 1, events: 1, rows: 1, eventBytes: 1 })
    .toArray();
  const [next] = found;
  if (next === undefined) return undefined;
  const large = found.filter((one) => isLarge(one, limits));
  if (large.length > 0) {
    const keys = large.map(({ _id }) => _id);
    await segments.updateMany(
      { _id: { $in: keys }, isMarked: false, dueAt: { $gt: notDue.alone } },
      { $set: { dueAt: notDue.alone } },
    );
    return 0;
  }
  return mergeWith(collections, next, now, limits);
}

/** Merges the bundle of a segment, or names the next bundle of its project. */
async function mergeWith(
  collections: Collections,
  { _id, project, dueAt }: Due,
  now: number,
  limits?: BundleLimits,
): Promise<number> {
  const { segments } = collections;
  const putOff = async (from: number, to: number) => {
    const asRead = { _id, isMarked: false, dueAt: from };
    return (await segments.updateOne(asRead, { $set: { dueAt: to } })).matchedCount > 0;
  };
  const taken = now + mergingMs;
  if (!(await putOff(dueAt, taken))) return 0;
  const known = await bundleOf(collections, project, numberOf(_id));
  const bundle = known ?? (await nameBundle(collections, project, limits));
  if (bundle === undefined) {
    await putOff(taken, now + waitMs);
    return 0;
  }
  if (bundle.segments.includes(_id)) return merge(collections, bundle, now);
  if (known !== undefined) {
    await putOff(taken, notDue.alone);
    return 0;
  }
  // The segment comes after the bundle that it has completed.
  await putOff(taken, now);
  return merge(collections, bundle, now);
}

/** Merges a bundle's segments, if nobody else does. */
async function merge(
  collections: Collections,
  bundle: BundleDocument,
  now: number,
): Promise<number> {
  const { bundles } = collections;
  const { _id } = bundle;
  if (isPutOff(bundle.takenUntil, now) || bundle.segments.length === 0) return 0;
  const taken = { nonce: randomUUID(), takenUntil: now + mergingMs };
  const { matchedCount } = await bundles.updateOne({ _id, nonce: bundle.nonce }, { $set: taken });
  if (matchedCount === 0) return 0;
  const rows = await mergeTaken(collections, { ...bundle, ...taken });
  await bundles.updateOne({ _id, takenUntil: taken.takenUntil }, { $set: { takenUntil: 0 } });
  return rows;
}

/**
 * Publishes the columns of a bundle's events, where all its segments are built, if nobody has taken
 * it since; then closes the segments that are as they were before the events were read.
 */
async function mergeTaken(
  collections: Collections,
  { _id, project, segments, nonce }: BundleDocument,
): Promise<number> {
  const some = await collections.segments
    .find({ _id: { $in: [...segments] } }, inOneAnswer)
    .project<Merged>(merged)
    .toArray();
  if (some.length < segments.length || some.some(({ isMarked }) => isMarked)) return 0;
  const written = await columnsOf(await eventsIn(collections, project, some));
  if (!written.complete) {
    // Of what has no column here some segments may have one.
    await putAside(collections, some, notDue.alone);
    return 0;
  }
  const { bundles } = collections;
  const from = Math.min(...some.map((one) => one.from));
  const to = Math.max(...some.map((one) => one.to));
  const change = async ($set: Partial<BundleDocument>) =>
    (await bundles.updateOne({ _id, nonce }, { $set })).matchedCount > 0;
  const isPublished = await publishColumns(collections, _id, written, {
    publish: (built) => change({ ...built, from, to, nonce: built.version }),
    prevent: () => change({ nonce: randomUUID() }),
  });
  if (!isPublished) return 0;
  await putAside(collections, some, notDue.closed);
  return written.rows;
}

const merged = {
  batches: 1,
  from: 1,
  to: 1,
  isMarked: 1,
  version: 1,
} as const;

type Merged = Pick<SegmentDocument, "_id" | keyof typeof merged>;

/** Reads the events of some segments; a command names as many batches as one segment may have. */
async function eventsIn(
  collections: Collections,
  project: ProjectId,
  some: readonly Merged[],
): Promise<readonly Uint8Array[]> {
  const batches = some.flatMap((segment) => segment.batches);
  const all: Uint8Array[] = [];
  for (let at = 0; at < batches.length; at += segmentLimits.batches) {
    const named = batches.slice(at, at + segmentLimits.batches);
    for (const event of await eventsOf(collections, project, named)) all.push(event);
  }
  return all;
}

/** Says when segments are due that still have the versions that were read, and are not marked. */
async function putAside(
  { segments }: Collections,
  some: readonly Merged[],
  dueAt: number,
): Promise<void> {
  await writeAll(
    segments,
    some.map(({ _id, version }) => {
      const filter = { _id, version: version!, isMarked: false };
      return { _id, operation: { updateOne: { filter, update: { $set: { dueAt } } } } };
    }),
  );
}
