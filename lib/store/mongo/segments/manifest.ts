import { hash } from "node:crypto";
import type { Document } from "mongodb";
import { firstInstant, lastInstant } from "../../../event/instant.ts";
import type { BatchId } from "../../../event/event.ts";
import type { EventFilter } from "../../../event/filter.ts";
import type { Manifest, Segment, UnsealedGroup } from "../../manifest.ts";
import { inOneAnswer, type Collections } from "../documents.ts";
import { segmentsIn } from "./bundles.ts";
import {
  fieldOfColumn,
  isBundle,
  notDue,
  rests,
  type BuiltColumns,
  type BundleDocument,
  type SegmentDocument,
  type UnsealedDocument,
} from "./documents.ts";

/**
 * The most batches outside segments; questions of a project with more of them do not use segments.
 */
const maxUnsealed = 5_000;

/**
 * A group of unsealed batches is closed once it has so many events or batches. Groups are small, as
 * each batch that is stored changes the newest group.
 */
const groupLimits = { events: 512, batches: 64 } as const;

const entry = {
  isMarked: 1,
  events: 1,
  version: 1,
  rows: 1,
  complete: 1,
  oldest: 1,
  newest: 1,
  bytes: 1,
  parts: 1,
  isPlaced: 1,
} as const;

type Announced = Omit<UnsealedDocument, "_id" | "project">;
type Entry = Pick<SegmentDocument, "_id" | keyof typeof entry>;
type BundleEntry = Pick<BundleDocument, "_id" | "segments"> & Partial<BuiltColumns>;

/**
 * Lists the segments, bundles and unsealed batches that a question needs.
 * @returns `undefined` where too many batches are in no segment
 */
export async function manifestOf(
  { unsealed, segments, bundles }: Collections,
  { project, from = firstInstant, to = lastInstant }: EventFilter,
  now: number,
): Promise<Manifest | undefined> {
  // Announcements are read before segments: a batch that is sealed in between is then in a segment
  // that is read.
  const announced = await unsealed
    .find({ project }, inOneAnswer)
    .limit(maxUnsealed + 1)
    .project<Announced>({
      batch: 1,
      nonce: 1,
      events: 1,
      bytes: 1,
      from: 1,
      to: 1,
      at: 1,
      mark: 1,
      dueAt: 1,
    })
    .toArray();
  if (announced.length > maxUnsealed) return undefined;
  const inRange = { to: { $gte: from }, from: { $lte: to } };
  const open = onceEach(
    await segments
      .find({ project, dueAt: { $gt: notDue.closed }, ...inRange }, inOneAnswer)
      .project<Entry>(entry)
      .toArray(),
  );
  // Bundles are read after open segments: a segment that is closed in between is then in a bundle
  // that is read.
  const bundled = onceEach(
    await bundles
      .find({ project, ...inRange }, inOneAnswer)
      .project<BundleEntry>({ ...entry, segments: 1 })
      .toArray(),
  );
  const again = await naming(segments, project, announced);
  const opened = new Set(open.map(({ _id }) => _id));
  const isOpened = (key: string) => opened.has(key) || again.has(key);
  const [outdated, merged] = partition(bundled, (one) => one.segments.some(isOpened));
  const keys = new Set(outdated.flatMap((bundle) => bundle.segments));
  const parted = await entriesOf(segments, [...keys], inRange);
  const entries = [...open.filter(({ _id }) => !keys.has(_id)), ...parted];
  const isReadAsColumns = ({ _id, isMarked }: Entry) => !isMarked && !again.has(_id);
  const readAsRows = entries.filter((one) => !isReadAsColumns(one));
  const keysOfRows = readAsRows.map(({ _id }) => _id);
  const batches = new Set(await batchesIn(segments, keysOfRows));
  const isInRange = (batch: Announced) => batch.to >= from && batch.from < to;
  const others = announced.filter(({ batch }) => !batches.has(batch));
  const [resting, lasting] = partition(others, (one) => rests(one, now));
  const groups = groupsOf(lasting).filter((group) => group.some(isInRange));
  const read = resting.filter(isInRange);
  for (const { batch } of read) batches.add(batch);
  return {
    segments: [...merged, ...entries.filter(isReadAsColumns)].map((one) => segmentOf(project, one)),
    unsealed: groups.map((group) => unsealedGroup(project, group)),
    batches: [...batches],
    events: [...groups.flat(), ...read, ...readAsRows].reduce((sum, { events }) => sum + events, 0),
  };
}

/** As they were found last: a find comes by a document twice whose range grows meanwhile. */
function onceEach<T extends { readonly _id: string }>(found: readonly T[]): readonly T[] {
  return [...new Map(found.map((one) => [one._id, one])).values()];
}

export function partition<T>(all: readonly T[], isOne: (each: T) => boolean): readonly [T[], T[]] {
  const { true: some = [], false: others = [] } = Object.groupBy(all, (each) => `${isOne(each)}`);
  return [some, others];
}

/**
 * Groups batches, the one announced earliest first: new batches then leave most groups as they are.
 */
export function groupsOf<Batch extends Pick<Announced, "batch" | "events" | "at">>(
  announced: readonly Batch[],
): readonly (readonly Batch[])[] {
  const groups: Batch[][] = [];
  let events = Infinity;
  for (const batch of announced.toSorted((a, b) => a.at - b.at || (a.batch < b.batch ? -1 : 1))) {
    const isClosed = events >= groupLimits.events || groups.at(-1)!.length >= groupLimits.batches;
    if (isClosed) {
      groups.push([]);
      events = 0;
    }
    groups.at(-1)!.push(batch);
    events += batch.events;
  }
  return groups;
}

function unsealedGroup(project: string, group: readonly Announced[]): UnsealedGroup {
  const versions = group.map(({ batch, nonce, mark }) => [batch, nonce, mark]);
  const key = hash("sha1", JSON.stringify([project, versions]));
  const bytes = group.reduce((sum, batch) => sum + batch.bytes, 0);
  return { key, batches: group.map(({ batch }) => batch), bytes };
}

/**
 * The segments that contain one of the announced batches: the batch was announced again, or its
 * announcement is about to be removed.
 */
async function naming(
  segments: Collections["segments"],
  project: string,
  announced: readonly Announced[],
): Promise<ReadonlySet<string>> {
  if (announced.length === 0) return new Set();
  const found = await segments
    .find({ project, batches: { $in: announced.map(({ batch }) => batch) } }, inOneAnswer)
    .project<{ _id: string }>({ _id: 1 })
    .toArray();
  return new Set(found.map(({ _id }) => _id));
}

/** The segments of these keys that have events of a range. */
async function entriesOf(
  segments: Collections["segments"],
  keys: readonly string[],
  inRange: object,
): Promise<readonly Entry[]> {
  if (keys.length === 0) return [];
  return segments
    .find({ _id: { $in: [...keys] }, ...inRange }, inOneAnswer)
    .project<Entry>(entry)
    .toArray();
}

/** The batches of some segments and bundles. */
export async function batchesOf(
  collections: Collections,
  some: readonly Pick<Segment, "id">[],
): Promise<readonly BatchId[]> {
  const keys = some.map(({ id }) => id);
  return batchesIn(collections.segments, await segmentsIn(collections, keys));
}

async function batchesIn(
  segments: Collections["segments"],
  keys: readonly string[],
): Promise<readonly BatchId[]> {
  type Batches = Pick<SegmentDocument, "batches">;
  return (await foundIn<Batches>(segments, keys, { batches: 1 })).flatMap(({ batches }) => batches);
}

/** The number and the bytes of some segments' and bundles' columns with certain names. */
export async function sizesOf(
  { segments, bundles }: Collections,
  some: readonly Segment[],
  names: readonly string[],
): Promise<{ readonly columns: number; readonly bytes: number }> {
  const keys = some.map(({ id }) => id);
  const fields = names.map((name) => [`sizes.${fieldOfColumn(name)}`, 1] as const);
  const projection = Object.fromEntries([["_id", 1], ...fields]);
  const [bundled, own] = partition(keys, isBundle);
  const found = [
    ...(await foundIn<Pick<SegmentDocument, "sizes">>(segments, own, projection)),
    ...(await foundIn<Pick<BundleDocument, "sizes">>(bundles, bundled, projection)),
  ];
  const sizes = found.flatMap(({ sizes = {} }) => Object.values(sizes));
  return { columns: sizes.length, bytes: sizes.reduce((sum, size) => sum + size, 0) };
}

/**
 * The current versions of segments' and bundles' columns, by the key. Absent are marked segments,
 * and bundles of which a segment is open: no question reads their columns.
 */
export async function versionsOf(
  { segments, bundles }: Collections,
  ids: readonly string[],
): Promise<ReadonlyMap<string, string>> {
  const [bundled, own] = partition(ids, isBundle);
  type Own = Pick<SegmentDocument, "_id" | "version" | "isMarked" | "dueAt">;
  type Merged = Pick<BundleDocument, "_id" | "version" | "segments">;
  const about = { version: 1, isMarked: 1, dueAt: 1 } as const;
  const merged = await foundIn<Merged>(bundles, bundled, { version: 1, segments: 1 });
  const parts = merged.flatMap((bundle) => bundle.segments);
  const found = await foundIn<Own>(segments, own, about);
  const closed = (await foundIn<Own>(segments, parts, about)).filter(
    ({ dueAt }) => dueAt === notDue.closed,
  );
  const isClosed = new Set(closed.map(({ _id }) => _id));
  const current = [
    ...found.filter(({ isMarked }) => !isMarked),
    ...merged.filter((bundle) => bundle.segments.every((key) => isClosed.has(key))),
  ];
  return new Map(
    current.flatMap(({ _id, version }) => (version === undefined ? [] : [[_id, version] as const])),
  );
}

/** Finds some segments, or some bundles, by their keys. */
async function foundIn<T extends Document>(
  collection: Collections["segments"] | Collections["bundles"],
  keys: readonly string[],
  projection: Readonly<Record<string, number>>,
): Promise<readonly T[]> {
  if (keys.length === 0) return [];
  return (collection as Collections["segments"])
    .find({ _id: { $in: [...keys] } }, inOneAnswer)
    .project<T>(projection)
    .toArray();
}

function segmentOf(project: string, one: Entry | BundleEntry): Segment {
  const { _id, version = "", rows = 0, complete = true } = one;
  const { oldest = 0, newest = 0, bytes = 0, parts = 0, isPlaced = false } = one;
  return { id: _id, version, project, rows, complete, oldest, newest, bytes, parts, isPlaced };
}
