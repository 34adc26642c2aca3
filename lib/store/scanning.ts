import type { EventFilter } from "../event/filter.ts";

/**
 * Whether events have to be looked at that may not be wanted: no index leads to just those that
 * meet the filter. An index has either types or a user or a correlation, and the time.
 */
export function scansEvents({
  types,
  sources,
  userId,
  correlationId,
  where = [],
}: EventFilter): boolean {
  const keys = [types, userId, correlationId].filter((key) => key !== undefined);
  return where.length > 0 || sources !== undefined || keys.length > 1;
}

/**
 * Whether such a scan follows the time, in every store: then it can end anywhere and go on from
 * there.
 */
export function scansAlongTime(filter: EventFilter): boolean {
  return scansEvents(filter) && filter.userId === undefined && filter.correlationId === undefined;
}
