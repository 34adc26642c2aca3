import type { ErrorType } from "../../lib/errors.ts";
import type { EventInput, Finding, ItemError, ProblemBody } from "./answers.ts";

/** The kinds of problems that the service answers with: `outcome-unknown`, `too-many-requests`, ... */
export type ProblemKind = Kebab<ErrorType>;

type Kebab<Name extends string> = Name extends `${infer Head}_${infer Tail}`
  ? `${Lowercase<Head>}-${Kebab<Tail>}`
  : Lowercase<Name>;

/**
 * Any error between this client and the service. An abort is not one: it throws the signal's
 * reason.
 */
export class AnalyticsError extends Error {
  override readonly name: string = "AnalyticsError";
}

/** The service, or a proxy before it, refused the request. */
export class ProblemError extends AnalyticsError {
  override readonly name = "ProblemError";
  readonly status: number;
  /** `other` where the answer is no problem of the service: a proxy's page, for example. */
  readonly kind: ProblemKind | "other";
  /** The answer's problem (RFC 9457). */
  readonly problem: ProblemBody;
  /** The wait before the next attempt that the service asks for. */
  readonly retryAfterMs: number | undefined;

  constructor(problem: ProblemBody, retryAfterMs?: number) {
    super(textOf(problem));
    this.status = problem.status;
    const prefix = "/problems/";
    this.kind = problem.type.startsWith(prefix)
      ? (problem.type.slice(prefix.length) as ProblemKind)
      : "other";
    this.problem = problem;
    this.retryAfterMs = retryAfterMs;
  }

  /** What is wrong, one by one. */
  get findings(): readonly Finding[] {
    return this.problem.errors ?? [];
  }
}

/** No answer of the service came. The request may have arrived or not. */
export class ConnectionError extends AnalyticsError {
  override readonly name = "ConnectionError";
}

/** An event that the service refuses, and why. Sending it again would not help. */
export interface Rejection {
  /** Its place among the events that were sent. */
  readonly index: number;
  readonly id: string;
  readonly error: ItemError;
}

/**
 * Events were not confirmed. Those in `events` may be stored or not; send these again: they have
 * ids, so each counts once. `cause` is the error of the last attempt.
 */
export class SendError extends AnalyticsError {
  override readonly name = "SendError";
  readonly events: readonly (EventInput & { readonly id: string })[];
  /** How many other events of the same call were accepted. */
  readonly accepted: number;
  /** The other events of the same call: those that the service refuses. */
  readonly rejected: readonly Rejection[];

  constructor(
    events: readonly (EventInput & { readonly id: string })[],
    { accepted, rejected }: Pick<SendError, "accepted" | "rejected">,
    cause: AnalyticsError,
  ) {
    super(`${events.length} events are not confirmed: ${cause.message}`, { cause });
    this.events = events;
    this.accepted = accepted;
    this.rejected = rejected;
  }
}

function textOf({ status, title, detail, errors = [] }: ProblemBody): string {
  const findings = errors.map(({ pointer, message }) =>
    pointer === "" ? message : `${pointer}: ${message}`,
  );
  // The detail of a single finding repeats it.
  const isSaid = errors.some(({ message }) => message === detail);
  const own = detail === undefined || isSaid ? [] : [detail];
  return [`${status} ${title}`, ...own, ...findings].join("; ");
}
