import { startOf, type Bucket } from "../../counting/bucket.ts";
import type { BatchId, EventId, ProjectId } from "../../event/event.ts";
import { subjectOf, type Claim, type Erasable } from "../erasing.ts";
import type { Ownership } from "../store.ts";
import { fromColumn } from "../rows.ts";
import {
  bucketId,
  eventKey,
  inOneAnswer,
  isHeld,
  isTombstone,
  type Collections,
  type EventDocument,
  type HeldDocument,
  type Tombstone,
} from "./documents.ts";
import { erase, recount } from "./erase.ts";
import { append } from "./events.ts";
import { insertAbsent } from "./writes.ts";

/**
 * By this document processes that fence, and those that store, know whether any user is fenced at
 * all.
 */
const anyFence = "any";

export async function fence(
  { fences }: Collections,
  project: ProjectId,
  userId: string,
  before: number,
  reusable: boolean,
): Promise<void> {
  const _id = subjectOf(project, userId);
  await insertAbsent(fences, [{ _id: anyFence, before: 0 }]);
  await insertAbsent(fences, [{ _id, before, reusable }]);
  await fences.updateOne({ _id, before: { $lt: before } }, { $set: { before, reusable } });
}

/** Events that are fenced off, each with whether later events may have its id. */
type Fenced = ReadonlyMap<EventDocument, boolean>;

/**
 * Which of some events are fenced off, and whether any event ever was, where that was looked up.
 */
async function fencedAmong(
  { fences }: Collections,
  events: readonly EventDocument[],
): Promise<{ readonly fenced: Fenced; readonly isAny?: boolean }> {
  const subjects = new Map<EventDocument, string>();
  for (const event of events) {
    if (event.userId !== undefined) subjects.set(event, subjectIn(event));
  }
  if (subjects.size === 0) return { fenced: new Map() };
  const found = await fences
    .find({ _id: { $in: [anyFence, ...new Set(subjects.values())] } }, inOneAnswer)
    .toArray();
  const bySubject = new Map(found.map((one) => [one._id, one]));
  const fenced = new Map<EventDocument, boolean>();
  for (const [event, subject] of subjects) {
    const { before = -Infinity, reusable = false } = bySubject.get(subject) ?? {};
    if (event.receivedAt <= before) fenced.set(event, reusable);
  }
  return { fenced, isAny: found.length > 0 };
}

/** Those of some events that are refused: by a fence, or by a tombstone in their place. */
export async function refused(
  collections: Collections,
  project: ProjectId,
  claims: readonly Claim[],
): Promise<ReadonlySet<EventId>> {
  const keys = claims.map(({ id }) => eventKey(project, id));
  const subjects = claims.flatMap(({ user }) =>
    user === undefined ? [] : [subjectOf(project, user)],
  );
  const [fences, tombstones] = await Promise.all([
    collections.fences.find({ _id: { $in: [...new Set(subjects)] } }, inOneAnswer).toArray(),
    collections.events
      .find({ _id: { $in: keys } }, inOneAnswer)
      .project<Partial<Tombstone> & { readonly _id: string }>({ erasedAt: 1, reusable: 1 })
      .toArray(),
  ]);
  const before = new Map(fences.map((one) => [one._id, one.before]));
  const erased = new Map(
    tombstones.flatMap(({ _id, erasedAt, reusable }) =>
      erasedAt === undefined ? [] : [[_id, reusable === true ? erasedAt : Infinity] as const],
    ),
  );
  const isRefused = ({ id, receivedAt, user }: Claim) =>
    receivedAt <= (erased.get(eventKey(project, id)) ?? -Infinity) ||
    (user !== undefined && receivedAt <= (before.get(subjectOf(project, user)) ?? -Infinity));
  return new Set(claims.filter(isRefused).map(({ id }) => id));
}

function subjectIn({ project, userId = "" }: EventDocument): string {
  return subjectOf(project, fromColumn(userId));
}

/** An event that breaks its schema: in its stored form and in its quarantine form. */
export interface BrokenDocument {
  readonly event: EventDocument;
  readonly held: HeldDocument;
}

/** Appends the events that are not fenced off. */
export class Fences {
  readonly #dimensions: readonly string[];
  /** Whether any user may have been fenced off, at any time. */
  #isAny = true;

  constructor(dimensions: readonly string[]) {
    this.#dimensions = dimensions;
  }

  /**
   * Fences are read before events are inserted, so that erased events are not seen, and again
   * afterwards: a fence that stood then is known to later inserts, and events inserted before it
   * are found by the erasing process.
   */
  async append(
    collections: Collections,
    batch: BatchId,
    events: readonly EventDocument[],
    broken: readonly BrokenDocument[] = [],
  ): Promise<Ownership> {
    const all = [...events, ...broken.map(({ event }) => event)];
    const before: Fenced = this.#isAny ? (await fencedAmong(collections, all)).fenced : new Map();
    const kept = before.size === 0 ? events : events.filter((event) => !before.has(event));
    const apart = broken.filter(({ event }) => !before.has(event)).map(({ held }) => held);
    const ownership = await append(collections, batch, kept, apart);
    const { fenced, isAny = this.#isAny } = await fencedAmong(collections, all);
    this.#isAny = isAny;
    if (fenced.size === 0) return ownership;
    await eraseFenced(collections, batch, fenced, this.#dimensions);
    const refused = new Set([...fenced.keys()].map(({ id }) => id));
    return {
      owned: ownership.owned.difference(refused),
      foreign: ownership.foreign.filter(({ id }) => !refused.has(id)),
      held: ownership.held.difference(refused),
    };
  }
}

/**
 * Erases the events of a batch that were fenced off before or while it was stored, also those that
 * an earlier delivery began to erase and did not finish.
 */
async function eraseFenced(
  collections: Collections,
  batch: BatchId,
  fenced: Fenced,
  dimensions: readonly string[],
): Promise<void> {
  const byKey = new Map([...fenced.keys()].map((event) => [event._id, event]));
  const existing = await collections.events
    .find({ _id: { $in: [...byKey.keys()] } }, inOneAnswer)
    .toArray();
  const concerned = existing.filter(
    (one) => isTombstone(one) || one.batch === batch || (isHeld(one) && one.heldBy === batch),
  );
  if (concerned.length === 0) return;
  const own = concerned.map(({ _id }) => byKey.get(_id)!);
  await insertAbsent(
    collections.fenced,
    own.map((event) => ({
      _id: noteId(batch, event.project, event.id),
      subject: subjectIn(event),
      id: event.id,
      batch,
      timestamp: event.timestamp,
    })),
  );
  const { project } = own[0]!;
  const at = Math.max(...own.map(({ receivedAt }) => receivedAt));
  for (const [reusable, some] of Map.groupBy(own, (event) => fenced.get(event)!)) {
    await erase(collections, project, goneOf(batch, some), { at, reusable });
  }
  const minutes = new Map(
    own.map(({ timestamp }) => {
      const minute: Bucket = { project, grain: "minute", start: startOf("minute", timestamp) };
      return [bucketId(minute), minute];
    }),
  );
  await recount(collections, [...minutes.values()], dimensions);
  await finished(collections, project, goneOf(batch, own));
}

function goneOf(batch: BatchId, events: readonly EventDocument[]): readonly Erasable[] {
  return events.map(({ id, timestamp }) => ({ id, batch, timestamp }));
}

/** The events that other processes have fenced off and are erasing. */
export async function unfinished(
  { fenced }: Collections,
  project: ProjectId,
  userId: string,
): Promise<readonly Erasable[]> {
  const found = await fenced.find({ subject: subjectOf(project, userId) }, inOneAnswer).toArray();
  return found.map(({ id, batch, timestamp }) => ({ id, batch, timestamp }));
}

export async function finished(
  { fenced }: Collections,
  project: ProjectId,
  events: readonly Erasable[],
): Promise<void> {
  const ids = events.map(({ id, batch }) => noteId(batch, project, id));
  await fenced.deleteMany({ _id: { $in: ids.toSorted() } });
}

/** A batch's id has no `|`. */
function noteId(batch: BatchId, project: ProjectId, id: EventId): string {
  return `${batch}|${eventKey(project, id)}`;
}
