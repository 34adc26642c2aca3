import type { AnswerMeta } from "../answer-meta.ts";
import { readPath, splitNames } from "../../event/property-path.ts";
import type { PublicEvent } from "../../event/public-event.ts";
import type { PropertyPath } from "../../event/property-path.ts";
import type { PageEnd, Position } from "../../event/event-page.ts";
import {
  choice,
  described,
  later,
  texts,
  whole,
  type Field,
  type Findings,
  type Raw,
  readParameters,
} from "../reading/field.ts";
import { cursorText, isIdPart, isInstant, partsOfCursor, scopeOf } from "../reading/cursor.ts";
import {
  filterFields,
  filterOfParameters,
  openFilter,
  type OpenFilter,
} from "../reading/filter-parameters.ts";

/** A checked question of `GET /api/v1/events`. */
export interface ListQuestion {
  readonly filter: OpenFilter;
  readonly order: "asc" | "desc";
  readonly limit: number;
  readonly after?: Position;
  readonly fields?: readonly PropertyPath[];
  readonly total: boolean;
}

export interface PageShown {
  readonly limit: number;
  readonly nextCursor: string | null;
  /**
   * Why the page ended before its limit, where more events may follow: it has enough bytes, or the
   * search took long enough.
   */
  readonly endedBy?: "bytes" | "time";
}

export interface ListAnswer {
  readonly data: readonly Partial<PublicEvent>[];
  readonly page: PageShown;
  readonly total?: number;
  readonly meta: AnswerMeta;
}

const shown = [
  "id",
  "type",
  "data",
  "timestamp",
  "source",
  "correlationId",
  "metadata",
  "receivedAt",
  "project",
  "context",
];

const names = texts(splitNames);

/** `fields=id,data.plan`: paths into an event as the API shows it. Absent without the parameter. */
export const shownFields: Field<PropertyPath[] | undefined> = {
  schema: {
    ...names.schema,
    description: `What is shown of an event, by comma: paths that begin with one of ${shown.join(", ")}`,
    examples: [["id", "data.plan"]],
  },
  read(value, at, findings) {
    return names.read(value, at, findings)?.flatMap((name) => {
      const path = readPath(name);
      if (path !== undefined && shown.includes(path[0])) return [path];
      findings.push({
        pointer: at.pointer,
        code: "field",
        message: `there is no field ${name}; a field begins with one of ${shown.join(", ")}`,
      });
      return [];
    });
  },
};

/**
 * The cursor of a list or an export. It is read last, since it is valid only for the same filter
 * and order.
 */
export const listCursor = later({
  type: "string",
  description: "nextCursor of the page before, of the same filters and order",
});

const own = {
  fields: shownFields,
  order: choice(["asc", "desc"], "desc"),
  limit: whole({ min: 1, max: 1_000, otherwise: 100 }),
  cursor: listCursor,
  include: described(choice(["total"]), "Also how many events there are in all"),
};

/** The parameters of a list of events. */
export const listParameters = { ...filterFields, ...own };
const open = openFilter([], Object.keys(own));

/** @throws ServiceError VALIDATION naming each parameter that is wrong and what is allowed */
export function readListQuestion(raw: Raw): ListQuestion {
  return readParameters(
    raw,
    listParameters,
    (values, findings) => {
      const filter = filterOfParameters(values, raw, findings);
      const { order, limit, fields, include } = values;
      const after = readCursor(values.cursor, { filter, order }, findings);
      return { filter, order, limit, after, fields, total: include !== undefined };
    },
    open,
  );
}

/** The end of a page as the list shows it. */
export function pageShown(
  { next, endedBy }: PageEnd,
  question: Pick<ListQuestion, "filter" | "order" | "limit">,
): PageShown {
  const nextCursor = next === undefined ? null : cursorOf(next, question);
  return { limit: question.limit, nextCursor, ...(endedBy !== undefined && { endedBy }) };
}

/**
 * Describes the rows of a page in `meta`: how many it has and, where known, how many follow: none
 * after the last page; after a first page those of the total that are not on it.
 * @param of whether it is the first page, and the number of events on all pages where the question
 *   asks for it
 */
export function rowsMeta(
  rows: number,
  { nextCursor }: PageShown,
  { isFirst, total }: { readonly isFirst: boolean; readonly total?: number },
): Pick<AnswerMeta, "rows" | "rowsLeftOut"> {
  if (nextCursor === null) return { rows, rowsLeftOut: 0 };
  if (!isFirst || total === undefined) return { rows };
  return { rows, rowsLeftOut: Math.max(0, total - rows) };
}

/** The cursor of the page after a position. It is valid only for the same filter and order. */
export function cursorOf(
  position: Position,
  question: Pick<ListQuestion, "filter" | "order">,
): string {
  const scope = scopeOf([question.filter, question.order]);
  return cursorText([position.timestamp, position.id, scope]);
}

/**
 * Reads a cursor of the same filter and order; adds a finding where it is not one, or names a
 * position outside of the filter's range.
 */
export function readCursor(
  value: unknown,
  { filter, order }: Pick<ListQuestion, "filter" | "order">,
  findings: Findings,
): Position | undefined {
  if (value === undefined) return undefined;
  const [timestamp, id, of, ...others] = partsOfCursor(value);
  const isOwn = of === scopeOf([filter, order]) && others.length === 0;
  if (isOwn && isInstant(timestamp) && isIdPart(id) && isAround(filter, timestamp)) {
    return { timestamp, id };
  }
  findings.push({
    pointer: "cursor",
    code: "cursor",
    message: "cursor must be a nextCursor of the same filters and order",
  });
  return undefined;
}

/** Whether an instant is in a range, or at its end. */
function isAround({ from = -Infinity, to = Infinity }: OpenFilter, instant: number): boolean {
  return instant >= from && instant <= to;
}
