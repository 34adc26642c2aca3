import type { JsonObject } from "./answers.ts";

/** An instant: RFC 3339, epoch milliseconds, or a Date. */
export type Instant = string | number | Date;

export type ParameterValue = string | number | boolean | Date;

/** One value of a parameter, or several of which any may match; an empty list is a TypeError. */
export type Parameter = ParameterValue | readonly ParameterValue[];

/** A property of events: `data.plan`, `metadata.userId`, `context.country`, `data["http.status"]`, `data.tags[]`. */
export type PropertyName =
  | `${"data" | "metadata" | "context"}${"." | "["}${string}`
  | `${"timestamp" | "receivedAt"}[${string}]`;

/** Conditions as parameters: `{"data.plan": "pro", "data.amount[gte]": 10}`. Several are joined by and. */
export type PropertyFilters = { readonly [Name in PropertyName]?: Parameter };

/** Relative to now, on the calendar of the question's zone. */
export type RelativeRange =
  | `${number}${"d" | "h" | "m"}`
  | ("today" | "yesterday" | "this_week" | "last_week" | "this_month" | "last_month")
  | ("month_to_date" | "this_year" | "all");

/** A range as parameters: its ends, or `range`, not both. */
export interface RangeParameters {
  readonly from?: Instant;
  readonly to?: Instant;
  readonly range?: RelativeRange;
  /** An IANA name; UTC by default. */
  readonly timezone?: string;
}

/** Selects the events of a list, an export or a stream. */
export interface EventFilters extends PropertyFilters, RangeParameters {
  readonly type?: string | readonly string[];
  readonly source?: string | readonly string[];
  readonly correlationId?: string;
  readonly userId?: string | number;
  readonly bot?: "include" | "exclude" | "only";
}

/** Selects the events to erase: a list's filters, with instants as ends. */
export interface ErasureFilters extends Omit<EventFilters, "range" | "timezone"> {
  /** Required without a filter: erases every event of the project. */
  readonly confirm?: "all";
}

/** A key to create. */
export interface KeyToGive {
  /** What the key is for; no secret. */
  readonly name: string;
  readonly scopes: readonly ("events:write" | "events:read" | "live:read" | "admin")[];
  /** The end of its validity; absent: valid until somebody revokes it. */
  readonly expiresAt?: string | number;
}

/** What events of a type are to look like, and what becomes of one that does not. */
export interface SchemaToPut {
  /** `observe` counts such an event, `warn` tells it besides, `enforce` keeps it apart. */
  readonly mode: "observe" | "warn" | "enforce";
  /** JSON Schema, draft 2020-12, of the event. */
  readonly schema: JsonObject;
}

export interface QuarantineQuestion {
  readonly type?: string | readonly string[];
  readonly userId?: string;
  /** Events a page: 1 to 1,000, by default 100. */
  readonly limit?: number;
  readonly cursor?: string;
}

type Age = `${number}d` | null;

/** How old events and counts become: `30d`, or `null` for ever, which holds for what is not named. */
export interface RetentionToPut {
  readonly events?: Age;
  readonly minutes?: Age;
  readonly hours?: Age;
  readonly days?: Age;
  /** Events of some types, in the place of `events`. */
  readonly types?: Readonly<Record<string, Age>>;
}

export interface AuditToBegin {
  readonly from?: Instant;
  readonly to?: Instant;
  /** By default true. */
  readonly repair?: boolean;
}

export interface RebuildToBegin {
  readonly from: Instant;
  readonly to: Instant;
}

export interface ListQuestion extends EventFilters {
  /** Only these properties, besides the id. */
  readonly fields?: readonly string[];
  /** By time; the newest first by default. */
  readonly order?: "asc" | "desc";
  /** Events a page: 1 to 1,000, by default 100. */
  readonly limit?: number;
  readonly cursor?: string;
  /** How many there are in all. */
  readonly include?: "total";
}

export interface ExportQuestion extends EventFilters {
  readonly fields?: readonly string[];
  /** By time; the oldest first by default. */
  readonly order?: "asc" | "desc";
}

export interface StreamQuestion extends EventFilters {
  readonly fields?: readonly string[];
}

export interface StoryQuestion {
  readonly limit?: number;
  readonly cursor?: string;
}

export interface CountsQuestion extends RangeParameters {
  readonly type?: string | readonly string[];
  readonly source?: string | readonly string[];
  /** A point for each period, with 0 where nothing happened. */
  readonly interval?: "minute" | "hour" | "day" | "week" | "month";
  /** A dimension that is rolled up. */
  readonly groupBy?: string;
  readonly limit?: number;
  readonly cursor?: string;
}

export interface TypesQuestion extends RangeParameters {
  /** Types at most; by default 100. */
  readonly limit?: number;
}

export interface PropertiesQuestion extends RangeParameters {
  readonly type?: string | readonly string[];
  readonly limit?: number;
}

export interface ValuesQuestion extends RangeParameters {
  readonly property: string;
  readonly type?: string | readonly string[];
  /** Only values that have this text somewhere, in any case. */
  readonly search?: string;
  readonly limit?: number;
}

export interface MailQuestion extends PropertyFilters, RangeParameters {
  readonly source?: string | readonly string[];
  readonly correlationId?: string;
  readonly userId?: string | number;
  /** `campaignId`, `templateId`, `emailProvider`, or a path into `data` or `metadata`. */
  readonly groupBy?: string;
  /**
   * Whether the range selects mails by when they were sent, or by any of their events (default).
   */
  readonly mails?: "active" | "sent";
  readonly limit?: number;
}

type Scalar = string | number | boolean | null;

/** A condition, or several joined. Values keep their types: 10 is not "10". */
export type Filter =
  | readonly ["and" | "or", ...Filter[]]
  | readonly ["not", Filter]
  | readonly ["is" | "is_not", string, Scalar | readonly Scalar[]]
  | readonly ["contains" | "starts_with", string, string]
  | readonly ["gt" | "gte" | "lt" | "lte", string, string | number]
  | readonly ["exists", string, boolean]
  | readonly ["shown_as", string, string | readonly string[]];

/** Half open; a missing end reaches as far as there are events. Or relative to now. */
export type Range =
  | { readonly from?: Instant; readonly to?: Instant }
  | { readonly last: `${number}${"d" | "h" | "m"}` }
  | Exclude<RelativeRange, `${number}${string}`>;

type OfNumbers = "sum" | "avg" | "min" | "max" | "p50" | "p75" | "p90" | "p95" | "p99";
export type Metric = "count" | "uniques" | `${OfNumbers}:${string}`;

export interface QueryQuestion {
  /** By default `count`. */
  readonly metrics?: readonly Metric[];
  /** `type`, `source`, `correlationId`, a property, and one `time:day` or its like. */
  readonly dimensions?: readonly string[];
  readonly filters?: Filter;
  readonly range?: Range;
  readonly timezone?: string;
  readonly orderBy?: readonly (readonly [column: string, direction?: "asc" | "desc"])[];
  readonly limit?: number;
  readonly cursor?: string;
  readonly fill?: boolean;
  readonly include?: readonly ("totals" | "explain")[];
  readonly compare?: "previous_period";
}

/** Events of a type, filtered. */
export interface Selection {
  readonly type: string;
  readonly filters?: Filter;
}

type Actor = "user" | "correlationId" | "session";

export interface FunnelQuestion {
  /** 2 to 10. */
  readonly steps: readonly Selection[];
  /** All of an attempt lies within it: `3600s`, `90m`, `24h`, `7d`. */
  readonly window?: `${number}${"s" | "m" | "h" | "d"}`;
  readonly by?: Actor;
  readonly breakdown?: string;
  readonly range?: Range;
  /** The zone of a relative range: an IANA name; UTC by default. */
  readonly timezone?: string;
  /** Whether each step must be later than the one before, not of the same instant. */
  readonly strictlyLater?: boolean;
}

export interface RetentionQuestion {
  /** The events that put a user into a cohort; absent: any. */
  readonly first?: Partial<Selection>;
  /** The events that count as a return; absent: any. */
  readonly returning?: Partial<Selection>;
  /** By default `day`. */
  readonly interval?: "day" | "week" | "month";
  readonly timezone?: string;
  readonly by?: Actor;
  readonly breakdown?: string;
  readonly range?: Range;
}

export interface PathsQuestion {
  readonly after: Selection;
  /** 1 to 5 types, by default 3. */
  readonly length?: number;
  readonly by?: Actor;
  readonly limit?: number;
  readonly range?: Range;
  /** The zone of a relative range: an IANA name; UTC by default. */
  readonly timezone?: string;
}

/** A question to save, in the form of a request. */
export type QuestionToSave = {
  readonly description?: string;
  /** How it is shown: up to 2 KB of JSON; the service never reads it. */
  readonly view?: JsonObject;
} & (
  | { readonly kind: "counts"; readonly question: CountsQuestion }
  | { readonly kind: "mail"; readonly question: MailQuestion }
  | { readonly kind: "run"; readonly question: QueryQuestion }
  | { readonly kind: "funnel"; readonly question: FunnelQuestion }
  | { readonly kind: "retention"; readonly question: RetentionQuestion }
  | { readonly kind: "paths"; readonly question: PathsQuestion }
);

/**
 * A text as one step of an address. @throws TypeError for an empty text, `.` and `..`: no URL has such
 * a step (WHATWG URL, 4.4), so that the address would be another one
 */
export function pathStep(text: string): string {
  if (/^\.{0,2}$/.test(text)) {
    throw new TypeError(`${JSON.stringify(text)} cannot be a step of an address`);
  }
  return encodeURIComponent(text);
}

/**
 * A question as the query string of an address, with its `?`; empty where it has no parameters.
 * @throws TypeError for an empty list, which a query string cannot hold: it would select everything
 */
export function queryString(question: object): string {
  const pairs = Object.entries(question).flatMap(([name, value]: [string, unknown]) => {
    if (value === undefined) return [];
    // Names with a comma would need quotes in a list, so each name is a parameter of its own.
    const values: readonly unknown[] = Array.isArray(value) ? value : [value];
    if (values.length === 0) throw new TypeError(`${name} is an empty list`);
    return values.map((one): [string, string] => [name, written(one)]);
  });
  return pairs.length === 0 ? "" : `?${new URLSearchParams(pairs).toString()}`;
}

function written(value: unknown): string {
  return value instanceof Date ? value.toISOString() : String(value);
}
