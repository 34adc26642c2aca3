import type { FoldJob, FoldKind } from "../questions/folds.ts";
import type { EventFilter, EventQuery, Range } from "../event/filter.ts";
import type { Analyzed, EventStore } from "../store/store.ts";
import type { EventPage } from "../event/event-page.ts";
import type { ProjectId } from "../event/event.ts";

/** What answers read from a store. */
export type EventReads = Pick<EventStore, "events" | "marks" | "rollups" | "deltaSums"> & {
  page(query: EventQuery): Promise<EventPage>;
  /** The range in which events were dropped. */
  readonly lost?: Range | undefined;
};

/** The project to read, and the store to read it from. */
export interface Source {
  readonly store: EventReads;
  readonly project: ProjectId;
}

/** A source whose events can be folded, within the budget of a question. */
export interface FoldedSource extends Source {
  /** @throws ServiceError QUERY_TOO_EXPENSIVE, TOO_MANY_REQUESTS */
  analyze<K extends FoldKind>(
    filter: Omit<EventFilter, "project">,
    job: FoldJob<K>,
  ): Promise<Analyzed<K> & { readonly estimate: number }>;
}
