import type { ProjectId } from "../event/event.ts";
import type { ActKind, ActOutcome, Actor } from "../questions/audit-log.ts";

/**
 * Keeps who did what: administrative acts, in the order of their ids. What was taken down is never
 * changed or removed, except that an act which was begun gets its outcome, once.
 */
export interface ActStore {
  /** Take down an act before it is done. Durable when it resolves. */
  begin(act: BegunAct): Promise<void>;

  /** Take down how an act ended; one that has an end keeps it. */
  end(project: ProjectId, id: string, outcome: "done" | "failed"): Promise<void>;

  /**
   * A project's acts, the newest first (by id, descending), those before an id where one is given.
   */
  list(
    project: ProjectId,
    page: { readonly limit: number; readonly before?: string },
  ): Promise<readonly Act[]>;
}

export interface BegunAct {
  /** A UUIDv7: ids are in the order of time. */
  readonly id: string;
  readonly project: ProjectId;
  /** Epoch milliseconds. */
  readonly at: number;
  readonly actor: Actor;
  readonly what: ActKind;
  /**
   * What it was done to: an id or a name. It is kept for ever, so it is no secret, and of a person
   * no more than a hash of who it is.
   */
  readonly target: string;
  /** More about it, under the same condition. */
  readonly details: Readonly<Record<string, unknown>>;
  /** Of the HTTP request that asked for it. */
  readonly requestId?: string;
}

export interface Act extends BegunAct {
  readonly outcome: ActOutcome;
}
