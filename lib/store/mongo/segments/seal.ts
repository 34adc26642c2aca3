import { firstInstant } from "../../../event/instant.ts";
import type { ProjectId } from "../../../event/event.ts";
import { inOneAnswer, type Collections } from "../documents.ts";
import { insertAbsent, writeAll } from "../writes.ts";
import { markSegments } from "./announce.ts";
import {
  rests,
  segmentKey,
  unsealedKey,
  type HeadDocument,
  type SegmentDocument,
  type UnsealedDocument,
} from "./documents.ts";

/** The bounds of a segment; a single batch may exceed them. */
export const segmentLimits = { events: 16_384, bytes: 32 * 1_048_576, batches: 1_024 } as const;

/**
 * The ages from which batches are sealed though they do not fill a segment, by the number of their
 * events. A small project then has few tiny segments, and no batch is read event by event for ever.
 * Those of a minute are merged, so that where fewer than 273 events a second come each is turned
 * into columns twice.
 */
const ages = [
  { events: 4_096, ms: 60_000 },
  { events: 1_024, ms: 3_600_000 },
  { events: 1, ms: 86_400_000 },
] as const;

/** The most announcements of a project that are read at a time: more than a segment takes. */
const lookedAt = 2 * segmentLimits.batches;

/**
 * For how long a segment rests where its announcements do not show that it need not: longer than the
 * events of a slice take to be dropped.
 */
const newRestMs = 60_000;

type Announced = Omit<UnsealedDocument, "_id" | "project">;

/** The next project, in the order of names, that has unsealed batches. */
export async function nextProject(
  { unsealed }: Collections,
  after: ProjectId,
): Promise<ProjectId | undefined> {
  const [found] = await unsealed
    .find({ project: { $gt: after } })
    .sort({ project: 1, at: 1 })
    .limit(1)
    .project<Pick<UnsealedDocument, "project">>({ project: 1 })
    .toArray();
  return found?.project;
}

/**
 * Claims batches of a project for its next segment, where they are many enough or have waited long
 * enough. docs/protocol.md has the order of the steps. Several processes may call it at the same
 * time.
 * @returns whether there is a new segment
 */
export async function seal(
  collections: Collections,
  project: ProjectId,
  now: number,
  maxEvents: number = segmentLimits.events,
): Promise<boolean> {
  const { unsealed, segments, heads } = collections;
  // The head is read before the announcements, so batches that are claimed in between are not
  // claimed again.
  const head = await headOf(collections, project);
  if (head.isClaimed) {
    await finish(collections, head, now);
    return true;
  }
  const announced = await unsealed
    .find({ project }, inOneAnswer)
    .sort({ at: 1 })
    .limit(lookedAt)
    .project<Announced>({ batch: 1, nonce: 1, events: 1, bytes: 1, from: 1, to: 1, at: 1 })
    .toArray();
  const some = due(announced, now, maxEvents);
  if (some.length === 0) return false;
  const batches = some.map(({ batch }) => batch);
  const named = await segments
    .find({ project, batches: { $in: batches } }, inOneAnswer)
    .project<{ batches: string[] }>({ batches: 1 })
    .toArray();
  const known = new Set(named.flatMap((segment) => segment.batches));
  const again = some.filter(({ batch }) => known.has(batch));
  if (again.length > 0) {
    await buildAgain(collections, project, again, now);
    return true;
  }
  const claim = {
    isClaimed: true,
    batches,
    nonces: some.map(({ nonce }) => nonce),
    events: some.reduce((sum, { events }) => sum + events, 0),
    from: Math.min(...some.map(({ from }) => from)),
    to: Math.max(...some.map(({ to }) => to)),
  };
  const { n } = head;
  const { matchedCount } = await heads.updateOne(
    { _id: project, n, isClaimed: false },
    { $set: claim },
  );
  if (matchedCount === 0) return true;
  await finish(collections, { _id: project, n, ...claim }, now);
  return true;
}

/**
 * Picks the batches to seal now, the one announced earliest first; none where it is too early. An
 * instant in the future was written before the clock was set back, and counts as old.
 */
export function due(
  announced: readonly Announced[],
  now: number,
  maxEvents: number = segmentLimits.events,
): readonly Announced[] {
  const some: Announced[] = [];
  let [events, bytes] = [0, 0];
  for (const batch of announced) {
    events += batch.events;
    bytes += batch.bytes;
    const isFull = events > maxEvents || bytes > segmentLimits.bytes;
    if (some.length > 0 && isFull) return some;
    some.push(batch);
    if (some.length === segmentLimits.batches) return some;
  }
  const [first] = some;
  if (first === undefined) return [];
  const ageMs = Math.abs(now - first.at);
  const isOld = ages.some((age) => events >= age.events && ageMs >= age.ms);
  return isOld ? some : [];
}

async function headOf({ heads }: Collections, project: ProjectId): Promise<HeadDocument> {
  const there = await heads.findOne({ _id: project });
  if (there !== null) return there;
  const none = { batches: [], nonces: [], events: 0, from: firstInstant, to: firstInstant };
  const first = { _id: project, n: 0, isClaimed: false, ...none };
  await insertAbsent(heads, [first]);
  return (await heads.findOne({ _id: project })) ?? first;
}

/** Carries out a claim of any process: writes the segment, then removes the announcements. */
async function finish(collections: Collections, head: HeadDocument, now: number): Promise<void> {
  const { unsealed, segments, heads } = collections;
  const { _id: project, n, batches, nonces, events, from, to } = head;
  const segment = {
    _id: segmentKey(project, n),
    project,
    batches,
    from,
    to,
    events,
    isMarked: true,
    mark: "",
    dueAt: now,
    restsUntil: now + newRestMs,
  };
  const [isThere] = await insertAbsent(segments, [segment]);
  if (isThere === undefined) await endRest(collections, segment, now);
  const claimed = batches.map((batch, at) => ({ batch, nonce: nonces[at]! }));
  await remove(unsealed, project, claimed);
  await heads.updateOne(
    { _id: project, n, isClaimed: true },
    { $set: { n: n + 1, isClaimed: false, batches: [], nonces: [] } },
  );
}

/**
 * Lets a new segment be built, where all of its announcements are there and none rests. Whoever
 * marked them before the segment was there, and drops events now, may not live to mark the segment.
 */
async function endRest(
  { unsealed, segments }: Collections,
  { _id, project, batches, mark, restsUntil }: SegmentDocument,
  now: number,
): Promise<void> {
  const keys = batches.map((batch) => unsealedKey(project, batch));
  const announced = await unsealed
    .find({ _id: { $in: keys } }, inOneAnswer)
    .project<Pick<UnsealedDocument, "dueAt">>({ dueAt: 1 })
    .toArray();
  const isResting = announced.some((one) => rests(one, now));
  if (announced.length < batches.length || isResting) return;
  await segments.updateOne({ _id, mark, restsUntil }, { $unset: { restsUntil: "" } });
}

/**
 * Marks the segment of a batch that came again after it was sealed, because the batch may have
 * brought more events.
 */
async function buildAgain(
  collections: Collections,
  project: ProjectId,
  again: readonly Announced[],
  now: number,
): Promise<void> {
  for (const { batch, from, to } of again) {
    await collections.segments.updateMany(
      { project, batches: { $in: [batch] } },
      { $min: { from }, $max: { to } },
    );
  }
  await markSegments(
    collections,
    project,
    again.map(({ batch }) => batch),
    now,
  );
  await remove(collections.unsealed, project, again);
}

async function remove(
  unsealed: Collections["unsealed"],
  project: ProjectId,
  announced: readonly Pick<UnsealedDocument, "batch" | "nonce">[],
): Promise<void> {
  await writeAll(
    unsealed,
    announced.map(({ batch, nonce }) => {
      const _id = unsealedKey(project, batch);
      return { _id, operation: { deleteOne: { filter: { _id, nonce } } } };
    }),
  );
}
