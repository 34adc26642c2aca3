/** Any value that JSON can carry. */
export type Json =
  string | number | boolean | null | readonly Json[] | { readonly [key: string]: Json };

export type JsonObject = { readonly [key: string]: Json };

/** An event's identity within its project: 1-128 of `A-Za-z0-9._:@/+-`, none of `reservedIds`. */
export type EventId = string;

/** A batch's identity: a UUIDv7 that ingest fixes before the first publish. */
export type BatchId = string;

/** A project's name. Each key belongs to one project; open installations use `default`. */
export type ProjectId = string;

/** An event as a client sends it and `admit` accepts it. `null` counts as absent. */
export interface EventInput {
  readonly id?: EventId | null;
  readonly type: string;
  readonly data?: Json;
  /** RFC 3339 or epoch milliseconds. */
  readonly timestamp?: string | number | null;
  readonly source: string;
  readonly correlationId?: string | null;
  readonly metadata?: JsonObject | null;
}

/** An accepted event: its identity and instants are fixed, so a retry carries the same bytes. */
export interface AcceptedEvent {
  readonly id: EventId;
  readonly type: string;
  readonly data?: Json;
  /** When the event happened, epoch milliseconds. */
  readonly timestamp: number;
  readonly source: string;
  readonly correlationId?: string;
  readonly metadata?: JsonObject;
  /** When the event was accepted, epoch milliseconds. */
  readonly receivedAt: number;
  /**
   * True where the client gave no timestamp: the timestamp is then no part of the event's content.
   */
  readonly undated?: true;
  /**
   * The country of `metadata.ip`, looked up before the address was truncated; `null` where the
   * address is in no country. Absent where there is no address, and in messages of earlier
   * versions, which hold the whole address.
   */
  readonly country?: string | null;
}

/** The unit on the durable queue: 1-500 events of one project, no id twice. */
export interface BatchMessage {
  readonly batch: BatchId;
  readonly project: ProjectId;
  /** True where its events were released from quarantine: no schema judges them again. */
  readonly released?: true;
  readonly events: readonly AcceptedEvent[];
}

/** What enrichment found out about an event. A field that could not be determined is absent. */
export interface EventContext {
  readonly browser?: string;
  readonly browserVersion?: string;
  readonly os?: string;
  readonly device?: "desktop" | "mobile" | "tablet" | "tv" | "bot" | "other";
  /** True where the user agent is a crawler, a monitor or a script. */
  readonly bot?: boolean;
  /** True where a machine, not a person, opened or clicked a mail. */
  readonly machine?: boolean;
  /** ISO 3166-1 alpha-2, upper case. */
  readonly country?: string;
  readonly utm?: {
    readonly source?: string;
    readonly medium?: string;
    readonly campaign?: string;
    readonly term?: string;
    readonly content?: string;
  };
  readonly referrer?: "direct" | "internal" | "search" | "social" | "mail" | "other";
  readonly host?: string;
  readonly path?: string;
  /** For example `gmail`; the recipient's domain where the provider is not known. */
  readonly emailProvider?: string;
}

/** An event as it is stored: content, what enrichment found, and which batch owns it. */
export interface StoredEvent extends Omit<AcceptedEvent, "undated" | "country"> {
  readonly project: ProjectId;
  readonly context: EventContext;
  /** The batch that first stored it; never changes. */
  readonly batch: BatchId;
  /** Hash of the content that the client sent (`contentHash`): tells a repeat from a conflict. */
  readonly hash: string;
}

export const defaultProject: ProjectId = "default";

/**
 * The user of an event, for distinct counts: `metadata.userId`, else `metadata.anonymousId`; a text
 * that is not empty, or a number (7 and "7" are one user). `undefined` where it has neither.
 */
export function userOf(event: Pick<StoredEvent, "metadata">): string | undefined {
  const { metadata } = event;
  if (metadata === undefined) return undefined;
  return identity(metadata, "userId") ?? identity(metadata, "anonymousId");
}

function identity(metadata: object, key: string): string | undefined {
  if (!Object.hasOwn(metadata, key)) return undefined;
  const value = (metadata as Readonly<Record<string, unknown>>)[key];
  if (typeof value === "string") return value === "" ? undefined : value;
  return typeof value === "number" ? String(value) : undefined;
}
