import type { Finding } from "../../errors.ts";
import type { AcceptedEvent, StoredEvent } from "../event.ts";

/** An event in quarantine: it breaks its type's schema. */
export interface HeldEvent {
  /** The event as it would have been stored. */
  readonly event: StoredEvent;
  /** The parts of an accepted event that are not stored: see `AcceptedEvent`. */
  readonly undated?: true;
  readonly country?: string | null;
  /** The version of the schema that the event breaks. */
  readonly version: number;
  /** 1 to `maxFindings`; pointers start at the event. */
  readonly findings: readonly Finding[];
}

/** The event as it goes back to the queue. */
export function acceptedOf({ event, undated, country }: HeldEvent): AcceptedEvent {
  const { project: _project, context: _context, batch: _batch, hash: _hash, ...accepted } = event;
  return {
    ...accepted,
    ...(undated !== undefined && { undated }),
    ...(country !== undefined && { country }),
  };
}
