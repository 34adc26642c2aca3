import type { Filter } from "mongodb";
import {
  floorOf,
  higher,
  inflowFloor,
  isBelow,
  noFloors,
  rawFloor,
  type Floors,
} from "../../counting/floors.ts";
import { grainMs, startOf, type Bucket, type Grain } from "../../counting/bucket.ts";
import type { ProjectId } from "../../event/event.ts";
import { retentionKey, type RetentionState } from "../retention.ts";
import {
  bucketId,
  inOneAnswer,
  type Collections,
  type EventDocument,
  type FoldDocument,
  type QuarantineNote,
} from "./documents.ts";
import { job } from "./jobs.ts";
import type { HeldEvent } from "../../event/schemas/held.ts";
import { followed, noteBlocks } from "./held.ts";
import { writeAll } from "./writes.ts";
import { nextDay, touchDays } from "./marks.ts";
import { dropParts } from "./rollup-parts.ts";
import { markBatches } from "./segments/announce.ts";

/** How long a process relies on the floors that it has read: much less than a floor's grace. */
const knownForMs = 5_000;

async function stateOf(
  collections: Collections,
  project: ProjectId,
): Promise<RetentionState | undefined> {
  const found = await job(collections, ...retentionKey(project));
  return found && (JSON.parse(found.state) as RetentionState);
}

/** Those of some minutes whose events may be gone, so that they must not be recounted. */
export async function lackingAmong(
  collections: Collections,
  minutes: readonly Bucket[],
): Promise<ReadonlySet<Bucket>> {
  const lacking = new Set<Bucket>();
  for (const [project, own] of Map.groupBy(minutes, (minute) => minute.project)) {
    const floor = rawFloor((await stateOf(collections, project))?.sealed ?? noFloors);
    for (const minute of own) if (isBelow(minute.start, floor)) lacking.add(minute);
  }
  return lacking;
}

/** Tells events that are older than their project's retention for their type. */
export class Inflow {
  readonly #known = new Map<ProjectId, { readonly floors: Floors; readonly at: number }>();

  /** Finds out which events of some projects may be stored. */
  async admission(
    collections: Collections,
    projects: Iterable<ProjectId>,
  ): Promise<(event: EventDocument) => boolean> {
    const floors = new Map<ProjectId, Floors>();
    for (const project of new Set(projects)) {
      floors.set(project, await this.#floorsOf(collections, project));
    }
    return ({ project, type, timestamp }) =>
      !isBelow(timestamp, floorOf(floors.get(project)!, type));
  }

  /** Forgets the floors, so that a floor that this process announces is heeded at once. */
  forget(): void {
    this.#known.clear();
  }

  async #floorsOf(collections: Collections, project: ProjectId): Promise<Floors> {
    const known = this.#known.get(project);
    const now = performance.now();
    if (known !== undefined && now - known.at < knownForMs) return known.floors;
    const floors = (await stateOf(collections, project))?.refused ?? noFloors;
    this.#known.set(project, { floors, at: now });
    return floors;
  }
}

export async function below(
  collections: Collections,
  project: ProjectId,
  floors: Floors,
): Promise<{ readonly lost: Floors; readonly from: number | null }> {
  const names = Object.keys(floors.types);
  const event = async (floor: number | null, type: object) => {
    if (floor === null) return null;
    const filter = { project, ...type, timestamp: { $lt: floor } };
    const [newest] = await collections.events
      .find(filter)
      .sort({ timestamp: -1 })
      .limit(1)
      .project<Pick<EventDocument, "timestamp">>({ timestamp: 1 })
      .toArray();
    return newest === undefined ? null : startOf("day", newest.timestamp) + grainMs.day;
  };
  const rollup = async (floor: number | null, grain: Grain) => {
    if (floor === null) return null;
    const [newest] = await collections.rollups
      .find({ project, grain, start: { $lt: floor } })
      .sort({ start: -1 })
      .limit(1)
      .project<{ start: number }>({ start: 1 })
      .toArray();
    return newest === undefined ? null : startOf("day", newest.start) + grainMs.day;
  };
  const bare = async (floor: number | null) => {
    if (floor === null) return null;
    const [newest] = await collections.deltas
      .find({ project, minute: { $lt: floor } })
      .sort({ minute: -1 })
      .limit(1)
      .project<{ minute: number }>({ minute: 1 })
      .toArray();
    return newest === undefined ? null : startOf("day", newest.minute) + grainMs.day;
  };
  const types = new Map<string, number | null>();
  for (const type of names) types.set(type, await event(floors.types[type]!, { type }));
  const lost: Floors = {
    events: await event(floors.events, othersThan(names)),
    minutes: higher(await rollup(floors.minutes, "minute"), await bare(floors.minutes)),
    hours: await rollup(floors.hours, "hour"),
    days: await rollup(floors.days, "day"),
    types: Object.fromEntries(types),
  };
  const first = await nextDay(collections, { project, grain: "day", start: -Infinity });
  return { lost, from: first?.project === project ? first.start : null };
}

export async function drop(
  collections: Collections,
  project: ProjectId,
  floors: Floors,
  limit: number,
): Promise<number> {
  const names = Object.keys(floors.types);
  const counted = inflowFloor(floors);
  const parts = [
    () => dropEvents(collections, project, floors.events, othersThan(names), limit),
    ...names.map(
      (type) => () => dropEvents(collections, project, floors.types[type]!, { type }, limit),
    ),
    () => dropCounted(collections, project, counted, floors.minutes),
    () => dropRollups(collections, project, "minute", floors.minutes, limit),
    () => dropRollups(collections, project, "hour", floors.hours, limit),
    () => dropRollups(collections, project, "day", floors.days, limit),
    () => dropHeld(collections, project, floors, limit),
  ];
  for (const part of parts) {
    const removed = await part();
    if (removed > 0) return removed;
  }
  return 0;
}

function othersThan(names: readonly string[]): object {
  return names.length === 0 ? {} : { type: { $nin: names } };
}

/** For so long nobody builds segments of which events are dropped: more of them follow. */
const droppingMs = 60_000;

async function dropEvents(
  collections: Collections,
  project: ProjectId,
  floor: number | null,
  type: object,
  limit: number,
): Promise<number> {
  if (floor === null) return 0;
  const found = await collections.events
    .find({ project, ...type, timestamp: { $lt: floor } }, inOneAnswer)
    .sort({ timestamp: 1 })
    .limit(limit)
    .project<Pick<EventDocument, "_id" | "timestamp" | "batch">>({ timestamp: 1, batch: 1 })
    .toArray();
  if (found.length === 0) return 0;
  // Before, too: who dies in between finds these events no more.
  const batches = found.map(({ batch }) => batch);
  await markBatches(collections, project, batches, Date.now(), droppingMs);
  await collections.events.deleteMany({ _id: { $in: found.map(({ _id }) => _id).toSorted() } });
  await markBatches(collections, project, batches, Date.now(), droppingMs);
  const days = found.map(({ timestamp }) => ({ project, instant: timestamp }));
  await touchDays(collections, days);
  return found.length;
}

/** Drops up to `limit` events in quarantine; their notes are read block by block. */
async function dropHeld(
  collections: Collections,
  project: ProjectId,
  floors: Floors,
  limit: number,
): Promise<number> {
  const isOld = heldBelow(floors);
  if (isOld.length === 0) return 0;
  // Notes of earlier versions do not say when their event happened.
  const filter = { project, $or: [...isOld, { timestamp: { $exists: false } }] };
  let removed = 0;
  for await (const notes of noteBlocks(collections, filter)) {
    removed += await dropNoted(collections, notes, floors, limit - removed);
    if (removed === limit) break;
  }
  return removed;
}

/** The filters for notes of events that are older than floors. */
function heldBelow({ events, types }: Floors): readonly Filter<QuarantineNote>[] {
  const named = Object.entries(types).flatMap(([type, floor]) =>
    floor === null ? [] : [{ type, timestamp: { $lt: floor } }],
  );
  if (events === null) return named;
  return [{ ...othersThan(Object.keys(types)), timestamp: { $lt: events } }, ...named];
}

/**
 * Drops up to `limit` of some events in quarantine that are older than floors. An event that was
 * patched or released since it was read stays.
 */
async function dropNoted(
  collections: Collections,
  notes: readonly QuarantineNote[],
  floors: Floors,
  limit: number,
): Promise<number> {
  const found = (await followed(collections, notes)).map(({ note, document }) => {
    const { timestamp } = (JSON.parse(document.held) as HeldEvent).event;
    return { note, document, timestamp };
  });
  const old = found
    .filter(({ note, timestamp }) => isBelow(timestamp, floorOf(floors, note.type)))
    .slice(0, limit);
  const undated = found.filter(({ note }) => note.timestamp === undefined);
  await writeAll(
    collections.quarantine,
    undated.map(({ note: { _id }, timestamp }) => ({
      _id,
      operation: { updateOne: { filter: { _id }, update: { $set: { timestamp } } } },
    })),
  );
  await writeAll(
    collections.events,
    old.map(({ document: { _id, heldBy, revision } }) => ({
      _id,
      operation: { deleteOne: { filter: { _id, heldBy, revision } } },
    })),
  );
  // Removes the notes of events that are gone, and no others.
  const oldNotes = old.map(({ note }) => note);
  return old.length - (await followed(collections, oldNotes)).length;
}

/**
 * Drops the deltas of old minutes. Their rollups stay; a minute without a rollup is its deltas, so
 * these go with the minutes.
 */
async function dropCounted(
  collections: Collections,
  project: ProjectId,
  floor: number | null,
  minutesFloor: number | null,
): Promise<number> {
  if (floor === null) return 0;
  const found = collections.deltas
    .find({ project, minute: { $lt: floor } }, inOneAnswer)
    .sort({ minute: 1 })
    .project<{ _id: string; minute: number }>({ minute: 1 });
  let some = new Map<number, string[]>();
  for await (const { _id, minute } of found) {
    const ids = some.get(minute);
    if (ids !== undefined) {
      ids.push(_id);
      continue;
    }
    if (some.size === minutesAtOnce) {
      const removed = await dropMinutes(collections, project, some, minutesFloor);
      if (removed > 0) return removed;
      some = new Map();
    }
    some.set(minute, [_id]);
  }
  return dropMinutes(collections, project, some, minutesFloor);
}

/** The number of minutes whose deltas are read and removed at a time. */
const minutesAtOnce = 200;

async function dropMinutes(
  collections: Collections,
  project: ProjectId,
  some: ReadonlyMap<number, readonly string[]>,
  minutesFloor: number | null,
): Promise<number> {
  const { deltas, folds, rollups } = collections;
  const idOf = (start: number) => bucketId({ project, grain: "minute", start });
  const starts = [...some.keys()];
  const standing = await rollups
    .find({ _id: { $in: starts.map(idOf) } }, inOneAnswer)
    .project<{ _id: string }>({ _id: 1 })
    .toArray();
  const rolledUp = new Set(standing.map(({ _id }) => _id));
  const done = starts.filter((start) => isBelow(start, minutesFloor) || rolledUp.has(idOf(start)));
  if (done.length === 0) return 0;
  const ids = done.flatMap((start) => some.get(start)!);
  const ofDone = { _id: { $in: done.map(idOf).toSorted() } };
  const dropped = await folds
    .find(ofDone, inOneAnswer)
    .project<Pick<FoldDocument, "_id" | "spill">>({ spill: 1 })
    .toArray();
  await folds.deleteMany(ofDone);
  for (const { _id, spill } of dropped) await dropParts(collections, _id, spill);
  await deltas.deleteMany({ _id: { $in: ids.toSorted() } });
  return ids.length;
}

async function dropRollups(
  collections: Collections,
  project: ProjectId,
  grain: Grain,
  floor: number | null,
  limit: number,
): Promise<number> {
  if (floor === null) return 0;
  const found = await collections.rollups
    .find({ project, grain, start: { $lt: floor } }, inOneAnswer)
    .limit(limit)
    .toArray();
  if (found.length === 0) return 0;
  await collections.rollups.deleteMany({ _id: { $in: found.map(({ _id }) => _id).toSorted() } });
  for (const { _id, spill } of found) await dropParts(collections, _id, spill);
  await touchDays(
    collections,
    found.map(({ start }) => ({ project, instant: start })),
  );
  return found.length;
}
