import { madeAt } from "../../event/batch-message.ts";
import { grainMs, type Bucket } from "../../counting/bucket.ts";
import type { CompactionBound } from "./compaction-bound.ts";
import { bucketId, inOneAnswer, type Collections, type DeltaDocument } from "./documents.ts";
import { batchOf } from "./folds.ts";

/**
 * The age of a batch from which its minutes may be compacted, by the clock of the process that
 * stores. A batch that was made so far in the future counts as old: the clock was set back. Serves
 * beside processes of earlier versions, which compact without raising the bound.
 */
const looksFromMs = grainMs.day / 2;

/**
 * Finds the minutes that must be counted anew, because they were compacted before or while some
 * deltas were inserted. Called after the insert: where a batch was too young to be compacted then,
 * a later compaction finds its delta.
 * @param bound says up to when batches were made that may be compacted, whatever their age is
 * @returns the minutes of the deltas whose batches are compacted there
 */
export async function lateMinutes(
  { folds, counters }: Pick<Collections, "folds" | "counters">,
  deltas: readonly Pick<DeltaDocument, "_id" | "project" | "minute">[],
  now: number,
  bound: Pick<CompactionBound, "current">,
): Promise<readonly Bucket[]> {
  // A batch whose id does not tell when it was made is never compacted.
  const dated = deltas.filter(({ _id }) => madeAt(batchOf(_id)) !== Infinity);
  if (dated.length === 0) return [];
  const until = await bound.current({ counters });
  const isOld = (made: number) => made <= until || Math.abs(now - made) > looksFromMs;
  const old = dated.filter(({ _id }) => isOld(madeAt(batchOf(_id))));
  if (old.length === 0) return [];
  const minutes = new Map<string, { readonly bucket: Bucket; readonly made: number }>();
  for (const { _id, project, minute } of old) {
    const bucket: Bucket = { project, grain: "minute", start: minute };
    const { made: oldest = Infinity } = minutes.get(bucketId(bucket)) ?? {};
    minutes.set(bucketId(bucket), { bucket, made: Math.min(oldest, madeAt(batchOf(_id))) });
  }
  const found = await folds
    .find({ _id: { $in: [...minutes.keys()] } }, inOneAnswer)
    .project<{ readonly _id: string; readonly compacting?: number }>({ compacting: 1 })
    .toArray();
  return found.flatMap(({ _id, compacting = 0 }) => {
    const { bucket, made } = minutes.get(_id)!;
    return made <= compacting ? [bucket] : [];
  });
}
