import { hash, timingSafeEqual } from "node:crypto";
import type { KnownKey } from "../keys/known.ts";
import type { ApiKey, Needed, Scope } from "../keys/configured.ts";
import { isKeyText, looksLikeKey } from "../keys/key-text.ts";
import { defaultProject, type ProjectId } from "../event/event.ts";
import { ServiceError } from "../errors.ts";
import type { Actor } from "../questions/audit-log.ts";

/** The caller: a key's project and scopes. */
export interface Identity {
  readonly project: ProjectId;
  readonly scopes: ReadonlySet<Scope>;
  /** Tells keys apart without revealing them; absent where there are no keys. */
  readonly caller?: string;
  /** The caller's name in the audit log. */
  readonly actor: Actor;
  /** Epoch milliseconds; absent: the key has no end. */
  readonly endsAt?: number;
}

const everyone: Identity = {
  project: defaultProject,
  scopes: new Set(["events:write", "events:read", "live:read", "admin"]),
  actor: { kind: "open", id: "" },
};

interface Entry {
  readonly digest: Buffer;
  readonly identity: Identity;
  /** The id and the end of a key that the service created; keys of API_KEYS never end. */
  readonly given?: { readonly id: string; readonly endsAt: number };
}

/** A use of a created key, by the key's id; epoch milliseconds. */
interface KeyUse {
  readonly id: string;
  readonly at: number;
}

/** When a key was used last, and which use the store has recorded; epoch milliseconds, 0: never. */
interface Use {
  at: number;
  learnedAt: number;
}

/**
 * A use is recorded only when it is this much later than the recorded one, or earlier: then the
 * clock was set back.
 */
const recordUsesAfterMs = 600_000;

/**
 * Identifies the caller by the request's key: `Authorization: Bearer`, `X-Api-Key`, or Basic with
 * the key as user name. Keys are compared by their SHA-256 and in constant time, so the time taken
 * reveals nothing about a key. It knows the keys of `API_KEYS`, and the keys that the service
 * created as far as it has learned them (`learn`); these it trusts for `trustedMs`. Where
 * `API_KEYS` is empty a caller without a key is the project `default`.
 */
export class Keyring {
  readonly #isOpen: boolean;
  readonly #trustedMs: number;
  readonly #configured: readonly Entry[];
  /** The entries by the first bytes of their digests, which reveal nothing about a key. */
  #entries: ReadonlyMap<number, readonly Entry[]>;
  /** The entries of created keys, by id. */
  #given: ReadonlyMap<string, Entry> = new Map();
  #uses = new Map<string, Use>();
  #learnedAt = -Infinity;

  constructor(keys: readonly ApiKey[], trustedMs: number) {
    this.#isOpen = keys.length === 0;
    this.#trustedMs = trustedMs;
    this.#configured = keys.map(({ sha256, project, scopes }, i) => ({
      digest: Buffer.from(sha256, "hex"),
      identity: {
        project,
        scopes,
        caller: sha256.slice(0, 32),
        actor: { kind: "configured", id: `API_KEYS:${i + 1}` },
      },
    }));
    this.#entries = byStart(this.#configured);
  }

  /**
   * @param rawHeaders names and values in turn, as they came: Node's `headers` keep only the first
   *   of two `Authorization`
   * @throws ServiceError MALFORMED where there are two keys, UNAUTHORIZED without a valid key
   *   (UnknownKey where there is an unknown one), FORBIDDEN where the key lacks the scope,
   *   SERVICE_UNAVAILABLE where the created keys were not learned for too long
   */
  identify(rawHeaders: readonly string[], needed: Needed): Identity {
    const key = keyIn(rawHeaders);
    if (key === undefined) {
      if (this.#isOpen) return everyone;
      throw new ServiceError("UNAUTHORIZED", "Send a key");
    }
    const identity = this.#identityOf(key);
    if (needed !== "any" && !identity.scopes.has(needed))
      throw new ServiceError("FORBIDDEN", `The key lacks the scope ${needed}`);
    return identity;
  }

  /** Whether an identity is still valid: its key has not ended meanwhile. */
  holds({ actor }: Identity): boolean {
    if (actor.kind !== "key") return true;
    const endsAt = this.#given.get(actor.id)?.given?.endsAt;
    return endsAt !== undefined && endsAt > Date.now();
  }

  /**
   * Takes the valid keys; absent: they have not changed.
   * @param requestedAt when they were requested, by `performance.now()`
   * @returns false where newer keys are known, and nothing was learned
   */
  learn(keys: readonly KnownKey[] | undefined, requestedAt: number): boolean {
    if (requestedAt < this.#learnedAt) return false;
    this.#learnedAt = requestedAt;
    if (keys === undefined) return true;
    const given = keys.map(entryOf);
    this.#given = new Map(given.map((entry) => [entry.given.id, entry]));
    this.#entries = byStart([...this.#configured, ...given]);
    this.#uses = new Map(
      keys.map(({ id, usedAt: learnedAt = 0 }) => [id, this.#uses.get(id) ?? { at: 0, learnedAt }]),
    );
    return true;
  }

  /**
   * Lets a created key in no more: it was revoked. Until the next time that keys are learned, which
   * may fail.
   */
  forget(id: string): void {
    const others = new Map(this.#given);
    others.delete(id);
    this.#given = others;
    this.#entries = byStart([...this.#configured, ...others.values()]);
  }

  /** How long ago the keys were learned last; `Infinity` before the first time. */
  ageMs(now: number): number {
    return now - this.#learnedAt;
  }

  /**
   * Returns the uses of keys that the store is to record: for each key one every ten minutes, again
   * and again until `noteUses` says that it was recorded.
   */
  usesToRecord(): readonly KeyUse[] {
    const uses = [...this.#uses].filter(
      ([, { at, learnedAt }]) => at > 0 && Math.abs(at - learnedAt) > recordUsesAfterMs,
    );
    return uses.map(([id, { at }]) => ({ id, at }));
  }

  /** Takes the uses that the store has recorded. */
  noteUses(uses: readonly KeyUse[]): void {
    for (const { id, at } of uses) {
      const use = this.#uses.get(id);
      if (use !== undefined) use.learnedAt = at;
    }
  }

  #identityOf(key: string): Identity {
    const digest = hash("sha256", key, "buffer");
    const entry = this.#entries
      .get(startOf(digest))
      ?.find((known) => timingSafeEqual(known.digest, digest));
    if (entry?.given === undefined) {
      if (entry !== undefined) return entry.identity;
      return this.#unknown(key);
    }
    const now = Date.now();
    if (entry.given.endsAt <= now) throw new UnknownKey();
    this.#checkTrust();
    const use = this.#uses.get(entry.given.id);
    if (use !== undefined) use.at = now;
    return entry.identity;
  }

  #unknown(key: string): Identity {
    if (!looksLikeKey(key)) {
      if (this.#isOpen) return everyone;
      throw new UnknownKey();
    }
    if (!isKeyText(key)) throw new UnknownKey("The key is damaged: its checksum is wrong");
    this.#checkTrust();
    throw new UnknownKey();
  }

  #checkTrust(): void {
    if (this.ageMs(performance.now()) <= this.#trustedMs) return;
    const message = "It cannot be told at present whether the key holds";
    throw new ServiceError("SERVICE_UNAVAILABLE", message, { retryAfter: 5 });
  }
}

/** The request's key is unknown. */
export class UnknownKey extends ServiceError {
  constructor(message = "The key is not known") {
    super("UNAUTHORIZED", message);
  }
}

function entryOf({ id, name, project, sha256, scopes, endsAt }: KnownKey) {
  return {
    digest: Buffer.from(sha256, "hex"),
    identity: {
      project,
      scopes: new Set(scopes),
      caller: id,
      actor: { kind: "key", id, name },
      ...(endsAt !== undefined && { endsAt }),
    },
    given: { id, endsAt: endsAt ?? Infinity },
  } as const;
}

function byStart(entries: readonly Entry[]): ReadonlyMap<number, readonly Entry[]> {
  return Map.groupBy(entries, ({ digest }) => startOf(digest));
}

function startOf(digest: Buffer): number {
  return digest.readUInt32LE(0);
}

/** @throws ServiceError MALFORMED where the request holds different keys */
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
  // Comparing lengths first is enough for most fields: this runs for every field of every request.
  if (name.length === 9 && name.toLowerCase() === "x-api-key") return value || undefined;
  if (name.length !== 13 || name.toLowerCase() !== "authorization") return undefined;
  const [, scheme, text = ""] = credentials.exec(value) ?? [];
  if (scheme?.toLowerCase() !== "basic") return text || undefined;
  return Buffer.from(text, "base64").toString().split(":", 1)[0] || undefined;
}
