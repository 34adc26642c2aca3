import type { ErrorType } from "../../lib/errors.ts";
import type { EventInput, Finding, ProblemBody } from "./answers.ts";

/** The kinds of problems that the service answers with: `outcome-unknown`, `too-many-requests`, ... */
export type ProblemKind = Kebab<ErrorType>;

type Kebab<Name extends string> = Name extends `${infer Head}_${infer Tail}`
  ? `${Lowercase<Head>}-${Kebab<Tail>}`
  : Lowercase<Name>;

/** Whatever goes wrong between this client and the service. An abort is no such error: it throws the signal's reason. */
export class AnalyticsError extends Error {
  override readonly name: string = "AnalyticsError";
}

/** The service, or something before it, answered that it will not do it. */
export class ProblemError extends AnalyticsError {
  override readonly name = "ProblemError";
  readonly status: number;
  /** `other` where the answer was no problem of the service: a proxy's page, for example. */
  readonly kind: ProblemKind | "other";
  /** As it was answered (RFC 9457). */
  readonly problem: ProblemBody;
  /** How long the service asks to wait before the next attempt. */
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

  /** What is wrong, thing by thing. */
  get findings(): readonly Finding[] {
    return this.problem.errors ?? [];
  }
}

/** No answer came. What was sent may have arrived or not. */
export class ConnectionError extends AnalyticsError {
  override readonly name = "ConnectionError";
}

/**
 * Events were not confirmed. Those in `events` may be stored or not; send these again, they have ids by now, and each
 * counts once. `cause` is what the last attempt met with.
 */
export class SendError extends AnalyticsError {
  override readonly name = "SendError";
  readonly events: readonly (EventInput & { readonly id: string })[];
  /** How many others of the same call were accepted. */
  readonly accepted: number;

  constructor(
    events: readonly (EventInput & { readonly id: string })[],
    accepted: number,
    cause: AnalyticsError,
  ) {
    super(`${events.length} events are not confirmed: ${cause.message}`, { cause });
    this.events = events;
    this.accepted = accepted;
  }
}

function textOf({ status, title, detail, errors = [] }: ProblemBody): string {
  const findings = errors.map(({ pointer, message }) =>
    pointer === "" ? message : `${pointer}: ${message}`,
  );
  return [`${status} ${title}`, ...(detail === undefined ? [] : [detail]), ...findings].join("; ");
}
