import { createHash } from "node:crypto";
import fc from "fast-check";
import { contentHash } from "../../../lib/event/content-hash.ts";
import type { AcceptedEvent, Json, JsonObject } from "../../../lib/event/event.ts";

function accepted(fields: Partial<AcceptedEvent> = {}): AcceptedEvent {
  return {
    id: "e1",
    type: "page.viewed",
    source: "web",
    timestamp: 1_700_000_000_000,
    receivedAt: 1_700_000_000_500,
    ...fields,
  };
}

/** JSON as the wire carries it: no `undefined`, no -0. */
const json = fc.json({ maxDepth: 4 }).map((text) => JSON.parse(text) as Json);
const jsonObject = fc
  .dictionary(
    fc.oneof(fc.string({ unit: "binary" }), fc.constantFrom("__proto__", "constructor", "ip")),
    json,
  )
  .map((value) => JSON.parse(JSON.stringify(value)) as JsonObject);

/** The same value with the keys of every object turned around. */
function reversed(value: Json): Json {
  if (typeof value !== "object" || value === null) return value;
  if (Array.isArray(value)) return value.map((item: Json) => reversed(item));
  const entries = Object.entries(value).map(([key, member]) => [key, reversed(member)] as const);
  return Object.fromEntries(entries.reverse());
}

/** Equal as JSON values: the order of keys does not count. */
function same(a: Json | undefined, b: Json | undefined): boolean {
  if (typeof a !== "object" || typeof b !== "object" || a === null || b === null) return a === b;
  if (Array.isArray(a) !== Array.isArray(b)) return false;
  const keys = Object.keys(a);
  return (
    keys.length === Object.keys(b).length &&
    keys.every(
      (key) => Object.hasOwn(b, key) && same((a as JsonObject)[key], (b as JsonObject)[key]),
    )
  );
}

function nested(depth: number, leaf: Json): Json {
  let value = leaf;
  for (let level = 0; level < depth; level++) value = level % 2 === 0 ? [value] : { in: value };
  return value;
}

describe("contentHash", () => {
  test("is 22 characters of base64url", () => {
    fc.assert(
      fc.property(json, (data) => {
        expect(contentHash(accepted({ data }))).toMatch(/^[\w-]{22}$/);
      }),
    );
  });

  test("stays what it is: stored fingerprints are compared with later ones", () => {
    // SHA-256 of [1,"correlationId","c1","data",[1,"a",true,"b",[0,1,2.5,null,"ü"]],"metadata",
    // [1,"ip","81.2.69.0","userId","u1"],"source","web","timestamp",1700000000000,"type","page.viewed"]
    const event = accepted({
      data: { b: [1, 2.5, null, "ü"], a: true },
      correlationId: "c1",
      metadata: { userId: "u1", ip: "81.2.69.142" },
    });
    expect(contentHash(event)).toBe("bSF9FogrjsX1_WwWMwe58J");
  });

  test("does not mind the order of keys, at any depth", () => {
    fc.assert(
      fc.property(json, jsonObject, (data, metadata) => {
        const event = accepted({ data, metadata });
        const other = { metadata: reversed(metadata), data: reversed(data), ...accepted() };
        expect(contentHash(other as AcceptedEvent)).toBe(contentHash(event));
      }),
    );
  });

  test("reads the keys in the order of their code units, however many there are", () => {
    const keys = fc.uniqueArray(fc.string({ unit: "binary", maxLength: 3 }), { maxLength: 80 });
    fc.assert(
      fc.property(keys, (names) => {
        const data = Object.fromEntries(names.map((name) => [name, name]));
        const sorted = Object.fromEntries(names.toSorted().map((name) => [name, name]));
        expect(contentHash(accepted({ data }))).toBe(contentHash(accepted({ data: sorted })));
        const list = names.toSorted().flatMap((name) => [name, name]);
        const content = [1, "data", [1, ...list], "source", "web", "timestamp", 1_700_000_000_000];
        const text = JSON.stringify([...content, "type", "page.viewed"]);
        const full = createHash("sha256").update(text).digest("base64url");
        expect(contentHash(accepted({ data }))).toBe(full.slice(0, 22));
      }),
    );
  });

  test("minds any change of the data, and nothing but changes", () => {
    fc.assert(
      fc.property(json, json, (one, other) => {
        const equal =
          contentHash(accepted({ data: one })) === contentHash(accepted({ data: other }));
        expect(equal).toBe(same(one, other));
      }),
    );
  });

  test("minds any change of the metadata, and nothing but changes", () => {
    const withoutIp = jsonObject.map(({ ip: _ip, ...others }) => others);
    fc.assert(
      fc.property(withoutIp, withoutIp, (one, other) => {
        const equal =
          contentHash(accepted({ metadata: one })) === contentHash(accepted({ metadata: other }));
        expect(equal).toBe(same(one, other));
      }),
    );
  });

  test.each([
    ["type", { type: "page.left" }],
    ["source", { source: "app" }],
    ["timestamp", { timestamp: 1_700_000_000_001 }],
    ["correlationId", { correlationId: "c2" }],
    ["data", { data: { plan: "free" } }],
    ["absent data", { data: undefined }],
    ["null data", { data: null }],
    ["metadata", { metadata: { userId: "u2" } }],
    ["empty metadata", { metadata: {} }],
    ["absent metadata", { metadata: undefined }],
    ["no timestamp of its own", { undated: true as const }],
  ])("minds the %s", (_what, change) => {
    const event = accepted({
      data: { plan: "pro" },
      correlationId: "c1",
      metadata: { userId: "u1" },
    });
    expect(contentHash({ ...event, ...change })).not.toBe(contentHash(event));
  });

  test("fields do not run into one another", () => {
    expect(contentHash(accepted({ type: "a", source: "bc" }))).not.toBe(
      contentHash(accepted({ type: "ab", source: "c" })),
    );
    expect(contentHash(accepted({ data: ["1,2"] }))).not.toBe(
      contentHash(accepted({ data: [1, 2] })),
    );
    expect(contentHash(accepted({ data: { a: 1 } }))).not.toBe(
      contentHash(accepted({ metadata: { a: 1 } })),
    );
  });

  test.each([
    ["id", { id: "e2" }],
    ["receivedAt", { receivedAt: 1 }],
    ["timestamp of an undated event", { timestamp: 1 }],
  ])("does not mind the %s", (_what, change) => {
    const event = accepted({ undated: true, data: [1] });
    expect(contentHash({ ...event, ...change })).toBe(contentHash(event));
  });

  test("tells lists from objects that are written with the same values", () => {
    const datas: readonly Json[] = [
      ["a", 1],
      { a: 1 },
      [1, "a", 1],
      [0, "a", 1],
      [["a", 1]],
      [{ a: 1 }],
    ];
    expect(new Set(datas.map((data) => contentHash(accepted({ data })))).size).toBe(datas.length);
  });

  test("tells a key `__proto__` from none", () => {
    const metadata = (text: string) => accepted({ metadata: JSON.parse(text) as JsonObject });
    const hashes = [`{}`, `{"__proto__":{}}`, `{"__proto__":{"a":1}}`, `{"__proto__":null}`]
      .map(metadata)
      .map((event) => contentHash(event));
    expect(new Set(hashes).size).toBe(4);
  });

  test("tells lone surrogates apart", () => {
    expect(contentHash(accepted({ data: "\ud800" }))).not.toBe(
      contentHash(accepted({ data: "\ud801" })),
    );
  });

  test("holds at the deepest nesting that is admitted, and far beyond", () => {
    for (const depth of [32, 1_000]) {
      const hashes = [1, 2].map((leaf) => contentHash(accepted({ data: nested(depth, leaf) })));
      expect(hashes[0]).not.toBe(hashes[1]);
    }
  });
});

describe("the address in a fingerprint", () => {
  const hashOf = (ip: Json) => contentHash(accepted({ metadata: { ip, userId: "u1" } }));

  test("counts by its network, so that the rest cannot be guessed from the fingerprint", () => {
    expect(hashOf("81.2.69.142")).toBe(hashOf("81.2.69.7"));
    expect(hashOf("2a02:2e0:3fe:1::1")).toBe(hashOf("2a02:2e0:3fe:2::9"));
    expect(hashOf("81.2.69.142")).not.toBe(hashOf("81.2.70.142"));
  });

  test("is the same before and after truncation", () => {
    fc.assert(
      fc.property(fc.ipV4(), (ip) => {
        expect(hashOf(ip.replace(/\d+$/, "0"))).toBe(hashOf(ip));
      }),
    );
  });

  test("counts as none where it cannot be read, for then it is not stored", () => {
    const none = contentHash(accepted({ metadata: { userId: "u1" } }));
    for (const ip of ["garbage", 5, null, ["81.2.69.142"]]) expect(hashOf(ip)).toBe(none);
    expect(hashOf("81.2.69.142")).not.toBe(none);
  });
});
