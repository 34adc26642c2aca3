import { textLine, type EventText } from "../../event/event-text.ts";
import type { StoredEvent } from "../../event/event.ts";
import type { Collections } from "./documents.ts";
import { countEvents, eachEvent } from "./events.ts";
import { isTimeLimit } from "./errors.ts";
import { tookTooLong } from "../time-limit.ts";
import type { ServerLimits } from "./server-limits.ts";
import { stretchesOf } from "./stretches.ts";
import { Page, type AsyncFinding } from "../page.ts";
import { scansEvents } from "../scanning.ts";
import type { EventFilter, EventQuery } from "../../event/filter.ts";
import type { EventPage, EventTextPage, PageLimits, ReadLimits } from "../../event/event-page.ts";

/**
 * How much longer than a page may take the server may read for it, so that it always makes
 * progress.
 */
const graceMs = 1_000;

/** About how many bytes an event takes besides its free parts. */
const fixedBytes = 256;

export async function page(
  collections: Collections,
  query: EventQuery,
  limits: PageLimits,
): Promise<EventPage> {
  const events: StoredEvent[] = [];
  const found = finding(collections, { ...query, limit: query.limit + 1 }, limits);
  const end = await new Page(query, limits).fillFrom(found, (event) => {
    events.push(event);
    const { data, metadata, context } = event;
    const sizeBytes = Buffer.byteLength(JSON.stringify({ data, metadata, context })) + fixedBytes;
    return { sizeBytes, position: event };
  });
  return { events, ...end };
}

/** A page of events as text. */
export async function eventsText(
  collections: Collections,
  query: EventQuery,
  text: EventText,
  limits: PageLimits,
): Promise<EventTextPage> {
  const lines: string[] = [];
  const found = finding(collections, { ...query, limit: query.limit + 1 }, limits);
  const end = await new Page(query, limits).fillFrom(found, (event) => {
    const line = textLine(event, text);
    lines.push(line);
    return { sizeBytes: 2 * line.length, position: event };
  });
  return { text: lines.join(""), events: lines.length, ...end };
}

export async function countWithin(
  collections: Collections,
  filter: EventFilter,
  limits: ReadLimits,
): Promise<number> {
  try {
    return await countEvents(collections, filter, new Remaining(limits).server);
  } catch (error) {
    throw isTimeLimit(error) ? tookTooLong(limits.timeoutMs) : error;
  }
}

/** The rest of a time limit, in a server's form. */
class Remaining {
  readonly #end: number;
  readonly #signal: AbortSignal | undefined;

  constructor({ timeoutMs, signal }: ReadLimits) {
    this.#end = performance.now() + timeoutMs;
    this.#signal = signal;
  }

  get isOver(): boolean {
    return performance.now() >= this.#end;
  }

  get server(): ServerLimits {
    const leftMs = Math.max(0, Math.ceil(this.#end - performance.now())) + graceMs;
    return {
      ...(leftMs < Infinity && { maxTimeMS: leftMs }),
      ...(this.#signal !== undefined && { signal: this.#signal }),
    };
  }
}

/** Finds the events of a page, in stretches along the time where it has to search. */
async function* finding(
  collections: Collections,
  query: EventQuery,
  limits: ReadLimits,
): AsyncFinding<StoredEvent> {
  const remaining = new Remaining(limits);
  let { limit, after } = query;
  try {
    if (!scansEvents(query)) {
      yield* eachEvent(collections, query, remaining.server);
      return undefined;
    }
    for await (const stretch of stretchesOf(collections, query, () => remaining.server)) {
      const within = { ...stretch.query, limit };
      for await (const event of eachEvent(collections, within, remaining.server)) {
        yield event;
        after = { timestamp: event.timestamp, id: event.id };
        limit -= 1;
      }
      if (limit === 0 || stretch.upTo === undefined) return undefined;
      after = stretch.upTo;
      if (remaining.isOver) return after;
    }
    return undefined;
  } catch (error) {
    if (!isTimeLimit(error)) throw error;
    if (after === undefined || after === query.after) throw tookTooLong(limits.timeoutMs);
    return after;
  }
}
