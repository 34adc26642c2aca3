import type { Finding } from "../errors.ts";
import type { AcceptedEvent, Json } from "../event/event.ts";
import type { PublicEvent } from "../event/public-event.ts";
import { acceptedOf } from "../event/schemas/held.ts";
import type { HeldEvent } from "../event/schemas/held.ts";
import type { PageShown } from "./lists/list.ts";
import {
  described,
  later,
  user,
  whole,
  type Findings,
  type Raw,
  readParameters,
} from "./reading/field.ts";
import { types } from "./reading/filter-parameters.ts";
import { cursorText, isIdPart, isInstant, partsOfCursor, scopeOf } from "./reading/cursor.ts";

/** An event in quarantine as a list shows it. */
export interface ShownQuarantined {
  readonly id: string;
  readonly type: string;
  /** The instant at which the event was received, RFC 3339. */
  readonly receivedAt: string;
  /** `replaying`: the event is on its way to the queue. */
  readonly state: "held" | "replaying";
  /** The version of its type's schema that it breaks. */
  readonly schemaVersion: number;
  /** How the event breaks its schema; empty where the event was mended and waits for its replay. */
  readonly findings: readonly Finding[];
}

/** An event in quarantine with its content, by the names that its sender uses. */
export interface ShownQuarantinedEvent extends ShownQuarantined {
  readonly event: Omit<PublicEvent, "receivedAt" | "project" | "context">;
}

export interface QuarantineAnswer {
  readonly data: readonly ShownQuarantined[];
  readonly page: PageShown;
}

/** The result of replaying events. */
export interface ReplayedEvents {
  readonly replayed: number;
  /** Events that still break their schema and stay in quarantine. */
  readonly broken: number;
  /** Present where more events may follow; the next request continues there. */
  readonly nextCursor: string | null;
}

const filterParameters = {
  type: types,
  userId: described(user, "Of metadata.userId, else of metadata.anonymousId"),
};
const cursor = described(
  later({ type: "string" }),
  "nextCursor of the page before; it holds for the same project and filter alone",
);

export const quarantineParameters = {
  ...filterParameters,
  limit: whole({ min: 1, max: 1_000, otherwise: 100 }),
  cursor,
};

export interface QuarantineQuestion {
  readonly limit: number;
  readonly types?: readonly string[];
  readonly userId?: string;
  readonly after?: { readonly receivedAt: number; readonly id: string };
  /** The scope that a cursor is valid for. */
  readonly scope: string;
}

/**
 * Reads the parameters of a list of quarantine.
 * @throws ServiceError VALIDATION naming each parameter that is wrong and what is allowed
 */
export function readQuarantineQuestion(raw: Raw, project: string): QuarantineQuestion {
  return readParameters(raw, quarantineParameters, (values, findings) => {
    const { limit, type, userId } = values;
    const scope = scopeOf(["quarantine", project, type ?? null, userId ?? null]);
    const after = readCursor(values.cursor, scope, findings);
    return {
      limit,
      scope,
      ...(type !== undefined && { types: type }),
      ...(userId !== undefined && { userId }),
      ...(after !== undefined && { after }),
    };
  });
}

/** The cursor of the page after an event. */
export function quarantineCursor(
  { receivedAt, id }: Pick<AcceptedEvent, "receivedAt" | "id">,
  scope: string,
): string {
  return cursorText([receivedAt, id, scope]);
}

function readCursor(
  given: unknown,
  scope: string,
  findings: Findings,
): QuarantineQuestion["after"] {
  if (given === undefined) return undefined;
  const [receivedAt, id, of, ...others] = partsOfCursor(given);
  const isOwn = of === scope && others.length === 0;
  if (isOwn && isInstant(receivedAt) && isIdPart(id)) return { receivedAt, id };
  const message = "cursor must be a nextCursor of the same question";
  findings.push({ pointer: "cursor", code: "cursor", message });
  return undefined;
}

export function shownQuarantined(held: HeldEvent, isReplaying: boolean): ShownQuarantined {
  const { event, version, findings } = held;
  return {
    id: event.id,
    type: event.type,
    receivedAt: new Date(event.receivedAt).toISOString(),
    state: isReplaying ? "replaying" : "held",
    schemaVersion: version,
    findings,
  };
}

/** The event in quarantine as its sender would send it. */
export function sentEvent(held: HeldEvent): ShownQuarantinedEvent["event"] {
  const { id, type, data, timestamp, source, correlationId, metadata } = acceptedOf(held);
  return {
    id,
    type,
    ...(data !== undefined && { data }),
    timestamp: new Date(timestamp).toISOString(),
    source,
    ...(correlationId !== undefined && { correlationId }),
    ...(metadata !== undefined && { metadata }),
  };
}

/**
 * Applies a merge patch to a target (RFC 7396). It recurses as deep as the patch, which its reader
 * bounds.
 */
export function mergePatch(target: Json | undefined, patch: Json): Json {
  if (typeof patch !== "object" || patch === null || isList(patch)) return patch;
  const merged = new Map<string, Json>(
    typeof target === "object" && target !== null && !isList(target) ? Object.entries(target) : [],
  );
  for (const [name, value] of Object.entries(patch)) {
    if (value === null) merged.delete(name);
    else merged.set(name, mergePatch(merged.get(name), value));
  }
  return Object.fromEntries(merged);
}

function isList(value: Json): value is readonly Json[] {
  return Array.isArray(value);
}
