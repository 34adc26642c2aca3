import { hash } from "node:crypto";
import { firstInstant, lastInstant } from "../../../event/instant.ts";
import type { BatchId } from "../../../event/event.ts";
import type { EventFilter } from "../../../event/filter.ts";
import type { Manifest, Segment, UnsealedGroup } from "../../manifest.ts";
import { inOneAnswer, type Collections } from "../documents.ts";
import { fieldOfColumn, rests, type SegmentDocument, type UnsealedDocument } from "./documents.ts";

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
type Entry = Omit<SegmentDocument, "batches" | "sizes">;

/**
 * Lists the segments and the unsealed batches that a question needs.
 * @returns `undefined` where too many batches are in no segment
 */
export async function manifestOf(
  { unsealed, segments }: Collections,
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
  const entries = await segments
    .find({ project, to: { $gte: from }, from: { $lte: to } }, inOneAnswer)
    .project<Entry>(entry)
    .toArray();
  const again = await naming(segments, project, announced);
  const isReadAsColumns = ({ _id, isMarked }: Entry) => !isMarked && !again.has(_id);
  const readAsRows = entries.filter((one) => !isReadAsColumns(one));
  const batches = new Set(await batchesOf(segments, readAsRows));
  const isInRange = (batch: Announced) => batch.to >= from && batch.from < to;
  const others = announced.filter(({ batch }) => !batches.has(batch));
  const [resting, lasting] = partition(others, (one) => rests(one, now));
  const groups = groupsOf(lasting).filter((group) => group.some(isInRange));
  const read = resting.filter(isInRange);
  for (const { batch } of read) batches.add(batch);
  return {
    segments: entries.filter(isReadAsColumns).map((one) => segmentOf(project, one)),
    unsealed: groups.map((group) => unsealedGroup(project, group)),
    batches: [...batches],
    events: [...groups.flat(), ...read, ...readAsRows].reduce((sum, { events }) => sum + events, 0),
  };
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

/** The batches of some segments. */
export async function batchesOf(
  segments: Collections["segments"],
  some: readonly { readonly _id: string }[],
): Promise<readonly BatchId[]> {
  if (some.length === 0) return [];
  const found = await segments
    .find({ _id: { $in: some.map(({ _id }) => _id) } }, inOneAnswer)
    .project<{ batches: string[] }>({ batches: 1 })
    .toArray();
  return found.flatMap(({ batches }) => batches);
}

/** The number and the bytes of some segments' columns with certain names. */
export async function sizesOf(
  { segments }: Collections,
  some: readonly Segment[],
  names: readonly string[],
): Promise<{ readonly columns: number; readonly bytes: number }> {
  const fields = names.map((name) => [`sizes.${fieldOfColumn(name)}`, 1] as const);
  const found = await segments
    .find({ _id: { $in: some.map(({ id }) => id) } }, inOneAnswer)
    .project<Pick<SegmentDocument, "sizes">>(Object.fromEntries([["_id", 0], ...fields]))
    .toArray();
  const sizes = found.flatMap(({ sizes = {} }) => Object.values(sizes));
  return { columns: sizes.length, bytes: sizes.reduce((sum, size) => sum + size, 0) };
}

/** The current versions of segments' columns, by the segment. Marked segments are absent. */
export async function versionsOf(
  { segments }: Collections,
  ids: readonly string[],
): Promise<ReadonlyMap<string, string>> {
  const found = await segments
    .find({ _id: { $in: [...ids] }, isMarked: false }, inOneAnswer)
    .project<{ _id: string; version?: string }>({ version: 1 })
    .toArray();
  return new Map(
    found.flatMap(({ _id, version }) => (version === undefined ? [] : [[_id, version] as const])),
  );
}

function segmentOf(project: string, one: Entry): Segment {
  const { _id, version = "", rows = 0, complete = true } = one;
  const { oldest = 0, newest = 0, bytes = 0, parts = 0, isPlaced = false } = one;
  return { id: _id, version, project, rows, complete, oldest, newest, bytes, parts, isPlaced };
}
