import type { EventTextPage, PageEnd } from "../../event/event-page.ts";
import { shownLine, type EventText } from "../../event/event-text.ts";
import type { EventQuery } from "../../event/filter.ts";
import type { PropertyPath } from "../../event/property-path.ts";
import { publicEvent, selectFields, type PublicEvent } from "../../event/public-event.ts";
import type { ListedPage } from "../listed.ts";
import { Page } from "../page.ts";
import { retentionKey } from "../retention.ts";
import { fromColumn, sizeOfBody, type Body } from "../rows.ts";
import type { Database } from "./database.ts";
import { eachRow, oneMore, type Limits } from "./events.ts";
import { job, openJobsOf } from "./jobs.ts";
import { packedId, toldId } from "./narrow.ts";

/*
 * Pages of events as the API shows them, written on the reading thread so that the event loop need
 * not parse and write them.
 */

/** What is shown of an event of a known project. */
const columns = `${packedId("id")}, timestamp, received_at, type, source, correlation_id, body`;

type ShownRow = readonly [
  packedId: string,
  timestamp: number,
  receivedAt: number,
  type: string,
  source: string,
  correlationId: string | null,
  body: string,
];

/** @throws SyntaxError where the body cannot be read */
function shownOf(row: ShownRow, project: string): PublicEvent {
  const [id, timestamp, receivedAt, type, source, correlationId, body] = row;
  const { data, metadata, context } = JSON.parse(body) as Body;
  return publicEvent({
    id: toldId(id),
    type,
    data,
    timestamp,
    source: fromColumn(source),
    correlationId: correlationId === null ? undefined : fromColumn(correlationId),
    metadata,
    receivedAt,
    project,
    context,
  });
}

/** Fills a page; `take` gets each row, and returns how many bytes it counts. */
function filled(
  db: Database,
  query: EventQuery,
  limits: Limits,
  take: (row: ShownRow) => number,
): PageEnd {
  const found = eachRow<ShownRow>(db, columns, oneMore(query), limits.timeoutMs);
  return new Page(query, limits).fill(found, (row) => {
    const [id, timestamp] = row;
    return { sizeBytes: take(row), position: { timestamp, id: toldId(id) } };
  });
}

export function eventsText(
  db: Database,
  query: EventQuery,
  text: EventText,
  limits: Limits,
): EventTextPage {
  const lines: string[] = [];
  const end = filled(db, query, limits, (row) => {
    const line = shownLine(shownOf(row, query.project), text);
    lines.push(line);
    // JavaScript holds two bytes for each character of the text.
    return 2 * line.length;
  });
  return { text: lines.join(""), events: lines.length, ...end };
}

/** @returns `undefined` where the project has open jobs */
export function list(
  db: Database,
  query: EventQuery,
  fields: readonly PropertyPath[] | undefined,
  limits: Limits,
): ListedPage | undefined {
  const { project } = query;
  if (openJobsOf(db, project, { limit: 1 }).length > 0) return undefined;
  const events: Partial<PublicEvent>[] = [];
  const end = filled(db, query, limits, (row) => {
    const event = shownOf(row, project);
    events.push(fields === undefined ? event : selectFields(event, fields));
    return sizeOfBody(row[6]);
  });
  return {
    json: JSON.stringify(events),
    events: events.length,
    retention: job(db, ...retentionKey(project)),
    ...end,
  };
}
