import type { BatchId, EventId, ProjectId } from "../event/event.ts";
import type { HeldEvent } from "../event/schemas/held.ts";

/** An event in quarantine. */
export interface QuarantinedEvent {
  readonly held: HeldEvent;
  /** How often it was written. */
  readonly revision: number;
  /** The batch by which it comes out, once somebody asked for that. */
  readonly replay?: BatchId;
}

export interface QuarantineQuery {
  readonly project: ProjectId;
  readonly types?: readonly string[];
  readonly userId?: string;
  readonly limit: number;
  /** The last one of the page before. */
  readonly after?: { readonly receivedAt: number; readonly id: EventId };
}

/**
 * The events that were kept apart by `append`, and only those. An event's id is either stored, or
 * in quarantine, or erased: one write decides which, and whoever comes later finds it so. Writes
 * are durable when they resolve.
 */
export interface QuarantineStore {
  /** A page, the latest received first, then by id (by code unit), descending. */
  list(query: QuarantineQuery): Promise<readonly QuarantinedEvent[]>;

  find(project: ProjectId, id: EventId): Promise<QuarantinedEvent | undefined>;

  /** How many there are, of all projects, about. */
  count(): Promise<number>;

  /**
   * Put another content in the place of a revision.
   * @returns false where another revision is there, none, or one that is being replayed
   */
  amend(event: HeldEvent, revision: number): Promise<boolean>;

  /**
   * Say by which batch an event is to come out: `append` of that batch stores it in its place. The
   * first word stands.
   * @returns the event and its batch; `undefined` where it is not in quarantine
   */
  release(
    project: ProjectId,
    id: EventId,
    batch: BatchId,
  ): Promise<(QuarantinedEvent & { readonly replay: BatchId }) | undefined>;

  /**
   * Remove an event: what was accepted up to `at` does not come in under its id, what is accepted
   * later may. `replaying`: it is on its way out, and stays.
   */
  drop(project: ProjectId, id: EventId, at: number): Promise<"dropped" | "absent" | "replaying">;
}
