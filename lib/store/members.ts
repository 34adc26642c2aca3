import { hash } from "node:crypto";
import { startOf } from "../counting/bucket.ts";
import type { StoredEvent } from "../event/event.ts";

/** As much of a digest as tells batches' events apart. */
const digestLength = 16;

/**
 * A digest of the ids of some events for each minute that they lie in, whatever their order. A
 * store keeps it with a delta, which is counted from these events: a batch to which an event came
 * late has another digest.
 */
export function membersByMinute(
  events: Iterable<Pick<StoredEvent, "id" | "timestamp">>,
): ReadonlyMap<number, string> {
  const minutes = Map.groupBy(events, ({ timestamp }) => startOf("minute", timestamp));
  return new Map([...minutes].map(([minute, within]) => [minute, digestOf(within)]));
}

function digestOf(events: readonly Pick<StoredEvent, "id">[]): string {
  const ids = events.map(({ id }) => id).sort();
  return hash("sha256", ids.join("\n"), "base64url").slice(0, digestLength);
}
