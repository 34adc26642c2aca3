import type { IncomingHttpHeaders } from "node:http";
import type { EventOutcome, Receipt } from "../event/receipt.ts";
import { ServiceError } from "../errors.ts";
import type { ItemResult } from "../event/admit.ts";
import { errorOfItem } from "./problem.ts";
import { readQueryString } from "./query-string.ts";

/** An answer to a collecting request, ready to be sent. */
export interface RouteAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** Which results of a batch the answer lists. */
type ResultsChoice = "errors" | "all";

const longestWaitSeconds = 30;

/**
 * How long the client wants to wait for the event to be stored: `Prefer: wait=N` (RFC 7240), in
 * milliseconds, at most 30 s; `undefined` where it does not say.
 */
export function waitOf(headers: IncomingHttpHeaders): number | undefined {
  const prefer = headers["prefer"];
  if (prefer === undefined) return undefined;
  const seconds = /(?:^|[,;\s])wait\s*=\s*"?(\d{1,6})"?(?=$|[,;\s])/i.exec(String(prefer))?.[1];
  return seconds === undefined ? undefined : Math.min(Number(seconds), longestWaitSeconds) * 1_000;
}

/**
 * Reads the query string of a collecting request. A single event takes none, a batch takes
 * `results`.
 * @throws ServiceError VALIDATION for any other parameter or value; MALFORMED as `readQueryString`
 *   does
 */
export function readResultsChoice(
  search: string,
  allowed: readonly ResultsChoice[],
): ResultsChoice | undefined {
  if (search === "") return undefined;
  let choice: ResultsChoice | undefined;
  for (const [name, value] of Object.entries(readQueryString(search))) {
    choice = name === "results" ? allowed.find((known) => known === value) : undefined;
    if (choice !== undefined) continue;
    const message =
      allowed.length === 0
        ? "this route takes no parameters"
        : `this route takes results=${allowed.join("|")}`;
    throw new ServiceError("VALIDATION", undefined, {
      errors: [
        { pointer: name, code: name === "results" ? "choice" : "unknown_parameter", message },
      ],
    });
  }
  return choice;
}

const outcomes = {
  pending: { status: 202, name: "accepted" },
  stored: { status: 201, name: "stored" },
  quarantined: { status: 202, name: "quarantined" },
  duplicate: { status: 200, name: "duplicate" },
} as const satisfies Partial<Record<EventOutcome, object>>;

/**
 * The answer about one event.
 * @throws ServiceError where it was rejected, or its id turned out to be another event's
 */
export function eventAnswer(
  { results, outcomes: byId }: Pick<Receipt, "results" | "outcomes">,
  waitMs?: number,
): RouteAnswer {
  const [result] = results;
  if (result === undefined) throw new ServiceError("INTERNAL");
  if (result.status === "rejected") throw errorOfItem(result.error);
  const outcome = byId?.[result.id] ?? "pending";
  if (outcome === "conflict") {
    throw new ServiceError("ID_CONFLICT", "An event with this id and other content is stored");
  }
  const { status, name } = outcomes[outcome];
  const receivedAt = new Date(result.receivedAt).toISOString();
  // Ids need no escapes in JSON.
  const body = `{"id":"${result.id}","status":"${name}","receivedAt":"${receivedAt}"}`;
  return {
    status,
    headers: {
      "Content-Type": "application/json; charset=utf-8",
      "Content-Length": String(body.length),
      Location: `/api/v1/events/${encodeURIComponent(result.id)}`,
      ...(waitMs !== undefined && { "Preference-Applied": `wait=${waitMs / 1_000}` }),
    },
    body,
  };
}

/** The answer about a batch: 202 where all were accepted, 207 where some, 422 where none. */
export function batchAnswer(results: readonly ItemResult[], choice: ResultsChoice): RouteAnswer {
  const rejected = results.filter(({ status }) => status === "rejected").length;
  const accepted = results.length - rejected;
  const status = rejected === 0 ? 202 : accepted === 0 ? 422 : 207;
  const listed =
    choice === "all" ? results : results.filter((result) => result.status === "rejected");
  const body = Buffer.from(JSON.stringify({ accepted, rejected, results: listed.map(itemOf) }));
  return {
    status,
    headers: {
      "Content-Type": "application/json; charset=utf-8",
      "Content-Length": String(body.length),
    },
    body: body.toString(),
  };
}

function itemOf(result: ItemResult): object {
  return result.status === "rejected"
    ? result
    : { ...result, receivedAt: new Date(result.receivedAt).toISOString() };
}
