import type { StoredEvent } from "./event.ts";
import type { EventQuery } from "./filter.ts";

/** A place in the order of events. */
export type Position = NonNullable<EventQuery["after"]>;

/** How long a read may take, and for whom. */
export interface ReadLimits {
  readonly timeoutMs: number;
  /** Aborted once the caller has left: the read then ends as soon as it can, with CALLER_LEFT. */
  readonly signal?: AbortSignal;
}

/** The limits of a page that names none. */
export const defaultPageLimits = { maxBytes: 2_097_152, timeoutMs: Infinity } as const;

export interface PageLimits extends ReadLimits {
  readonly maxBytes: number;
}

/** How a page ended. */
export interface PageEnd {
  /** The approximate size of the page's events, as `maxBytes` counts. */
  readonly sizeBytes: number;
  /** The position after which the next page begins. Absent where there are no more events. */
  readonly next?: Position;
  /** Why the page ended before its limit, so that more events may follow. */
  readonly endedBy?: "bytes" | "time";
}

export interface EventPage extends PageEnd {
  readonly events: readonly StoredEvent[];
}

export interface EventTextPage extends PageEnd {
  readonly text: string;
  readonly events: number;
}
