import type { Finding } from "../../errors.ts";
import type { AcceptedEvent, StoredEvent } from "../event.ts";

/** An event that breaks its type's schema, as it is kept apart. */
export interface HeldEvent {
  /** As it would have been stored. */
  readonly event: StoredEvent;
  /** What of it is not stored, but travels: see `AcceptedEvent`. */
  readonly undated?: true;
  readonly country?: string | null;
  /** The version of the schema that it breaks. */
  readonly version: number;
  /** 1 to `maxFindings`; pointers start at the event. */
  readonly findings: readonly Finding[];
}

/** The event as it goes to the queue again. */
export function acceptedOf({ event, undated, country }: HeldEvent): AcceptedEvent {
  const { project: _project, context: _context, batch: _batch, hash: _hash, ...accepted } = event;
  return {
    ...accepted,
    ...(undated !== undefined && { undated }),
    ...(country !== undefined && { country }),
  };
}
