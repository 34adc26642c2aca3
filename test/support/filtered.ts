import type { OpenFilter } from "../../lib/questions/reading/filter-parameters.ts";
import type { StoredEvent } from "../../lib/event/event.ts";
import { meets } from "../../lib/event/filter.ts";

/** Whether an event passes a filter of a question: what a store does, in plain lines. */
export function matchesFilter({
  types,
  from = -Infinity,
  to = Infinity,
  where = [],
}: OpenFilter): (event: StoredEvent) => boolean {
  return (event) =>
    (types === undefined || types.includes(event.type)) &&
    event.timestamp >= from &&
    event.timestamp < to &&
    where.every((predicate) => meets(event, predicate));
}
