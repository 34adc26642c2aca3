import type { EventFilter } from "../event/filter.ts";

/**
 * Whether a search may have to read unwanted events: no index finds exactly those that meet the
 * filter. An index has the time, and either the types or a user or a correlation.
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
 * Whether such a scan follows the time, in every store: it can then end anywhere and continue from
 * there.
 */
export function scansAlongTime(filter: EventFilter): boolean {
  return scansEvents(filter) && filter.userId === undefined && filter.correlationId === undefined;
}
