import { hash } from "node:crypto";
import type { ApiKey, Scope } from "../api-keys.ts";
import { defaultProject, type ProjectId } from "../event/event.ts";
import { ServiceError } from "../errors.ts";
import type { Actor } from "../questions/audit-log.ts";

/** Who asks: a key's project and what it may do. */
export interface Identity {
  readonly project: ProjectId;
  readonly scopes: ReadonlySet<Scope>;
  /** Tells keys apart without being one; absent where there are none. */
  readonly caller?: string;
  /** Who it is in the audit log. */
  readonly actor: Actor;
}

const everyone: Identity = {
  project: defaultProject,
  scopes: new Set(["events:write", "events:read", "live:read", "admin"]),
  actor: { kind: "open", id: "" },
};

/**
 * Tells who asks by the request's key: `Authorization: Bearer`, `X-Api-Key`, or Basic with the key as
 * user name. Keys are compared by their SHA-256, so the time taken says nothing about a key.
 * Without any configured key everyone is the project `default`.
 */
export class Keyring {
  readonly #bySha256: ReadonlyMap<string, Identity>;

  constructor(keys: readonly ApiKey[]) {
    this.#bySha256 = new Map(
      keys.map(({ sha256, project, scopes }, i) => [
        sha256,
        {
          project,
          scopes,
          caller: sha256.slice(0, 32),
          actor: { kind: "configured", id: `API_KEYS:${i + 1}` },
        },
      ]),
    );
  }

  /**
   * @param rawHeaders as they came, names and values in turn: Node keeps only the first of two `Authorization`
   * @throws ServiceError MALFORMED where there are two keys, UNAUTHORIZED without a known one (UnknownKey where there is one),
   * FORBIDDEN where the key lacks the scope
   */
  identify(rawHeaders: readonly string[], scope: Scope): Identity {
    if (this.#bySha256.size === 0) return everyone;
    const key = keyIn(rawHeaders);
    if (key === undefined) throw new ServiceError("UNAUTHORIZED", "Send a key");
    const identity = this.#bySha256.get(hash("sha256", key));
    if (identity === undefined) throw new UnknownKey();
    if (!identity.scopes.has(scope))
      throw new ServiceError("FORBIDDEN", `The key lacks the scope ${scope}`);
    return identity;
  }
}

/** A key that nobody has. */
export class UnknownKey extends ServiceError {
  constructor() {
    super("UNAUTHORIZED", "The key is not known");
  }
}

/** @throws ServiceError MALFORMED where keys differ: nobody could tell which one was meant */
function keyIn(rawHeaders: readonly string[]): string | undefined {
  let found: string | undefined;
  for (let at = 0; at < rawHeaders.length; at += 2) {
    const key = keyOf(rawHeaders[at]!, rawHeaders[at + 1]!);
    if (key === undefined || key === found) continue;
    if (found !== undefined) throw new ServiceError("MALFORMED", "Two different keys were sent");
    found = key;
  }
  return found;
}

const credentials = /^(bearer|basic) +(\S+)$/i;

function keyOf(name: string, value: string): string | undefined {
  // Most fields are told by their length alone: this is asked of every field of every request.
  if (name.length === 9 && name.toLowerCase() === "x-api-key") return value || undefined;
  if (name.length !== 13 || name.toLowerCase() !== "authorization") return undefined;
  const [, scheme, text = ""] = credentials.exec(value) ?? [];
  if (scheme?.toLowerCase() !== "basic") return text || undefined;
  return Buffer.from(text, "base64").toString().split(":", 1)[0] || undefined;
}
