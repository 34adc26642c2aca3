import { randomUUID } from "node:crypto";
import type { ProjectId } from "../../../event/event.ts";
import { inOneAnswer, type Collections } from "../documents.ts";
import { insertAbsent } from "../writes.ts";
import {
  bundleKey,
  isBundle,
  segmentKey,
  type BundleDocument,
  type SegmentDocument,
} from "./documents.ts";
import { segmentLimits } from "./seal.ts";

/** The bounds of a bundle. */
export interface BundleLimits {
  readonly events: number;
  /** Of the events that are read to build it. */
  readonly bytes: number;
  readonly segments: number;
}

const usualLimits: BundleLimits = {
  events: segmentLimits.events,
  bytes: segmentLimits.bytes,
  segments: 32,
};

/** A bundle is chosen among so many segments at most, however many of them are large. */
const mostSpan = 512;

/** About how many bytes an event has, where a segment of an earlier version does not tell. */
const usualEventBytes = 1_024;

type Sized = Pick<SegmentDocument, "events" | "rows" | "eventBytes">;

function sizeOf({ events, rows = events, eventBytes = rows * usualEventBytes }: Sized) {
  return { events: rows, bytes: eventBytes };
}

/** Whether a segment is not merged, since a bundle would have no second one beside it. */
export function isLarge(segment: Sized, limits: BundleLimits = usualLimits): boolean {
  const { events, bytes } = sizeOf(segment);
  return events > limits.events / 2 || bytes > limits.bytes / 2;
}

/** The bundle that was chosen among segments of which this number is one. */
export async function bundleOf(
  { bundles }: Collections,
  project: ProjectId,
  n: number,
): Promise<BundleDocument | undefined> {
  const [last] = await bundles
    .find({ project, first: { $lte: n } })
    .sort({ first: -1 })
    .limit(1)
    .toArray();
  return last !== undefined && last.last >= n ? last : undefined;
}

/**
 * Names the next bundle of a project: small segments that follow the last bundle, as many as it
 * holds. Whoever is first decides, so that no segment is in two bundles.
 * @returns `undefined` where there are too few of them yet
 */
export async function nameBundle(
  collections: Collections,
  project: ProjectId,
  limits: BundleLimits = usualLimits,
): Promise<BundleDocument | undefined> {
  const { bundles } = collections;
  const [previous] = await bundles.find({ project }).sort({ first: -1 }).limit(1).toArray();
  const { last, n: number } = previous ?? { last: -1, n: -1 };
  const chosen = await chosenAfter(collections, project, last + 1, limits);
  if (chosen === undefined) return undefined;
  const n = number + 1;
  const _id = bundleKey(project, n);
  const named = { _id, project, n, ...chosen, nonce: randomUUID(), takenUntil: 0 };
  const [isThere] = await insertAbsent(bundles, [named]);
  return isThere === undefined ? named : ((await bundles.findOne({ _id })) ?? undefined);
}

type Chosen = Pick<BundleDocument, "first" | "last" | "segments">;

/** Chooses small segments from a number on, of any number of large ones between. */
async function chosenAfter(
  { segments }: Collections,
  project: ProjectId,
  first: number,
  limits: BundleLimits,
): Promise<Chosen | undefined> {
  const some: string[] = [];
  let [events, bytes] = [0, 0];
  for (let from = first; ; from += limits.segments) {
    const keys = Array.from({ length: limits.segments }, (_, at) => segmentKey(project, from + at));
    const found = await segments
      .find({ _id: { $in: keys } }, inOneAnswer)
      .project<Sized & Pick<SegmentDocument, "_id" | "isMarked">>({
        isMarked: 1,
        events: 1,
        rows: 1,
        eventBytes: 1,
      })
      .toArray();
    const byKey = new Map(found.map((one) => [one._id, one]));
    for (const [at, key] of keys.entries()) {
      const segment = byKey.get(key);
      if (segment === undefined || segment.isMarked) return undefined;
      if (isLarge(segment, limits)) continue;
      const size = sizeOf(segment);
      events += size.events;
      bytes += size.bytes;
      const isFull = events > limits.events || bytes > limits.bytes;
      if (isFull) return { first, last: from + at - 1, segments: some };
      some.push(key);
      if (some.length === limits.segments) return { first, last: from + at, segments: some };
    }
    const last = from + limits.segments - 1;
    const isFar = some.length === 0 || last - first >= mostSpan;
    if (isFar) return { first, last, segments: some.length > 1 ? some : [] };
  }
}

/** The keys of segments that have the same events as some segments and bundles. */
export async function segmentsIn(
  { bundles }: Collections,
  keys: readonly string[],
): Promise<readonly string[]> {
  const bundled = keys.filter(isBundle);
  if (bundled.length === 0) return keys;
  const found = await bundles
    .find({ _id: { $in: bundled } }, inOneAnswer)
    .project<Pick<BundleDocument, "segments">>({ segments: 1 })
    .toArray();
  const own = keys.filter((key) => !isBundle(key));
  return [...own, ...found.flatMap((bundle) => bundle.segments)];
}
