import { hash, randomUUID } from "node:crypto";
import type { Filter } from "mongodb";
import type { Marks } from "../../counting/cover.ts";
import {
  grainMs,
  grains,
  startOf,
  type Bucket,
  type Grain,
  type DirtyMark,
} from "../../counting/bucket.ts";
import type { ProjectId } from "../../event/event.ts";
import {
  inOneAnswer,
  type Collections,
  bucketId,
  type DayDocument,
  type MarkDocument,
} from "./documents.ts";
import { upsertAll, writeAll } from "./writes.ts";
import type { Range } from "../../event/filter.ts";
import type { StillChanging } from "../store.ts";

/**
 * Marks minutes, then changes the fingerprints of their days. The order matters: a reader that
 * knows the new fingerprint must find the marks, or it would cache an answer from old rollups under
 * it.
 */
export async function markDirty(
  collections: Collections,
  minutes: readonly Bucket[],
): Promise<void> {
  await mark(collections, minutes);
  await touchDays(
    collections,
    minutes.map(({ project, start }) => ({ project, instant: start })),
  );
}

/** An existing mark keeps its place and its time: it is still to be worked off. */
export async function mark({ dirty }: Collections, buckets: readonly Bucket[]): Promise<void> {
  const markedAt = Date.now();
  const turn = performance.now();
  const upserts = buckets.map(({ project, grain, start }) => ({
    _id: bucketId({ project, grain, start }),
    set: { nonce: randomUUID(), renewedAt: markedAt },
    setOnInsert: { project, grain, start, markedAt, turn },
  }));
  await upsertAll(dirty, upserts);
}

/** Removes each mark whose nonce is still the one that was read. */
export async function clearMarks(
  { dirty }: Collections,
  marks: readonly DirtyMark[],
): Promise<void> {
  await writeAll(
    dirty,
    marks.map(({ bucket, nonce }) => {
      const _id = bucketId(bucket);
      return { _id, operation: { deleteOne: { filter: { _id, nonce } } } };
    }),
  );
}

export async function readDirty(
  { dirty }: Collections,
  grain: Grain,
  limit: number,
  changing?: StillChanging,
): Promise<readonly DirtyMark[]> {
  if (limit <= 0) return [];
  const marks = await dirty
    .find({ grain, ...(changing && { $or: calm(changing) }) }, inOneAnswer)
    .sort({ markedAt: 1, turn: 1 })
    .limit(limit)
    .project<Pick<MarkDocument, "project" | "start" | "nonce">>({ project: 1, start: 1, nonce: 1 })
    .toArray();
  return marks.map(({ project, start, nonce }) => ({ bucket: { project, grain, start }, nonce }));
}

/**
 * Selects the marks that are not still changing: one of these holds for them. Times after now were
 * written before the clock was set back and count as old.
 */
function calm({ now, renewedSince, markedSince }: StillChanging): Filter<MarkDocument>[] {
  return [
    { renewedAt: { $exists: false } },
    { renewedAt: { $lte: renewedSince } },
    { renewedAt: { $gt: now } },
    { markedAt: { $lte: markedSince } },
    { markedAt: { $gt: now } },
  ];
}

export async function dirtyBacklog({
  dirty,
}: Collections): Promise<{ readonly marks: number; readonly oldestMarkedAt: number | null }> {
  const oldestOf = (grain: Grain) =>
    dirty.find({ grain }).sort({ markedAt: 1, turn: 1 }).limit(1).toArray();
  // Counts by grain, along the index: a count of all would read each document.
  const [counts, oldest] = await Promise.all([
    Promise.all(grains.map((grain) => dirty.countDocuments({ grain }))),
    Promise.all(grains.map(oldestOf)),
  ]);
  const times = oldest.flat().map(({ markedAt }) => markedAt);
  return {
    marks: counts.reduce((sum, count) => sum + count, 0),
    oldestMarkedAt: times.length === 0 ? null : Math.min(...times),
  };
}

export async function readMarks(
  { dirty }: Collections,
  project: ProjectId,
  { from, to }: Range,
): Promise<Marks> {
  const read = async (grain: Grain) => {
    const marks = await dirty
      .find({ project, grain, start: { $gte: from, $lt: to } }, inOneAnswer)
      .sort({ start: 1 })
      .project<Pick<MarkDocument, "start">>({ start: 1 })
      .toArray();
    return marks.map(({ start }) => start);
  };
  // Reads one grain after the other, the finest first: that order is part of the protocol.
  const minute = await read("minute");
  const hour = await read("hour");
  return { minute, hour, day: await read("day") };
}

/** Changes the fingerprints of the days of some instants. */
export async function touchDays(
  { days }: Collections,
  moments: readonly { readonly project: ProjectId; readonly instant: number }[],
): Promise<void> {
  const touched = new Map<string, Pick<DayDocument, "project" | "day">>();
  for (const { project, instant } of moments) {
    const day = startOf("day", instant);
    touched.set(`${project}|${day}`, { project, day });
  }
  const upserts = [...touched].map(([_id, setOnInsert]) => ({
    _id,
    set: { nonce: randomUUID() },
    setOnInsert,
  }));
  await upsertAll(days, upserts);
}

/** The next marked day, by project, then by time. */
export async function nextDay({ days }: Collections, after?: Bucket): Promise<Bucket | undefined> {
  const first = (filter: object) =>
    days.find(filter).sort({ project: 1, day: 1 }).limit(1).toArray();
  const [found] =
    after === undefined
      ? await first({})
      : [
          ...(await first({ project: after.project, day: { $gt: after.start } })),
          ...(await first({ project: { $gt: after.project } })),
        ];
  return found && { project: found.project, grain: "day", start: found.day };
}

/** A text that changes with every event that is stored in the days of a range. */
export async function fingerprint(
  { days }: Collections,
  project: ProjectId,
  { from, to }: Range,
): Promise<string> {
  const found = await days
    .find({ project, day: { $gt: from - grainMs.day, $lt: to } }, inOneAnswer)
    .sort({ day: 1 })
    .toArray();
  return hash("sha256", found.map(({ day, nonce }) => `${day} ${nonce}`).join(), "base64url");
}
