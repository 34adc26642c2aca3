import type { StoredEvent } from "./event.ts";
import type { EventQuery } from "./filter.ts";

/** A place in the order of events. */
export type Position = NonNullable<EventQuery["after"]>;

/** How long a read may take, and for whom. */
export interface ReadLimits {
  readonly timeoutMs: number;
  /**
   * Once it is aborted nobody waits any more: the read ends as soon as it can, with CALLER_LEFT.
   */
  readonly signal?: AbortSignal;
}

/** Where a page has no other. */
export const defaultPageLimits = { maxBytes: 2_097_152, timeoutMs: Infinity } as const;

export interface PageLimits extends ReadLimits {
  readonly maxBytes: number;
}

/** How a page ended. */
export interface PageEnd {
  /** What is on it, about, as `maxBytes` counts. */
  readonly sizeBytes: number;
  /** Where the next page begins: after this position. Absent where there is no more. */
  readonly next?: Position;
  /** Why it ended before its limit, where there may be more. */
  readonly endedBy?: "bytes" | "time";
}

export interface EventPage extends PageEnd {
  readonly events: readonly StoredEvent[];
}

export interface EventTextPage extends PageEnd {
  readonly text: string;
  readonly events: number;
}
