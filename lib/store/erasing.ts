import { hash } from "node:crypto";
import type { Bucket } from "../counting/bucket.ts";
import type { Sum } from "../counting/cells.ts";
import {
  userOf,
  type BatchId,
  type EventId,
  type ProjectId,
  type StoredEvent,
} from "../event/event.ts";
import type { Position } from "../event/event-page.ts";
import type { EventQuery } from "../event/filter.ts";

/** An event to erase: only while it is stored under this batch. */
export interface Erasable {
  readonly id: EventId;
  readonly batch: BatchId;
  readonly timestamp: number;
}

/** A part of a search for events to erase. */
export interface ErasablePage {
  readonly events: readonly Erasable[];
  /** The position up to which the search has come. Absent where it has come to the end. */
  readonly next?: Position;
}

/** What decides whether an event may be stored. */
export interface Claim extends Pick<StoredEvent, "id" | "receivedAt"> {
  /** The event's user (`userOf`). */
  readonly user?: string | undefined;
}

export function claimOf(event: Pick<StoredEvent, "id" | "receivedAt" | "metadata">): Claim {
  return { id: event.id, receivedAt: event.receivedAt, user: userOf(event) };
}

/** How an erased id is refused. */
export interface Refusal {
  /** When the erasure was requested, epoch milliseconds. */
  readonly at: number;
  /**
   * Whether an event that is accepted after `at` may have the id again. Events that were accepted
   * before never may.
   */
  readonly reusable: boolean;
}

/**
 * Removes events from the store and from all counts: docs/protocol.md has the order of the steps
 * and why it is right. Each step is durable when it resolves, and may be repeated.
 */
export interface Erasing {
  /**
   * Excludes events of a user that were accepted up to `before` from the store, from now on. A
   * later fence replaces an earlier one.
   * @param reusable whether events that are accepted later may have their ids; default false
   */
  fence(project: ProjectId, userId: string, before: number, reusable?: boolean): Promise<void>;

  /**
   * A page of the events that a query finds, in its order, also of damaged ones where the query asks
   * for nothing in their lost bodies. It ends early when the search takes longer than `timeoutMs`,
   * even without a result. Events in quarantine come
   * first, in any order, on a page of their own without `next`: a search that begins anew finds the
   * others.
   */
  erasable(query: EventQuery, timeoutMs?: number): Promise<ErasablePage>;

  /**
   * Events of a fenced user that other processes are taking out, and may not have finished. Called
   * when nothing is `erasable` any more; these events must be finished as if they were. Absent in
   * stores where no other process can do this.
   */
  unfinished?(project: ProjectId, userId: string): Promise<readonly Erasable[]>;

  /** Notes that they are finished. */
  finished?(project: ProjectId, events: readonly Erasable[]): Promise<void>;

  /** The event of an id, even a damaged one, and when it was accepted. */
  holder(
    project: ProjectId,
    id: EventId,
  ): Promise<(Erasable & Pick<StoredEvent, "receivedAt">) | undefined>;

  /**
   * The instant since which an id is refused: when its erasure was requested. `undefined` for an id
   * that was never erased; an id that was used again is not reported.
   */
  erasedAt(project: ProjectId, id: EventId): Promise<number | undefined>;

  /**
   * Removes events, so that no later delivery of what was accepted before brings them back. Events
   * that other batches stored under the same ids stay. The counts stay until the minutes are
   * recounted.
   * @param userId the user of all the events, where it is known: a store may find them sooner by it
   */
  erase(
    project: ProjectId,
    events: readonly Erasable[],
    refusal: Refusal,
    userId?: string,
  ): Promise<void>;

  /**
   * Removes from the disk what a log still holds of removed events and of earlier revisions of jobs.
   * Absent in stores whose server keeps its log for itself.
   * @throws ServiceError STORE_UNAVAILABLE also where somebody reads from the log for too long
   */
  forgetRemoved?(): Promise<void>;

  /**
   * Refuses an id that no event has.
   * @returns false where an event has it
   */
  refuse(project: ProjectId, id: EventId, refusal: Refusal): Promise<boolean>;

  /**
   * Those of some events that may never be stored, because their id or their person was erased
   * after they were accepted. What is refused once is refused for ever.
   */
  refused(project: ProjectId, events: readonly Claim[]): Promise<ReadonlySet<EventId>>;

  /**
   * Counts minutes again from their events, as far as batches have counted them, under the
   * dimensions that the store was opened with; marks them. `sumDeltas` then has a greater version
   * than any sum before. Events that are stored meanwhile count once. Minutes whose events may have
   * been dropped stay as they are (`Dropping`).
   */
  recount(minutes: readonly Bucket[]): Promise<void>;

  /**
   * The cells that `recount` would count in a minute now, with the version of `sumDeltas`; changes
   * nothing. It compares each event with the hash of what was sent, which no other read does.
   * @param before events that were accepted before this instant are not waited for any more
   */
  recounted(minute: Bucket, before: number): Promise<Recounted>;

  /**
   * Gives each batch that owns events of a minute but has no delta there an empty one, so that
   * `recount` counts these events. A batch that comes with its delta later finds it, and adds
   * nothing twice.
   */
  complete(minute: Bucket, batches: readonly BatchId[]): Promise<void>;
}

/** The sum of a minute's events, and what reading them has shown. */
export interface Recounted extends Sum {
  /**
   * Batches that own events of the minute, have no delta there, and are not waited for any more.
   */
  readonly uncounted: readonly BatchId[];
  /**
   * Events of the minute, counted or not, whose content differs from what was sent: as many as a
   * report lists at most.
   */
  readonly changed: readonly EventId[];
}

/** The key of a user's fence, without the user's name. */
export function subjectOf(project: ProjectId, userId: string): string {
  return hash("sha256", `${project}\n${userId}`, "base64url");
}
