import type { ItemResult } from "./admit.ts";
import type { BatchId, EventId } from "./event.ts";

/**
 * What `ingest.collect` answers once the accepted events are durable. `results` in the order of the
 * input.
 */
export interface Receipt {
  /** The batch that carries the accepted events; `null` where none was accepted. */
  readonly batch: BatchId | null;
  readonly accepted: number;
  readonly rejected: number;
  readonly results: readonly ItemResult[];
  /** The outcome of each accepted event, by id, where the caller waited for it. */
  readonly outcomes?: Readonly<Record<EventId, EventOutcome>>;
}

/**
 * The outcome of an accepted event: `pending` while it is on the queue, `quarantined` where it
 * breaks its schema.
 */
export type EventOutcome = "pending" | "stored" | "quarantined" | "duplicate" | "conflict";
