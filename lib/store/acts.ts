import type { ProjectId } from "../event/event.ts";
import type { ActKind, ActOutcome, Actor } from "../questions/audit-log.ts";

/**
 * Keeps administrative acts, in the order of their ids. An act is never changed or removed, except
 * that one that was begun gets its outcome, once.
 */
export interface ActStore {
  /** Records an act before it is done. Durable when it resolves. */
  begin(act: BegunAct): Promise<void>;

  /** Records the outcome of an act; an act with an outcome keeps it. */
  end(project: ProjectId, id: string, outcome: "done" | "failed"): Promise<void>;

  /**
   * Lists a project's acts, the newest first (by id, descending), optionally those before an id.
   */
  list(
    project: ProjectId,
    page: { readonly limit: number; readonly before?: string },
  ): Promise<readonly Act[]>;
}

export interface BegunAct {
  /** A UUIDv7, so ids are in the order of time. */
  readonly id: string;
  readonly project: ProjectId;
  /** Epoch milliseconds. */
  readonly at: number;
  readonly actor: Actor;
  readonly what: ActKind;
  /**
   * The object of the act: an id or a name. It is kept for ever, so it is no secret, and of a
   * person at most a hash.
   */
  readonly target: string;
  /** More about the act, under the same condition. */
  readonly details: Readonly<Record<string, unknown>>;
  /** The id of the HTTP request that asked for the act. */
  readonly requestId?: string;
}

export interface Act extends BegunAct {
  readonly outcome: ActOutcome;
}
