import type { Act, ActStore } from "../../../lib/store/acts.ts";
import { lifeOf } from "../../../lib/store/key-life.ts";
import type { StoredKey } from "../../../lib/store/keys.ts";

const madeAt = Date.UTC(2026, 0, 1);
const dayMs = 86_400_000;

/** A UUIDv7 of an instant. */
function uuidAt(instant: number, n: number): string {
  const hex = instant.toString(16).padStart(12, "0");
  return `${hex.slice(0, 8)}-${hex.slice(8)}-7000-8000-${String(n).padStart(12, "0")}`;
}

function actAt(at: number, n: number, more: Partial<Act> = {}): Act {
  const actor = { kind: "open", id: "" } as const;
  const about = { project: "p", actor, details: {}, outcome: "done" } as const;
  return { ...about, id: uuidAt(at, n), at, what: "queries.save", target: "daily", ...more };
}

function storeOf(acts: readonly Act[]): Pick<ActStore, "list"> & { readonly reads: number } {
  const newestFirst = acts.toSorted((a, b) => (a.id < b.id ? 1 : -1));
  let reads = 0;
  return {
    get reads() {
      return reads;
    },
    list(_project, { limit, before = "g" }) {
      reads += 1;
      return Promise.resolve(newestFirst.filter(({ id }) => id < before).slice(0, limit));
    },
  };
}

const key: StoredKey = {
  id: "key_a",
  project: "p",
  name: "a",
  sha256: "0",
  hint: "mak_abcd",
  scopes: "admin",
  createdAt: madeAt,
  endsAt: madeAt + dayMs,
  revoked: false,
};

const made = (expiresAt?: number, more: Partial<Act> = {}) =>
  actAt(madeAt, 0, {
    what: "keys.create",
    target: key.id,
    details: expiresAt === undefined ? {} : { expiresAt: new Date(expiresAt).toISOString() },
    ...more,
  });

const many = (count: number, from: number, stepMs: number) =>
  Array.from({ length: count }, (_, i) => actAt(from + i * stepMs, i + 1));

test("the life of a key is found among thousands of acts of its minute, without later ones", async () => {
  const store = storeOf([
    ...many(1_000, madeAt - 500_000, 100),
    made(madeAt + 90 * dayMs),
    ...many(2_500, madeAt, 10),
    ...many(5_000, madeAt + 100_000, 1_000),
    actAt(madeAt + 5, 9_000, { what: "keys.revoke", target: key.id }),
  ]);
  expect(await lifeOf(store, key)).toBe(90 * dayMs);
  expect(store.reads).toBeLessThan(5);
});

test("a clock that was set meanwhile does not matter, within a minute", async () => {
  for (const at of [madeAt - 30_000, madeAt + 30_000]) {
    const store = storeOf([made(madeAt + 7 * dayMs, { at, id: uuidAt(at, 0) })]);
    expect(await lifeOf(store, key)).toBe(7 * dayMs);
  }
});

test("a key that was made for ever has no life; one that no act tells of has its own", async () => {
  expect(await lifeOf(storeOf([made()]), key)).toBeUndefined();
  const others = storeOf(many(3_000, madeAt - 90_000, 50));
  expect(await lifeOf(others, key)).toBe(dayMs);
  expect(await lifeOf(storeOf([]), { ...key, endsAt: undefined })).toBeUndefined();
});
