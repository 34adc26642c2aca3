import type { PageShown } from "./lists/list.ts";
import {
  described,
  later,
  whole,
  type Findings,
  type Raw,
  readParameters,
} from "./reading/field.ts";
import { cursorText, isIdPart, partsOfCursor, scopeOf } from "./reading/cursor.ts";

/** The acts that the audit log records, as `thing.verb`. */
export const actKinds = [
  "keys.create",
  "keys.rotate",
  "keys.revoke",
  "queries.save",
  "queries.remove",
  "events.erase",
  "counts.audit",
  "rollups.rebuild",
  "rollups.repair",
  "schemas.put",
  "schemas.remove",
  "quarantine.patch",
  "quarantine.drop",
  "quarantine.replay",
  "retention.set",
  "dead-letters.replay",
  "dead-letters.remove",
] as const;
export type ActKind = (typeof actKinds)[number];

/**
 * Who acts: a created key (its id); a key of `API_KEYS` (its place there); anybody, where the
 * service is open; or a node on the bus (its id).
 */
export const actorKinds = ["key", "configured", "open", "node"] as const;
export interface Actor {
  readonly kind: (typeof actorKinds)[number];
  readonly id: string;
  /** The name of a key. */
  readonly name?: string;
}

/** `begun`: the outcome is unknown, and the answer said so. */
export const outcomes = ["begun", "done", "failed"] as const;
export type ActOutcome = (typeof outcomes)[number];

/** An administrative act as the API shows it. */
export interface ShownAct {
  readonly id: string;
  /** RFC 3339. */
  readonly at: string;
  readonly actor: Actor;
  readonly what: ActKind;
  readonly target: string;
  readonly details: Readonly<Record<string, unknown>>;
  readonly requestId?: string;
  readonly outcome: ActOutcome;
}

/** The answer to `GET /api/v1/audit-log`: a page of acts, the newest first. */
export interface AuditLog {
  readonly data: readonly ShownAct[];
  readonly page: PageShown;
}

export const auditLogParameters = {
  limit: whole({ min: 1, max: 1_000, otherwise: 100 }),
  cursor: described(
    later({ type: "string" }),
    "nextCursor of the page before; it holds for the same project alone",
  ),
};

export interface AuditLogQuestion {
  readonly limit: number;
  /** The id of the last act of the page before. */
  readonly before?: string;
}

/** @throws ServiceError VALIDATION naming each parameter that is wrong and what is allowed */
export function readAuditLogQuestion(raw: Raw, project: string): AuditLogQuestion {
  return readParameters(raw, auditLogParameters, ({ limit, cursor }, findings) => {
    const before = readCursor(cursor, project, findings);
    return { limit, ...(before !== undefined && { before }) };
  });
}

/** The cursor of the page that follows an act. */
export function auditLogCursor(id: string, project: string): string {
  return cursorText([id, scope(project)]);
}

function readCursor(cursor: unknown, project: string, findings: Findings): string | undefined {
  if (cursor === undefined) return undefined;
  const [id, of, ...others] = partsOfCursor(cursor);
  const isOwn = of === scope(project) && others.length === 0;
  if (isOwn && isIdPart(id) && id !== "") return id;
  const message = "cursor must be a nextCursor of the same project's audit log";
  findings.push({ pointer: "cursor", code: "cursor", message });
  return undefined;
}

function scope(project: string): string {
  return scopeOf(["audit-log", project]);
}
