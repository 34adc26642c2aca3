import type { ProjectId } from "../event/event.ts";
import { scopes, type Scope } from "../keys/configured.ts";
import type { Actor } from "./audit-log.ts";
import { readBody } from "./reading/body.ts";
import { described, fieldOf, instant, needed, whole } from "./reading/field.ts";

/** A key as the API shows it: never the key itself. */
export interface ShownKey {
  readonly id: string;
  readonly name: string;
  readonly scopes: readonly Scope[];
  /** The first characters of the key. */
  readonly hint: string;
  readonly state: "holds" | "expired" | "revoked";
  /** RFC 3339. */
  readonly createdAt: string;
  /** The key is invalid from then on. */
  readonly expiresAt: string | null;
  /** To within ten minutes; `null` where the key was not used yet. */
  readonly lastUsedAt: string | null;
  /** The id of the key that this one replaces. */
  readonly replaces?: string;
}

/** The answer to the creation of a key, given once. */
export interface GivenKey extends ShownKey {
  /** The key's text, which is stored nowhere. */
  readonly key: string;
}

/** The rights of the caller. Showing them needs no scope. */
export interface ShownCaller {
  /**
   * `key`: created by the service; `configured`: one of `API_KEYS`; `open`: the service needs no
   * key.
   */
  readonly kind: (typeof callerKinds)[number];
  readonly project: string;
  readonly scopes: readonly Scope[];
  /** The id in the list of keys; only of a created key. */
  readonly id?: string;
  readonly name?: string;
  /** RFC 3339; `null`: the key does not expire. */
  readonly expiresAt: string | null;
}

export const callerKinds = ["key", "configured", "open"] as const;

/** A caller as the gateway identified it. */
interface Caller {
  readonly project: ProjectId;
  readonly scopes: ReadonlySet<Scope>;
  readonly actor: Actor;
  readonly endsAt?: number;
}

export function callerShown({ project, scopes: granted, actor, endsAt }: Caller): ShownCaller {
  const { kind, id, name: named } = actor;
  return {
    kind: kind === "node" ? "open" : kind,
    project,
    scopes: scopes.filter((scope) => granted.has(scope)),
    ...(kind === "key" && { id, ...(named !== undefined && { name: named }) }),
    expiresAt: endsAt === undefined ? null : new Date(endsAt).toISOString(),
  };
}

const maxNameLength = 100;
const maxOverlapSeconds = 30 * 86_400;

const name = fieldOf<string>({
  rule: { type: "string", min: 1, max: maxNameLength },
  meaning: (value: string) => (/^[^\p{C}]+$/u.test(value) ? value : undefined),
  code: "name",
  message: (named) => `${named} must be a text of 1 to ${maxNameLength} visible characters`,
});

const granted = fieldOf<readonly Scope[]>({
  rule: {
    type: "array",
    min: 1,
    unique: true,
    items: { type: "enum", values: [...scopes] },
  },
  code: "scopes",
  message: (named) => `${named} must be a list of ${scopes.join(", ")}`,
});

const expiresAt = described(
  instant,
  "From then on the key does not hold; absent: until somebody revokes it",
);

/** The body of a request to create a key. */
export const keyBody = {
  name: needed(described(name, "What the key is for; no secret")),
  scopes: needed(granted),
  expiresAt,
};

/** The body of a request to replace a key by another. */
export const rotationBody = {
  overlapSeconds: described(
    whole({ min: 0, max: maxOverlapSeconds, otherwise: 86_400 }),
    "How long the old key still holds; no longer than it would have",
  ),
  expiresAt: described(
    instant,
    "Of the new key; absent: it holds for as long as the old one was made for",
  ),
};

export interface WantedKey {
  readonly name: string;
  readonly scopes: readonly Scope[];
  readonly expiresAt?: number;
}

export interface KeyRotation {
  readonly overlapMs: number;
  readonly expiresAt?: number;
}

/** @throws ServiceError VALIDATION with all findings, their pointers into the body */
export function readKeyBody(body: unknown, now: number): WantedKey {
  return readBody(body, keyBody, ({ name = "", scopes = [], expiresAt: ends }, findings) => {
    checkAhead(ends, now, findings);
    return { name, scopes, ...(ends !== undefined && { expiresAt: ends }) };
  });
}

/** @throws ServiceError VALIDATION with all findings, their pointers into the body */
export function readRotationBody(body: unknown, now: number): KeyRotation {
  return readBody(body, rotationBody, ({ overlapSeconds, expiresAt: ends }, findings) => {
    checkAhead(ends, now, findings);
    return { overlapMs: overlapSeconds * 1_000, ...(ends !== undefined && { expiresAt: ends }) };
  });
}

function checkAhead(
  ends: number | undefined,
  now: number,
  findings: Parameters<Parameters<typeof readBody>[2]>[1],
): void {
  if (ends === undefined || ends > now) return;
  findings.push({ pointer: "/expiresAt", code: "past", message: "expiresAt must lie ahead" });
}
