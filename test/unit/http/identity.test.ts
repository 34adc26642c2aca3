import { hash } from "node:crypto";
import fc from "fast-check";
import { isKeyText, keyPattern, keyTextOf, makeKey } from "../../../lib/keys/key-text.ts";
import type { KnownKey } from "../../../lib/keys/known.ts";
import type { Scope } from "../../../lib/keys/configured.ts";
import { Keyring } from "../../../lib/http/identity.ts";
import { callerShown } from "../../../lib/questions/keys.ts";

const key = (text: string, project: string, ...scopes: Scope[]) => ({
  sha256: hash("sha256", text),
  project,
  scopes: new Set(scopes),
});

const minuteMs = 60_000;
const ring = new Keyring(
  [key("reader", "shop", "events:read"), key("writer", "blog", "events:write")],
  minuteMs,
);

const basic = (text: string) => `Basic ${Buffer.from(text).toString("base64")}`;

test("without keys everyone is the project default", () => {
  const identity = new Keyring([], minuteMs).identify([], "admin");
  expect(identity.project).toBe("default");
  expect(callerShown(identity)).toEqual({
    kind: "open",
    project: "default",
    scopes: ["events:write", "events:read", "live:read", "admin"],
    expiresAt: null,
  });
});

test.each([
  ["X-Api-Key", ["X-Api-Key", "reader"]],
  ["Bearer", ["Authorization", "Bearer reader"]],
  ["Bearer in other case", ["AUTHORIZATION", "bearer  reader"]],
  ["Basic", ["authorization", basic("reader:")]],
  ["Basic with a password", ["authorization", basic("reader:x")]],
  [
    "the same key twice",
    ["x-api-key", "reader", "Authorization", "Bearer reader", "x-api-key", "reader"],
  ],
  [
    "a key beside another kind of credentials",
    ["authorization", "Digest x", "x-api-key", "reader"],
  ],
  ["a key beside an empty one", ["x-api-key", "", "authorization", basic("reader:")]],
])("a key comes by %s", (_way, headers) => {
  expect(ring.identify(["Host", "a", ...headers], "events:read").project).toBe("shop");
});

test.each([
  [[]],
  [["x-api-key", ""]],
  [["x-api-key", "Reader"]],
  [["x-api-keys", "reader"]],
  [["authorization", "Bearer"]],
  [["authorization", "Digest reader"]],
  [["authorization", "Bearer reader reader"]],
  [["authorization", basic("other:")]],
  [["authorization", basic(":reader")]],
])("%j is nobody", (headers: readonly string[]) => {
  expect(() => ring.identify(headers, "events:read")).toThrow(
    expect.objectContaining({ type: "UNAUTHORIZED" }) as Error,
  );
});

test.each([
  [["x-api-key", "reader", "x-api-key", "writer"]],
  [["x-api-key", "reader", "authorization", "Bearer writer"]],
  [["authorization", "Bearer reader", "authorization", "Bearer wrong"]],
  [["authorization", "Bearer reader", "authorization", basic("writer:")]],
])("%j are two keys", (headers: readonly string[]) => {
  expect(() => ring.identify(headers, "events:read")).toThrow(
    expect.objectContaining({ type: "MALFORMED" }) as Error,
  );
});

test("a key does what its scopes allow, and nothing else", () => {
  expect(() => ring.identify(["x-api-key", "writer"], "events:read")).toThrow(
    expect.objectContaining({ type: "FORBIDDEN" }) as Error,
  );
});

test("a key has its form and its checksum, and no other text has", () => {
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 32, maxLength: 32 }), fc.nat(52), (random, at) => {
      const text = keyTextOf(random);
      expect(text).toMatch(keyPattern);
      expect(isKeyText(text)).toBe(true);
      const slip = text.slice(0, at) + (text[at] === "x" ? "y" : "x") + text.slice(at + 1);
      expect(isKeyText(slip)).toBe(false);
    }),
  );
  const extremes = [new Uint8Array(32), new Uint8Array(32).fill(255)].map(keyTextOf);
  expect(extremes).toEqual([
    `mak_${"0".repeat(43)}_${extremes[0]!.slice(-6)}`,
    expect.stringMatching(keyPattern),
  ]);
});

describe("a key that the service gave", () => {
  const texts = [1, 2].map(() => makeKey().text);
  const [text = "", other = ""] = texts;
  const known = (more: Partial<KnownKey> = {}): KnownKey => ({
    id: "key_1",
    project: "shop",
    name: "ci",
    sha256: hash("sha256", text),
    scopes: ["events:read"],
    ...more,
  });
  const headers = ["x-api-key", text];
  const toldAgo = (ms: number, keys: readonly KnownKey[] | undefined, configured = true) => {
    const told = new Keyring(configured ? [key("reader", "shop", "events:read")] : [], minuteMs);
    told.learn(keys, performance.now() - ms);
    return told;
  };
  const typeOf = (read: () => unknown): string => {
    try {
      read();
      return "held";
    } catch (error) {
      return (error as { type: string }).type;
    }
  };

  test("holds as long as it was told so, and tells who asks", () => {
    const told = toldAgo(0, [known()]);
    const identity = told.identify(headers, "events:read");
    expect(identity).toMatchObject({
      project: "shop",
      caller: "key_1",
      actor: { kind: "key", id: "key_1", name: "ci" },
    });
    expect(typeOf(() => told.identify(headers, "admin"))).toBe("FORBIDDEN");
    expect(told.holds(identity)).toBe(true);
    expect(typeOf(() => told.identify(["x-api-key", other], "events:read"))).toBe("UNAUTHORIZED");

    expect(told.learn(undefined, performance.now())).toBe(true);
    expect(told.holds(identity)).toBe(true);
    const now = performance.now();
    expect(told.learn([], now)).toBe(true);
    expect(told.learn([known()], now - 1)).toBe(false);
    expect(told.holds(identity)).toBe(false);
    expect(typeOf(() => told.identify(headers, "events:read"))).toBe("UNAUTHORIZED");
  });

  test("ends when it was to end", () => {
    const ended = toldAgo(0, [known({ endsAt: Date.now() })]);
    expect(typeOf(() => ended.identify(headers, "events:read"))).toBe("UNAUTHORIZED");
    const holding = toldAgo(0, [known({ endsAt: Date.now() + minuteMs })]);
    expect(typeOf(() => holding.identify(headers, "events:read"))).toBe("held");
  });

  test("is let in no more once it is forgotten, others are, and it is when it is told again", () => {
    const told = toldAgo(0, [known(), known({ id: "key_2", sha256: hash("sha256", other) })]);
    told.forget("key_1");
    const asked = (sent: string) => typeOf(() => told.identify(["x-api-key", sent], "events:read"));
    expect([asked(text), asked(other), asked("reader")]).toEqual(["UNAUTHORIZED", "held", "held"]);
    told.forget("key_3");
    expect(asked(other)).toBe("held");
    told.learn([known()], performance.now());
    expect(asked(text)).toBe("held");
  });

  test("is neither let in nor refused for good where nobody could be asked for too long", () => {
    const asked = (ring: Keyring, sent: string) =>
      typeOf(() => ring.identify(["x-api-key", sent], "events:read"));
    const never = new Keyring([key("reader", "shop", "events:read")], minuteMs);
    const late = toldAgo(minuteMs + 1, [known()]);
    for (const untold of [never, late]) {
      expect(asked(untold, text)).toBe("SERVICE_UNAVAILABLE");
      expect(asked(untold, other)).toBe("SERVICE_UNAVAILABLE");
      expect(asked(untold, `${other.slice(0, -1)}!`)).toBe("UNAUTHORIZED");
      expect(asked(untold, "reader")).toBe("held");
    }
    expect(asked(toldAgo(minuteMs / 2, [known()]), text)).toBe("held");
  });

  test("is asked for by whoever sends it, also where others need none", () => {
    const open = toldAgo(0, [known()], false);
    expect(open.identify([], "admin").project).toBe("default");
    expect(open.identify(["x-api-key", "any"], "admin").project).toBe("default");
    expect(open.identify(headers, "events:read").project).toBe("shop");
    expect(typeOf(() => open.identify(headers, "admin"))).toBe("FORBIDDEN");
    expect(typeOf(() => open.identify(["x-api-key", other], "admin"))).toBe("UNAUTHORIZED");
  });

  test("tells its first use, and one every ten minutes, until it is recorded", () => {
    const told = toldAgo(0, [known()]);
    expect(told.usesToRecord()).toEqual([]);
    told.identify(headers, "events:read");
    const uses = told.usesToRecord();
    expect(uses).toEqual([{ id: "key_1", at: expect.any(Number) as number }]);
    expect(told.usesToRecord()).toEqual(uses);
    told.noteUses([...uses, { id: "revoked", at: 1 }]);
    told.identify(headers, "events:read");
    told.learn([known()], performance.now());
    expect(told.usesToRecord()).toEqual([]);
    const before = toldAgo(0, [known({ usedAt: Date.now() - 601_000 })]);
    before.identify(headers, "events:read");
    expect(before.usesToRecord()).toHaveLength(1);
    const ahead = toldAgo(0, [known({ usedAt: Date.now() + 86_400_000 })]);
    expect(ahead.usesToRecord()).toEqual([]);
    ahead.identify(headers, "events:read");
    expect(ahead.usesToRecord()).toHaveLength(1);
  });
});
