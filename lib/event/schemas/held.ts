import type { Finding } from "../../errors.ts";
import type { AcceptedEvent, StoredEvent } from "../event.ts";
import type { SchemaMode, Verdict } from "./schema.ts";

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

/** A judged event; without findings where it keeps its schema. */
export interface JudgeDone {
  readonly held: HeldEvent;
  readonly mode: SchemaMode;
}

/** Makes the quarantine entry of an event. */
export function heldOf(
  event: StoredEvent,
  { undated, country }: AcceptedEvent,
  { version, findings }: Pick<Verdict, "version" | "findings">,
): HeldEvent {
  // Events in messages of earlier versions get their country only during enrichment.
  const found = event.metadata?.["ip"] === undefined ? undefined : (event.context.country ?? null);
  const known = country === undefined ? found : country;
  return {
    event,
    ...(undated !== undefined && { undated }),
    ...(known !== undefined && { country: known }),
    version,
    findings,
  };
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
