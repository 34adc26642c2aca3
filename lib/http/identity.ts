import { hash } from "node:crypto";
import type { IncomingHttpHeaders } from "node:http";
import type { ApiKey, Scope } from "../api-key.ts";
import { defaultProject } from "../contracts.ts";
import { ServiceError } from "../errors.ts";
import type { ProjectId } from "../event/event.ts";

/** Who asks: a key's project and what it may do. */
export interface Identity {
  readonly project: ProjectId;
  readonly scopes: ReadonlySet<Scope>;
  /** Tells keys apart without being one; absent where there are none. */
  readonly caller?: string;
}

const everyone: Identity = {
  project: defaultProject,
  scopes: new Set(["events:write", "events:read", "live:read", "admin"]),
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
      keys.map(({ sha256, project, scopes }) => [
        sha256,
        { project, scopes, caller: sha256.slice(0, 32) },
      ]),
    );
  }

  /** @throws ServiceError UNAUTHORIZED without a known key, FORBIDDEN where the key lacks the scope */
  identify(headers: IncomingHttpHeaders, scope: Scope): Identity {
    if (this.#bySha256.size === 0) return everyone;
    const key = keyIn(headers);
    const identity = key === undefined ? undefined : this.#bySha256.get(hash("sha256", key));
    if (identity === undefined) {
      throw new ServiceError(
        "UNAUTHORIZED",
        key === undefined ? "Send a key" : "The key is not known",
      );
    }
    if (!identity.scopes.has(scope))
      throw new ServiceError("FORBIDDEN", `The key lacks the scope ${scope}`);
    return identity;
  }
}

function keyIn(headers: IncomingHttpHeaders): string | undefined {
  const own = headers["x-api-key"];
  if (typeof own === "string" && own !== "") return own;
  const [scheme, credentials] = headers.authorization?.split(" ", 2) ?? [];
  if (credentials === undefined || credentials === "") return undefined;
  if (scheme?.toLowerCase() === "bearer") return credentials;
  if (scheme?.toLowerCase() !== "basic") return undefined;
  return Buffer.from(credentials, "base64").toString().split(":", 1)[0];
}
