import { type Fold, rowReader } from "../../lib/questions/fold.ts";
import type { StoredEvent } from "../../lib/event/event.ts";

/** A fold's answer over events that lie in an array. */
export function foldOver<Result>(fold: Fold<Result>, events: readonly StoredEvent[]): Result {
  const read = rowReader(fold.columns);
  for (const event of events) fold.add(read(event));
  return fold.finish();
}
