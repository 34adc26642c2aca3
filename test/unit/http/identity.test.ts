import { hash } from "node:crypto";
import type { Scope } from "../../../lib/api-keys.ts";
import { Keyring } from "../../../lib/http/identity.ts";

const key = (text: string, project: string, ...scopes: Scope[]) => ({
  sha256: hash("sha256", text),
  project,
  scopes: new Set(scopes),
});

const ring = new Keyring([
  key("reader", "shop", "events:read"),
  key("writer", "blog", "events:write"),
]);

const basic = (text: string) => `Basic ${Buffer.from(text).toString("base64")}`;

test("without keys everyone is the project default", () => {
  expect(new Keyring([]).identify([], "admin").project).toBe("default");
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
