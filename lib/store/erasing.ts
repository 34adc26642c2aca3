import { hash } from "node:crypto";
import type { Bucket } from "../counting/bucket.ts";
import type { Sum } from "../counting/cells.ts";
import type { BatchId, EventId, ProjectId, StoredEvent } from "../event/event.ts";
import type { EventQuery } from "../event/filter.ts";

/** A stored event as it is erased: only while it is stored under this batch. */
export interface Erasable {
  readonly id: EventId;
  readonly batch: BatchId;
  readonly timestamp: number;
}

/** What an erased id is good for. */
export interface Refusal {
  /** When it was asked for, epoch milliseconds. */
  readonly at: number;
  /**
   * Whether an event that is accepted after `at` may have the id again. What was accepted before
   * never may.
   */
  readonly reusable: boolean;
}

/**
 * Taking events out of the store and out of what was counted of them: docs/protocol.md has the
 * order of the steps and why it is right. Each step is durable when it resolves, and may be
 * repeated.
 */
export interface Erasing {
  /**
   * From now on no event of a user that was accepted up to `before` comes into the store. It also
   * stands for a later fence that was written before.
   */
  fence(project: ProjectId, userId: string, before: number): Promise<void>;

  /** A page of the events that a query finds, in its order, also of those that are damaged. */
  erasable(query: EventQuery): Promise<readonly Erasable[]>;

  /**
   * Events of a fenced user that others are taking out, and have perhaps not finished: to be asked
   * after there is nothing `erasable`, and to be finished as if it were. Absent where nobody sees
   * such.
   */
  unfinished?(project: ProjectId, userId: string): Promise<readonly Erasable[]>;

  /** They are finished. */
  finished?(project: ProjectId, events: readonly Erasable[]): Promise<void>;

  /** The event of an id, also where it is damaged, and when it was accepted. */
  holder(
    project: ProjectId,
    id: EventId,
  ): Promise<(Erasable & Pick<StoredEvent, "receivedAt">) | undefined>;

  /**
   * Since when an id is refused: when that was asked for. `undefined` of one that never was; of one
   * that was given away again it is not told.
   */
  erasedAt(project: ProjectId, id: EventId): Promise<number | undefined>;

  /**
   * Remove events, so that no later delivery of what was accepted before brings them back. Those
   * that others stored under the same ids stay. What was counted of them stands until their minutes
   * are recounted.
   */
  erase(project: ProjectId, events: readonly Erasable[], refusal: Refusal): Promise<void>;

  /** The same for an id that no event has. @returns false where an event has it */
  refuse(project: ProjectId, id: EventId, refusal: Refusal): Promise<boolean>;

  /**
   * Count minutes anew from their events, as far as batches have counted them, under the dimensions
   * that the store was opened with; mark them. `sumDeltas` then has a greater version than any sum
   * before. What is stored meanwhile counts once. Minutes whose events may have been dropped stand
   * as they are (`Dropping`).
   */
  recount(minutes: readonly Bucket[]): Promise<void>;

  /**
   * What `recount` would count in a minute now, with the version that `sumDeltas` has; changes
   * nothing.
   * @param before which events are waited for no longer: they were accepted before this instant
   */
  recounted(minute: Bucket, before: number): Promise<Recounted>;

  /**
   * Give batches that own events of a minute a delta there, where they have none, so that `recount`
   * counts these events. A batch that comes with its delta later finds it, and adds nothing twice.
   */
  complete(minute: Bucket, batches: readonly BatchId[]): Promise<void>;
}

/** What a minute's events add up to. */
export interface Recounted extends Sum {
  /** Batches that own events of the minute, have no delta there, and are waited for no longer. */
  readonly uncounted: readonly BatchId[];
}

/** Under which a user's fence is kept: without the user's name. */
export function subjectOf(project: ProjectId, userId: string): string {
  return hash("sha256", `${project}\n${userId}`, "base64url");
}
