import { grainMs, type Bucket } from "../../counting/bucket.ts";
import { madeAt } from "../compacting.ts";
import { bucketId, inOneAnswer, type Collections, type DeltaDocument } from "./documents.ts";
import { batchOf } from "./folds.ts";

/** So old a batch is looked for among those that are compacted, by the clock of who stores it. */
const looksFromMs = grainMs.day / 2;

/**
 * Of deltas that are there now those whose minutes are to be counted anew: they may have come while
 * their minute was compacted, or afterwards. To be asked after they were inserted: where a batch was
 * too young then to be compacted, whoever compacts it later finds its delta.
 */
export async function lateMinutes(
  { folds }: Collections,
  deltas: readonly Pick<DeltaDocument, "_id" | "project" | "minute">[],
  now: number,
): Promise<readonly Bucket[]> {
  const old = deltas.filter(({ _id }) => now - madeAt(batchOf(_id)) > looksFromMs);
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
