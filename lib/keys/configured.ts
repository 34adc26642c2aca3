import { hash } from "node:crypto";

export const scopes = ["events:write", "events:read", "live:read", "admin"] as const;
export type Scope = (typeof scopes)[number];

/** The demand of an address on a key: a scope, or only that the key is valid. */
export type Needed = Scope | "any";

/** A configured key: its project and scopes. Only its SHA-256 is kept. */
export interface ApiKey {
  readonly sha256: string;
  readonly project: string;
  readonly scopes: ReadonlySet<Scope>;
}

/**
 * Visible ASCII: a header carries any other character differently from client to client. The user
 * name of Basic ends at a colon.
 */
const keyPattern = /^[\x21-\x39\x3b-\x7e]{16,}$/;

/**
 * Reads the entries of API_KEYS, each `KEY:PROJECT` or `KEY:PROJECT:SCOPE+SCOPE`. Adds each fault
 * to `problems`, without the key.
 */
export function readApiKeys(entries: readonly string[], problems: string[]): readonly ApiKey[] {
  const places = new Map<string, number>();
  return entries.flatMap((entry, index) => {
    const [, key = "", project, granted] =
      /^([^:]+):([A-Za-z0-9._-]{1,64})(?::(.+))?$/.exec(entry) ?? [];
    const names = granted?.split("+") ?? ["events:write", "events:read", "live:read"];
    const valid = names.every((scope) => (scopes as readonly string[]).includes(scope));
    if (!keyPattern.test(key) || project === undefined || !valid) {
      problems.push(
        `API_KEYS entry ${index + 1} must be KEY:PROJECT or KEY:PROJECT:SCOPE+SCOPE, ` +
          `the key at least 16 visible characters of ASCII, scopes of ${scopes.join(" ")}`,
      );
      return [];
    }
    const sha256 = hash("sha256", key);
    const first = places.get(sha256);
    if (first !== undefined) {
      problems.push(
        `API_KEYS entry ${index + 1} has the key of entry ${first}: a key has one project and one list of scopes`,
      );
      return [];
    }
    places.set(sha256, index + 1);
    return [{ sha256, project, scopes: new Set(names as Scope[]) }];
  });
}
