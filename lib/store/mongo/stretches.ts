import type { Collections } from "./documents.ts";
import { boundsOf, filtersOf } from "./events.ts";
import { wholeWithin, type ServerLimits } from "./server-limits.ts";
import type { Position } from "../../event/event-page.ts";
import type { EventQuery } from "../../event/filter.ts";

/** How long a stretch should take: a page may end that much later than allowed. */
const aimMs = 100;

/** So few that even a slow server makes progress before a page's time is over. */
const firstSize = 500;
const largestSize = 131_072;

/** A part of a query along the time. */
interface Stretch {
  readonly query: EventQuery;
  /** The position at which it ends; absent from the last one. */
  readonly upTo?: Position;
}

/**
 * Splits a query into stretches of about so many events of its types, its user or its correlation
 * that each takes some 100 ms, whether the events meet the other conditions or not. The caller
 * takes the next stretch when it has read the last one.
 */
export async function* stretchesOf(
  collections: Collections,
  query: EventQuery,
  limits: () => ServerLimits,
): AsyncGenerator<Stretch, void> {
  let size = firstSize;
  let { after } = query;
  for (;;) {
    const rest = { ...query, after };
    const end = await endOf(collections, rest, size, limits());
    if (end === undefined) {
      yield { query: rest };
      return;
    }
    const startedAt = performance.now();
    // No id is empty: this lies before all events of the instant, and in both directions past what
    // was read.
    const upTo = { timestamp: end, id: "" };
    yield { query: { ...rest, ...(query.order === "asc" ? { to: end } : { from: end }) }, upTo };
    const tookMs = performance.now() - startedAt;
    if (tookMs < aimMs / 2) size = Math.min(size * 2, largestSize);
    else if (tookMs > aimMs) size = Math.max(Math.ceil(size / 2), 100);
    after = upTo;
  }
}

/**
 * The instant up to which (from which, descending) the next so many events lie, each instant with
 * all of its events.
 */
async function endOf(
  { events }: Collections,
  query: EventQuery,
  size: number,
  limits: ServerLimits,
): Promise<number | undefined> {
  const { order, after, from = -Infinity } = query;
  const direction = order === "asc" ? 1 : -1;
  const { filters } = filtersOf({ ...query, sources: undefined, where: [] });
  const beyond = boundsOf(query).at(-1)!;
  const checkWhole = wholeWithin(limits);
  const [found] = await events
    .find({ $and: [...filters, ...beyond] }, limits)
    .sort({ timestamp: direction, id: direction })
    .skip(size)
    .limit(1)
    .project<{ timestamp: number }>({ _id: 0, timestamp: 1 })
    .toArray();
  if (found === undefined) checkWhole();
  if (found === undefined || order === "desc") return found?.timestamp;
  const begun = Math.max(after?.timestamp ?? -Infinity, from);
  return Math.max(found.timestamp, begun + 1);
}
