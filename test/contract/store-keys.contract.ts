import { lifeOf } from "../../lib/store/key-life.ts";
import { useAheadMs, type StoredKey } from "../../lib/store/keys.ts";
import type { OnStore } from "./store-harness.ts";

function key(id: string, more: Partial<StoredKey> = {}): StoredKey {
  return {
    id,
    project: "p",
    name: `name of ${id}`,
    sha256: id.padEnd(64, "0"),
    hint: "mak_abcd",
    scopes: "events:read admin",
    createdAt: 1_000,
    revoked: false,
    ...more,
  };
}

/** A UUIDv7 of an instant. */
function uuidAt(instant: number, of: string): string {
  const hex = instant.toString(16).padStart(12, "0");
  const rest = Buffer.from(of).toString("hex").padStart(12, "0");
  return `${hex.slice(0, 8)}-${hex.slice(8)}-7000-8000-${rest}`;
}

const limits = { limit: 10, forgetBefore: 0 };

/** `keys`: who may do what. */
export function keysContract(onStore: OnStore): void {
  describe("keys", () => {
    test(
      "come back as they were given, for their project alone, the oldest first",
      onStore(async ({ keys }, harness) => {
        const odd = key("b", { name: "\ud800 é\u0000😀", endsAt: 5_000, replaces: "a", usedAt: 2 });
        const old = key("c", { createdAt: 500 });
        for (const one of [odd, old, key("a"), key("d", { project: "q" })]) {
          expect(await keys.add(one, limits)).toBe("created");
        }
        expect(await keys.list("p")).toEqual([old, key("a"), odd]);
        expect(await keys.list("none")).toEqual([]);
        expect(await keys.find("p", "b")).toEqual(odd);
        expect(await keys.find("q", "b")).toBeUndefined();
        expect(await (await harness.open()).keys.find("p", "b")).toEqual(odd);
      }),
    );

    test(
      "hold until they end or are taken, whichever is first, and an end is never put off",
      onStore(async ({ keys }) => {
        const ids = async (at: number) => (await keys.holding(at)).map(({ id }) => id);
        await keys.add(key("a"), limits);
        await keys.add(key("b", { project: "q", endsAt: 5_000 }), limits);
        expect(await keys.holding(4_999)).toEqual([
          key("a"),
          key("b", { project: "q", endsAt: 5_000 }),
        ]);
        expect(await ids(5_000)).toEqual(["a"]);
        expect(await keys.end("p", "b", { at: 3_000, revoked: true })).toBe("absent");
        expect(await keys.end("q", "b", { at: 9_000, revoked: false })).toBe("ended");
        expect(await ids(5_000)).toEqual(["a"]);
        expect(await keys.end("q", "b", { at: 3_000, revoked: false })).toBe("ended");
        expect(await ids(3_000)).toEqual(["a"]);
        await keys.end("p", "a", { at: 2_000, revoked: true });
        await keys.end("p", "a", { at: 9_000, revoked: false });
        expect(await ids(1_000)).toEqual(["b"]);
        expect(await keys.find("p", "a")).toEqual(key("a", { endsAt: 2_000, revoked: true }));
      }),
    );

    test(
      "are as many as the limit allows; those that ended do not count, and long ended ones go",
      onStore(async ({ keys }) => {
        const add = (one: StoredKey, forgetBefore = 0) => keys.add(one, { limit: 2, forgetBefore });
        expect(await add(key("a", { endsAt: 900 }))).toBe("created");
        expect(await add(key("b"))).toBe("created");
        expect(await add(key("c", { endsAt: 3_000 }))).toBe("created");
        expect(await add(key("d"))).toBe("full");
        expect(await add(key("e", { project: "q" }))).toBe("created");
        expect(await add(key("f", { createdAt: 3_000 }), 2_000)).toBe("created");
        expect((await keys.list("p")).map(({ id }) => id)).toEqual(["b", "c", "f"]);
        const many = ["g", "h", "i", "j", "k"].map((id) => add(key(id, { project: "r" })));
        expect((await Promise.all(many)).toSorted()).toEqual([
          ...["created", "created", "full", "full", "full"],
        ]);
      }),
    );

    test(
      "are told by the audit log how long they were made for, whatever ends them",
      onStore(async ({ keys, acts }) => {
        const madeAt = Date.UTC(2026, 0, 1);
        const until = (days: number) => madeAt + days * 86_400_000;
        const make = async (id: string, what: "keys.create" | "keys.rotate", endsAt?: number) => {
          const made = key(id, { createdAt: madeAt, ...(endsAt !== undefined && { endsAt }) });
          await acts.begin({
            id: uuidAt(madeAt, id),
            project: "p",
            at: madeAt,
            actor: { kind: "open", id: "" },
            what,
            target: id,
            details: endsAt === undefined ? {} : { expiresAt: new Date(endsAt).toISOString() },
          });
          await keys.add(made, limits);
        };
        await make("a", "keys.create", until(90));
        await make("b", "keys.rotate", until(30));
        await make("c", "keys.create");
        const end = { id: uuidAt(madeAt + 5, "a"), project: "p", at: madeAt + 5, details: {} };
        const actor = { kind: "open", id: "" } as const;
        await acts.begin({ ...end, actor, what: "keys.revoke", target: "a" });
        await keys.add(key("told nowhere", { createdAt: madeAt, endsAt: until(7) }), limits);
        for (const id of ["a", "b", "c"]) {
          await keys.end("p", id, { at: until(1), revoked: false });
        }
        const days = async (id: string) => {
          const lifeMs = await lifeOf(acts, (await keys.find("p", id))!);
          return lifeMs === undefined ? undefined : lifeMs / 86_400_000;
        };
        expect(await Promise.all(["a", "b", "c", "told nowhere"].map(days))).toEqual([
          90,
          30,
          undefined,
          7,
        ]);
      }),
    );

    test(
      "tell when they were used last, and each change of which ones hold",
      onStore(async ({ keys }) => {
        let known = await keys.version();
        const isNew = async () => {
          const before = known;
          known = await keys.version();
          return known > before;
        };
        await keys.add(key("a"), limits);
        expect(await isNew()).toBe(true);
        await keys.used([
          { id: "a", at: 20 },
          { id: "none", at: 20 },
        ]);
        await keys.used([{ id: "a", at: 10 }]);
        expect((await keys.find("p", "a"))?.usedAt).toBe(20);
        // The clock was set back.
        await keys.used([{ id: "a", at: 21 + useAheadMs }]);
        await keys.used([{ id: "a", at: 21 }]);
        expect((await keys.find("p", "a"))?.usedAt).toBe(21 + useAheadMs);
        await keys.used([{ id: "a", at: 20 }]);
        expect((await keys.find("p", "a"))?.usedAt).toBe(20);
        expect(await isNew()).toBe(false);
        await keys.end("p", "a", { at: 9, revoked: true });
        expect(await isNew()).toBe(true);
      }),
    );
  });
}
