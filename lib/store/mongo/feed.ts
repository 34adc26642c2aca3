import type { BatchId } from "../../event/event.ts";
import {
  orderRecordedMs,
  type Place,
  type PlacedEvent,
  type StoredPart,
  type StoredQuery,
} from "../stored.ts";
import {
  eventKey,
  fromDocument,
  inOneAnswer,
  isEvent,
  type Collections,
  type EventDocument,
  type FeedDocument,
} from "./documents.ts";
import { insertAbsent } from "./writes.ts";

/** The number of batches that the feed keeps. */
const keptBatches = 10_000;
const pruneEvery = 256;

/** The counter that says until when somebody follows, in epoch milliseconds. */
const followedUntil = "followedUntil";

/**
 * How long a number may lack its batch. After that a reader closes the number: the process that
 * took it may be dead. One that is only slow finds it closed and takes another.
 */
const holeMs = 2_000;

/** The most batches of one read. */
const batchesAtOnce = 500;

/**
 * The most bytes of the events of one read, without one event: far less than a message between
 * nodes may have.
 */
const bytesAtOnce = 4_194_304;

/**
 * The time before its end at which the recording counts as ended: the clocks of processes differ. A
 * recording that somebody follows never has so little left.
 */
const endsBeforeMs = 45_000;

/**
 * How long a process that has just begun to append looks into the database for followers: they do
 * not know it yet.
 */
const unknownMs = 60_000;

/**
 * The order in which batches were stored, for those that follow it. MongoDB has no order that all
 * servers like it reveal, so each batch gets a number from one counter once its events are stored.
 * The order is recorded only while somebody follows it.
 */
export class Feed {
  #untilMs = -Infinity;
  readonly #unknownMs: number;
  #unknownUntilMs: number | undefined;
  /** When numbers without a batch were first missed, by `performance.now()`. */
  readonly #missing = new Map<number, number>();

  constructor(ownUnknownMs = unknownMs) {
    this.#unknownMs = ownUnknownMs;
  }

  /**
   * Records the order from now on for so long. The database keeps this, for processes that begin
   * meanwhile.
   */
  async recordFor(collections: Collections, forMs: number): Promise<void> {
    const { counters } = collections;
    this.#recordFor(forMs);
    const now = Date.now();
    const { n: until = 0 } = (await counters.findOne({ _id: followedUntil })) ?? {};
    if (until - now < Math.min(endsBeforeMs, forMs / 2)) await markGap(collections);
    await counters.updateOne(
      { _id: followedUntil },
      { $max: { n: now + forMs } },
      { upsert: true },
    );
  }

  #recordFor(forMs: number): void {
    this.#untilMs = Math.max(this.#untilMs, performance.now() + forMs);
  }

  /**
   * Whether the order of the last batch has to be recorded. A follower that begins after the
   * database was read here begins behind the batch.
   */
  async isRecorded({ counters }: Collections): Promise<boolean> {
    const now = performance.now();
    if (now < this.#untilMs) return true;
    this.#unknownUntilMs ??= now + this.#unknownMs;
    if (now >= this.#unknownUntilMs) return false;
    const until = (await counters.findOne({ _id: followedUntil }))?.n ?? 0;
    const leftMs = until - Date.now();
    // Longer where the clock was set back since.
    if (leftMs > 0) this.#recordFor(Math.min(leftMs, orderRecordedMs));
    return leftMs > 0;
  }

  /**
   * Records a batch in the order of storing. Called once its events are stored, with those that it
   * owns, where `isRecorded`. Of a batch that was recorded before only those are recorded that came
   * since.
   */
  async record(
    collections: Collections,
    batch: BatchId,
    events: readonly Pick<EventDocument, "id" | "type" | "project">[],
  ): Promise<void> {
    for (let isRecorded = false; !isRecorded;) {
      const parts = await partsOf(collections, batch);
      const recorded = new Set(parts.flatMap(({ ids }) => ids));
      const fresh = events.filter(({ id }) => !recorded.has(id));
      const [first] = fresh;
      if (first === undefined) return;
      const n = await nextNumber(collections);
      const document: FeedDocument = {
        _id: parts.length === 0 ? batch : `${batch}|${parts.length}`,
        n,
        project: first.project,
        ids: fresh.map(({ id }) => id),
        types: countsByType(fresh),
      };
      // Another delivery may have recorded a part under this key, or a reader closed the number.
      isRecorded = (await insertAbsent(collections.feed, [document])).length === 0;
      if (n % pruneEvery === 0) await prune(collections, n);
    }
  }

  async stored(collections: Collections, query: StoredQuery): Promise<StoredPart> {
    const { counters } = collections;
    const last = (await counters.findOne({ _id: "feed" }))?.n ?? 0;
    const { after } = query;
    if (after === null) return nothingBehind(wholeOf(last), { isHeld: true });
    const askedAt = performance.now();
    let found = await firstFrom(collections, after);
    const hasGap = after[0] > last || isPruned(found, after, last) || isGapIn(found, after);
    if (hasGap) return nothingBehind(wholeOf(last), { isHeld: false, hasGap });
    const overdue = this.#overdue(found, after, { last, askedAt });
    if (overdue.length > 0) {
      await close(collections, overdue);
      found = await firstFrom(collections, after);
    }
    const isHeld = await isWithin(collections, found, query);
    const inOrder = inOrderBehind(found, after, last);
    const newest = inOrder.at(-1);
    if (newest === undefined) return nothingBehind(after, { isHeld });
    const parts = behind(inOrder, after);
    const { events, upTo } = await eventsOf(collections, parts, query);
    return {
      events,
      upTo: upTo ?? wholeOf(newest.n),
      end: wholeOf(newest.n),
      counts: countsOf(parts, new Set([...query.projects, ...query.counted])),
      isHeld,
      hasGap,
    };
  }

  /**
   * The numbers between those found that have lacked their batch for too long. All missing numbers
   * are noted at once, and kept for readers that come later.
   * @param askedAt when `found` was asked for: a batch that came since may be missing in it
   */
  #overdue(
    found: readonly FeedDocument[],
    after: Place,
    { last, askedAt }: { readonly last: number; readonly askedAt: number },
  ): readonly number[] {
    const firstKept = last - keptBatches;
    for (const number of this.#missing.keys()) if (number < firstKept) this.#missing.delete(number);
    const overdue: number[] = [];
    for (const number of missingIn(found, after, last)) {
      const missedAt = this.#missing.get(number) ?? askedAt;
      this.#missing.set(number, missedAt);
      if (askedAt - missedAt >= holeMs) overdue.push(number);
    }
    return overdue;
  }
}

async function firstFrom({ feed }: Collections, [from]: Place): Promise<readonly FeedDocument[]> {
  return feed
    .find({ n: { $gte: from } }, inOneAnswer)
    .sort({ n: 1 })
    .limit(batchesAtOnce)
    .toArray();
}

/** The numbers between those found that no batch has. */
function missingIn(found: readonly FeedDocument[], after: Place, last: number): readonly number[] {
  const missing: number[] = [];
  let next = firstBehind(after, last);
  for (const { n } of found) {
    for (; next < n; next += 1) missing.push(next);
    next = Math.max(next, n + 1);
  }
  return missing;
}

/** The batches behind a place, up to the first number that may still come. */
function inOrderBehind(
  found: readonly FeedDocument[],
  after: Place,
  last: number,
): readonly FeedDocument[] {
  const [mayCome = Infinity] = missingIn(found, after, last);
  return found.filter(({ n }) => n < mayCome);
}

/** The number of the place itself was present when the place was given out. */
function firstBehind([after]: Place, last: number): number {
  return Math.max(after + 1, last - keptBatches);
}

/**
 * Takes the numbers that no batch has yet, so that none can come there any more: a batch has its
 * place for every reader, or for none.
 */
async function close({ feed }: Collections, numbers: readonly number[]): Promise<void> {
  await insertAbsent(feed, numbers.map(withoutEvents));
}

function withoutEvents(n: number): FeedDocument {
  // Batch ids have no `|`.
  return { _id: `|${n}`, n, project: "", ids: [], types: "{}" };
}

/** How many events each type has, as the JSON of an object. */
function countsByType(events: readonly Pick<EventDocument, "type">[]): string {
  const counts = new Map<string, number>();
  for (const { type } of events) counts.set(type, (counts.get(type) ?? 0) + 1);
  return JSON.stringify(Object.fromEntries(counts));
}

/** What is recorded of a batch. */
async function partsOf(
  { feed }: Collections,
  batch: BatchId,
): Promise<readonly Pick<FeedDocument, "_id" | "ids">[]> {
  // Batch ids have no `|`, and `}` follows it.
  const found = await feed
    .find({ _id: { $gte: batch, $lt: `${batch}}` } }, inOneAnswer)
    .project<Pick<FeedDocument, "_id" | "ids">>({ ids: 1 })
    .toArray();
  return found.filter(({ _id }) => _id === batch || _id.startsWith(`${batch}|`));
}

async function nextNumber({ counters }: Collections): Promise<number> {
  const counter = await counters.findOneAndUpdate(
    { _id: "feed" },
    { $inc: { n: 1 } },
    { upsert: true, returnDocument: "after" },
  );
  return counter?.n ?? 1;
}

/** Marks that the order was not recorded for some time until now. */
async function markGap(collections: Collections): Promise<void> {
  for (let isMarked = false; !isMarked;) {
    const mark = { ...withoutEvents(await nextNumber(collections)), isGap: true } as const;
    isMarked = (await insertAbsent(collections.feed, [mark])).length === 0;
  }
}

async function prune({ feed }: Collections, n: number): Promise<void> {
  await feed.deleteMany({ n: { $lt: n - keptBatches } });
}

/** A batch, or the part of it behind a place. */
interface Part extends FeedDocument {
  /** The position of its first event within the batch. */
  readonly first: number;
}

/** More than the events of any batch. */
const allOfBatch = 1_000_000;

function wholeOf(n: number): Place {
  return [n, allOfBatch];
}

function nothingBehind(
  end: Place,
  { isHeld, hasGap = false }: { readonly isHeld: boolean; readonly hasGap?: boolean },
): StoredPart {
  return { events: [], upTo: end, end, counts: [], isHeld, hasGap };
}

/** Whether batches right behind a place were removed. */
function isPruned(found: readonly FeedDocument[], [after]: Place, last: number): boolean {
  const first = found[0]?.n ?? Infinity;
  return first > after + 1 && after + 1 < last - keptBatches;
}

function isGapIn(found: readonly FeedDocument[], [after]: Place): boolean {
  return found.some(({ n, isGap }) => n > after && isGap === true);
}

/** The parts of batches behind a place that have events. */
function behind(batches: readonly FeedDocument[], after: Place): readonly Part[] {
  return batches
    .map((batch) => (batch.n === after[0] ? rest(batch, after[1]) : { ...batch, first: 0 }))
    .filter(({ ids }) => ids.length > 0);
}

/**
 * Whether no more events than the window holds lie behind the place of a query.
 * @param found the first batches from the place on
 */
async function isWithin(
  { feed }: Collections,
  found: readonly FeedDocument[],
  { after, window }: StoredQuery,
): Promise<boolean> {
  let left = window;
  for (const { ids } of behind(found, after!)) left -= ids.length;
  if (left < 0 || found.length < batchesAtOnce) return left >= 0;
  const more = feed
    .find({ n: { $gt: found.at(-1)!.n } }, { batchSize: batchesAtOnce })
    .sort({ n: 1 })
    .project<Pick<FeedDocument, "ids" | "isGap">>({ ids: 1, isGap: 1 });
  for await (const { ids, isGap } of more) {
    left -= ids.length;
    if (left < 0 || isGap === true) return false;
  }
  return true;
}

/** Counts by type are known for whole batches only; they go with the first part. */
function rest(batch: FeedDocument, from: number): Part {
  return { ...batch, ids: batch.ids.slice(from), first: from };
}

async function eventsOf(
  { events }: Collections,
  parts: readonly Part[],
  { projects, limit }: StoredQuery,
): Promise<{ readonly events: readonly PlacedEvent[]; readonly upTo?: Place }> {
  const wanted = parts
    .filter(({ project }) => projects.includes(project))
    .flatMap(({ n, project, ids, first }) =>
      ids.map((id, i) => ({ key: eventKey(project, id), place: [n, first + i + 1] as const })),
    )
    .slice(0, limit);
  if (wanted.length === 0) return { events: [] };
  const documents = await events
    .find({ _id: { $in: wanted.map(({ key }) => key) } }, inOneAnswer)
    .toArray();
  const byKey = new Map(documents.map((document) => [document._id, document]));
  const placed: PlacedEvent[] = [];
  let bytes = 0;
  for (const { key, place } of wanted) {
    const document = byKey.get(key);
    if (document === undefined || !isEvent(document)) continue;
    bytes += Buffer.byteLength(document.body);
    const before = placed.at(-1);
    if (before !== undefined && bytes > bytesAtOnce) return { events: placed, upTo: before.place };
    placed.push({ place, event: fromDocument(document) });
  }
  return { events: placed, ...(wanted.length === limit && { upTo: wanted.at(-1)!.place }) };
}

/** The counts of all parts together: there may be very many parts, and types of them. */
function countsOf(parts: readonly Part[], projects: ReadonlySet<string>): StoredPart["counts"] {
  const sums = new Map<string, Map<string, number>>();
  for (const { project, types, first } of parts) {
    if (!projects.has(project) || first > 0) continue;
    let byType = sums.get(project);
    if (byType === undefined) sums.set(project, (byType = new Map<string, number>()));
    for (const [type, count] of Object.entries(JSON.parse(types) as Record<string, number>)) {
      byType.set(type, (byType.get(type) ?? 0) + count);
    }
  }
  return [...sums].flatMap(([project, byType]) =>
    [...byType].map(([type, count]) => [project, type, count] as const),
  );
}
