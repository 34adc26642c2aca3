import { meets, type EventFilter } from "../event/filter.ts";
import type { StoredEvent } from "../event/event.ts";
import { userOf } from "./delta.ts";

/** Whether an event of the filter's project meets the filter. */
export function meetsFilter(event: StoredEvent, filter: Omit<EventFilter, "project">): boolean {
  const { types, sources, correlationId, userId, from = -Infinity, to = Infinity, where } = filter;
  return (
    (types?.includes(event.type) ?? true) &&
    (sources?.includes(event.source) ?? true) &&
    (correlationId === undefined || event.correlationId === correlationId) &&
    (userId === undefined || userOf(event) === userId) &&
    event.timestamp >= from &&
    event.timestamp < to &&
    (where ?? []).every((predicate) => meets(event, predicate))
  );
}
