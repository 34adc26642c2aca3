import { randomBytes } from "node:crypto";
import type { Scope } from "../../lib/keys/configured.ts";
import { digestOf, hintOf, keyTextOf } from "../../lib/keys/key-text.ts";
import type { KnownKeys } from "../../lib/keys/known.ts";
import type { Actions } from "../../lib/contracts.ts";
import { ServiceError } from "../../lib/errors.ts";
import { defaultProject } from "../../lib/event/event.ts";
import { lastInstant } from "../../lib/event/instant.ts";
import { defineMixin } from "../../lib/moleculer.ts";
import type { ActKind } from "../../lib/questions/audit-log.ts";
import {
  readKeyBody,
  readRotationBody,
  type WantedKey,
  type GivenKey,
  type ShownKey,
} from "../../lib/questions/keys.ts";
import { lifeOf } from "../../lib/store/key-life.ts";
import type { StoredKey } from "../../lib/store/keys.ts";
import type { ActContext, Administering } from "../acts.mixin.ts";
import type { Storing } from "../store.mixin.ts";

/** The most valid keys of a project. */
const maxKeys = 100;

/** How long a key that ended is still shown. */
const shownForMs = 90 * 86_400_000;

/** Gives a service the methods to create keys, to revoke them and to list the valid ones. */
export function KeysMixin() {
  return defineMixin<{ needs: Storing & Administering }>()({
    methods: {
      async listKeys({ meta }: ActContext): Promise<readonly ShownKey[]> {
        const now = Date.now();
        const all = await this.store.keys.list(meta.project ?? defaultProject);
        return all.map((key) => shownKey(key, now));
      },

      async foundKey({ meta }: ActContext, id: string): Promise<StoredKey> {
        const found = await this.store.keys.find(meta.project ?? defaultProject, id);
        if (found !== undefined) return found;
        throw new ServiceError("NOT_FOUND", "There is no key with this id");
      },

      async showKey(ctx: ActContext, id: string): Promise<ShownKey> {
        return shownKey(await this.foundKey(ctx, id), Date.now());
      },

      createKey(ctx: ActContext, body: unknown): Promise<GivenKey> {
        return this.keepKey(ctx, "keys.create", readKeyBody(body, Date.now()));
      },

      /**
       * A new key of the same name and scopes, which holds for as long as the old one was made for;
       * the old one ends a little later, so both hold meanwhile. It may be repeated: another new key
       * holds as long.
       */
      async rotateKey(
        ctx: ActContext,
        { id, body }: Actions["query.keys.rotate"]["params"],
      ): Promise<GivenKey> {
        const now = Date.now();
        const { overlapMs, expiresAt } = readRotationBody(body, now);
        const old = await this.foundKey(ctx, id);
        if (!holds(old, now)) throw new ServiceError("NOT_FOUND", "This key holds no more");
        const ends = expiresAt ?? endOfLife(await lifeOf(this.store.acts, old), now);
        const details = {
          name: old.name,
          scopes: scopesOf(old),
          ...(ends !== undefined && { expiresAt: ends }),
        };
        return this.keepKey(ctx, "keys.rotate", details, { old, endsAt: now + overlapMs });
      },

      /** Where something fails between, the new key is one that nobody has ever seen. */
      async keepKey(
        ctx: ActContext,
        what: ActKind,
        { name, scopes, expiresAt }: WantedKey,
        rotation?: { readonly old: StoredKey; readonly endsAt: number },
      ): Promise<GivenKey> {
        const text = keyTextOf(randomBytes(32));
        const now = Date.now();
        const key: StoredKey = {
          id: `key_${randomBytes(9).toString("base64url")}`,
          project: ctx.meta.project ?? defaultProject,
          name,
          sha256: digestOf(text),
          hint: hintOf(text),
          scopes: scopes.join(" "),
          ...(rotation && { replaces: rotation.old.id }),
          createdAt: now,
          ...(expiresAt !== undefined && { endsAt: expiresAt }),
          revoked: false,
        };
        const details = {
          name,
          scopes,
          ...(expiresAt !== undefined && { expiresAt: instantOf(expiresAt) }),
          ...(rotation && {
            replaces: rotation.old.id,
            oldExpiresAt: instantOf(Math.min(rotation.endsAt, rotation.old.endsAt ?? Infinity)),
          }),
        };
        await this.administered(ctx, { what, target: key.id, details }, async () => {
          const limits = { limit: maxKeys, forgetBefore: now - shownForMs };
          if ((await this.store.keys.add(key, limits)) === "full") {
            const message = `A project may have ${maxKeys} keys that hold: revoke one first`;
            throw new ServiceError("TOO_MANY_KEYS", message);
          }
          if (rotation === undefined) return;
          const end = { at: rotation.endsAt, revoked: false };
          await this.store.keys.end(key.project, rotation.old.id, end);
        });
        this.tellKeysChanged();
        return { ...shownKey(key, now), key: text };
      },

      /** A key that ended stays as it ended. */
      async revokeKey(ctx: ActContext, id: string): Promise<{ readonly revoked: string }> {
        const { project, name } = await this.foundKey(ctx, id);
        const act = { what: "keys.revoke", target: id, details: { name } } as const;
        await this.administered(ctx, act, () =>
          this.store.keys.end(project, id, { at: Date.now(), revoked: true }),
        );
        this.tellKeysChanged();
        return { revoked: id };
      },

      /** The keys that are valid now, for a gateway that knows the keys of a version, or none. */
      async knownKeys(version: number | undefined): Promise<KnownKeys> {
        // Before the keys: a change made meanwhile is in them, or in the next version.
        const current = await this.store.keys.version();
        if (version === current) return { version: current };
        const held = await this.store.keys.holding(Date.now());
        return {
          version: current,
          keys: held.map(({ id, project, name, sha256, scopes, endsAt, usedAt }) => ({
            id,
            project,
            name,
            sha256,
            scopes: scopes.split(" ") as Scope[],
            ...(endsAt !== undefined && { endsAt }),
            ...(usedAt !== undefined && { usedAt }),
          })),
        };
      },

      /** A lost one costs two seconds: gateways ask by themselves. */
      tellKeysChanged(): void {
        void this.broker.broadcast("keys.changed", {}, ["api-gateway"]);
      },
    },
  });
}

function shownKey(key: StoredKey, now: number): ShownKey {
  const { id, name, hint, createdAt, endsAt, revoked, usedAt, replaces } = key;
  const ended = holds(key, now) ? "holds" : "expired";
  return {
    id,
    name,
    scopes: scopesOf(key),
    hint,
    state: revoked ? "revoked" : ended,
    createdAt: instantOf(createdAt),
    expiresAt: endsAt === undefined ? null : instantOf(endsAt),
    lastUsedAt: usedAt === undefined ? null : instantOf(usedAt),
    ...(replaces !== undefined && { replaces }),
  };
}

function holds({ revoked, endsAt = Infinity }: StoredKey, now: number): boolean {
  return !revoked && endsAt > now;
}

/** When a life ends that begins now; never later than RFC 3339 can write. */
function endOfLife(lifeMs: number | undefined, now: number): number | undefined {
  return lifeMs === undefined ? undefined : Math.min(lastInstant, now + lifeMs);
}

function scopesOf({ scopes }: StoredKey): readonly Scope[] {
  return scopes.split(" ") as Scope[];
}

function instantOf(at: number): string {
  return new Date(at).toISOString();
}
