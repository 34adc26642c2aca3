import type { BatchId, EventId, ProjectId } from "../event/event.ts";
import type { HeldEvent } from "../event/schemas/held.ts";

/** An event in quarantine. */
export interface QuarantinedEvent {
  readonly held: HeldEvent;
  /** How often the entry was written. */
  readonly revision: number;
  /** The batch that releases the event, once somebody asked for its replay. */
  readonly replay?: BatchId;
}

export interface QuarantineQuery {
  readonly project: ProjectId;
  readonly types?: readonly string[];
  readonly userId?: string;
  readonly limit: number;
  /** The last event of the page before. */
  readonly after?: { readonly receivedAt: number; readonly id: EventId };
}

/**
 * The quarantine: the events that `append` did not store because they break their schema. An id is
 * either stored, or in quarantine, or erased: one write decides which, and every later batch meets
 * that decision. Writes are durable when they resolve.
 */
export interface QuarantineStore {
  /** A page, the latest received first, then by id (by code unit), descending. */
  list(query: QuarantineQuery): Promise<readonly QuarantinedEvent[]>;

  find(project: ProjectId, id: EventId): Promise<QuarantinedEvent | undefined>;

  /** About how many events there are, of all projects. */
  count(): Promise<number>;

  /**
   * Replaces the content of a revision.
   * @returns false where another revision is stored, none, or one that is being replayed
   */
  amend(event: HeldEvent, revision: number): Promise<boolean>;

  /**
   * Names the batch that releases an event: `append` of that batch then stores it in its place. The
   * first batch that was named stays.
   * @returns the event and its batch; `undefined` where it is not in quarantine
   */
  release(
    project: ProjectId,
    id: EventId,
    batch: BatchId,
  ): Promise<(QuarantinedEvent & { readonly replay: BatchId }) | undefined>;

  /**
   * Removes an event. Events that were accepted up to `at` are refused under its id, later ones are
   * not. `replaying`: the event is being released, and stays.
   */
  drop(project: ProjectId, id: EventId, at: number): Promise<"dropped" | "absent" | "replaying">;
}
