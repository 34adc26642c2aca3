import { madeAt } from "../../event/batch-message.ts";
import { emptyCells } from "../../counting/cells.ts";
import type { Bucket } from "../../counting/bucket.ts";
import type { ProjectId } from "../../event/event.ts";
import type { Range } from "../../event/filter.ts";
import { type Compacted } from "../compacting.ts";
import { sumDeltas } from "./deltas.ts";
import { bucketId, inOneAnswer, type Collections, type DeltaDocument } from "./documents.ts";
import { batchOf, closing, fitsDocument } from "./folds.ts";
import { toTexts } from "./sections.ts";
import { insertAbsent } from "./writes.ts";

/**
 * Removes deltas of batches that will not come again; docs/protocol.md has the order of the steps
 * and why it is right. `CompactionBound` says up to when batches were made that may be removed.
 * First the minute's fold names the batches, by the instant up to which they were made
 * (`compacting`). A process that inserts a delta of such a batch after that sees the instant, and
 * counts the minute anew. Then a fold of all deltas is written with the same instant as `through`:
 * readers now pass over the deltas of such batches. Only then are those deltas removed.
 */

/**
 * The fewest deltas of a minute that are compacted. One of them stays, so that the minute is found.
 */
const minCompacted = 4;

export async function compact(
  collections: Collections,
  project: ProjectId,
  { from, to }: Range,
  madeUntil: number,
  limit: number,
): Promise<Compacted> {
  const found = collections.deltas
    .find({ project, minute: { $gte: from, $lt: to } }, inOneAnswer)
    .sort({ minute: 1 })
    .project<Pick<DeltaDocument, "_id" | "minute">>({ minute: 1 });
  let removed = 0;
  let done = 0;
  let minute = NaN;
  let old: string[] = [];
  const end = async () => {
    if (old.length < minCompacted) return;
    removed += await compactMinute(collections, { project, start: minute }, old, madeUntil);
    done += 1;
  };
  for await (const delta of found) {
    if (delta.minute !== minute) {
      await end();
      if (done === limit) return { deltas: removed, next: delta.minute };
      minute = delta.minute;
      old = [];
    }
    if (madeAt(batchOf(delta._id)) <= madeUntil) old.push(delta._id);
  }
  await end();
  return { deltas: removed };
}

/** @returns how many deltas were removed; 0 where another process condensed the minute meanwhile */
async function compactMinute(
  collections: Collections,
  { project, start }: Pick<Bucket, "project" | "start">,
  old: readonly string[],
  madeUntil: number,
): Promise<number> {
  const { folds, deltas } = collections;
  const minute: Bucket = { project, grain: "minute", start };
  const _id = bucketId(minute);
  if (!(await announce(collections, _id, madeUntil))) return 0;
  const [summed] = await sumDeltas(collections, [minute]);
  const { sum, steady } = summed!;
  const { n, fresh, held } = steady;
  const document = { n: n + 1, v: sum.v, batches: fresh, sections: toTexts(sum.cells) };
  if (!fitsDocument(document)) return 0;
  const close = (ids: readonly string[]) =>
    deltas.updateMany({ _id: { $in: ids.toSorted() } }, closing);
  if (held.length > 0) await close(held);
  const going = {
    compacting: Math.max(steady.compacting, madeUntil),
    through: Math.max(steady.through, madeUntil),
  };
  const { matchedCount } = await folds.replaceOne({ _id, n }, { ...document, ...going });
  if (matchedCount === 0) return 0;
  if (fresh.length > 0) await close(fresh);
  // The delta that stays is closed like the others.
  const gone = old.slice(1);
  await deltas.deleteMany({ _id: { $in: gone.toSorted() } });
  return gone.length;
}

/**
 * Says in the fold which deltas are about to be removed.
 * @returns false where another process changed the fold first
 */
async function announce({ folds }: Collections, _id: string, madeUntil: number): Promise<boolean> {
  const stored = await folds.findOne({ _id }, { projection: { n: 1, compacting: 1 } });
  if (stored === null) {
    const empty = { _id, n: 1, v: 0, batches: [], sections: toTexts(emptyCells()) };
    return (await insertAbsent(folds, [{ ...empty, compacting: madeUntil }])).length === 0;
  }
  const { n, compacting = 0 } = stored;
  if (compacting >= madeUntil) return true;
  const change = { $set: { n: n + 1, compacting: madeUntil } };
  return (await folds.updateOne({ _id, n }, change)).matchedCount === 1;
}
