import { textLine, type EventText } from "../../event/event-text.ts";
import { Page } from "../page.ts";
import { eachEvent } from "./events.ts";
import type { Database } from "./database.ts";
import { bodyBytes, fromRow, type EventRow } from "../rows.ts";
import type { EventQuery } from "../../event/filter.ts";
import type { EventTextPage, PageEnd, PageLimits } from "../../event/event-page.ts";

type Limits = Omit<PageLimits, "signal">;

/** A page of events as they cross between threads. */
export interface RowPage extends PageEnd {
  readonly rows: readonly EventRow[];
}

export function page(db: Database, query: EventQuery, limits: Limits): RowPage {
  const rows: EventRow[] = [];
  const found = eachEvent(db, { ...query, limit: query.limit + 1 }, limits.timeoutMs);
  const end = new Page(query, limits).fill(found, (row) => {
    rows.push(row);
    const [, id, , timestamp] = row;
    return { sizeBytes: bodyBytes(row), position: { timestamp, id } };
  });
  return { rows, ...end };
}

/**
 * A page of events as text, written on the reading thread so that the event loop need not parse and
 * write them.
 */
export function eventsText(
  db: Database,
  query: EventQuery,
  text: EventText,
  limits: Limits,
): EventTextPage {
  const lines: string[] = [];
  const found = eachEvent(db, { ...query, limit: query.limit + 1 }, limits.timeoutMs);
  const end = new Page(query, limits).fill(found, (row) => {
    const event = fromRow(row);
    const line = textLine(event, text);
    lines.push(line);
    // JavaScript holds two bytes for each character of the text.
    return { sizeBytes: 2 * line.length, position: { timestamp: event.timestamp, id: event.id } };
  });
  return { text: lines.join(""), events: lines.length, ...end };
}
