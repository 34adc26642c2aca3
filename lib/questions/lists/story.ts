import type { AnswerMeta } from "../answer-meta.ts";
import { publicEvent, type PublicEvent } from "../../event/public-event.ts";
import type { StoredEvent } from "../../event/event.ts";
import { described, required, text, type Raw, readParameters } from "../reading/field.ts";
import { filterOfParameters } from "../reading/filter-parameters.ts";
import {
  listCursor,
  listParameters,
  readCursor,
  type ListQuestion,
  type PageShown,
} from "./list.ts";

/**
 * The answer of `GET /api/v1/stories/:correlationId`: one page of the events under a correlation
 * id.
 */
export interface StoryAnswer {
  readonly correlationId: string;
  /** By timestamp, then id. */
  readonly data: readonly StoryEvent[];
  readonly page: PageShown;
  readonly meta: AnswerMeta;
}

export interface StoryEvent extends PublicEvent {
  /** The time since the story's first event. */
  readonly sinceFirstMs: number;
  /**
   * The time since the event before it, even where that is on the page before; `null` for the first
   * event of all.
   */
  readonly sincePreviousMs: number | null;
}

/** The parameters of a story. */
export const storyParameters = {
  correlationId: required(
    described(text, "Whose story it is"),
    "correlationId is required: whose story it is",
  ),
  limit: listParameters.limit,
  cursor: listCursor,
};

/**
 * Reads the parameters of a story: a list of one correlation's events, ascending.
 * @throws ServiceError VALIDATION naming each parameter that is wrong and what is allowed
 */
export function readStoryQuestion(raw: Raw): ListQuestion & { readonly correlationId: string } {
  return readParameters(raw, storyParameters, ({ correlationId = "", limit, cursor }, findings) => {
    const filter = filterOfParameters({ correlationId }, {}, findings);
    const order = "asc" as const;
    const after = readCursor(cursor, { filter, order }, findings);
    return { filter, order, limit, after, total: false, correlationId };
  });
}

/**
 * Events of one story, ascending, with the times between them.
 * @param first the instant of the story's first event
 * @param previous the instant of the event before these; absent where there is none
 */
export function storyEvents(
  events: readonly StoredEvent[],
  first: number,
  previous?: number,
): readonly StoryEvent[] {
  return events.map((event, i) => {
    const before = events[i - 1]?.timestamp ?? previous;
    return {
      ...publicEvent(event),
      sinceFirstMs: event.timestamp - first,
      sincePreviousMs: before === undefined ? null : event.timestamp - before,
    };
  });
}
