import { textLine, type EventText } from "../event/event-text.ts";
import { eachEvent } from "./sqlite-events.ts";
import type { Database } from "./sqlite-database.ts";
import { fromRow } from "./sqlite-rows.ts";
import { TextPage } from "./text-page.ts";
import type { EventQuery, EventTextPage } from "./store.ts";

/** A page of events as text, made here so that the event loop need not parse and write them. */
export function eventsText(
  db: Database,
  query: EventQuery,
  text: EventText,
  maxBytes: number,
): EventTextPage {
  const page = new TextPage(query.limit, maxBytes);
  // One more than fits tells whether there is more.
  for (const row of eachEvent(db, { ...query, limit: query.limit + 1 })) {
    if (page.isFull) return page.finish(true);
    const event = fromRow(row);
    page.add(event, textLine(event, text));
  }
  return page.finish(false);
}
