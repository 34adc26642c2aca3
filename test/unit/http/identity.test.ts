import { hash } from "node:crypto";
import type { IncomingHttpHeaders } from "node:http";
import type { Scope } from "../../../lib/api-key.ts";
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

test("without keys everyone is the project default", () => {
  expect(new Keyring([]).identify({}, "admin").project).toBe("default");
});

test.each([
  ["X-Api-Key", { "x-api-key": "reader" }],
  ["Bearer", { authorization: "Bearer reader" }],
  ["Bearer in other case", { authorization: "bearer reader" }],
  ["Basic", { authorization: `Basic ${Buffer.from("reader:").toString("base64")}` }],
  [
    "Basic with a password",
    { authorization: `Basic ${Buffer.from("reader:x").toString("base64")}` },
  ],
])("a key comes by %s", (_way, headers) => {
  expect(ring.identify(headers, "events:read").project).toBe("shop");
});

test.each([
  [{}],
  [{ "x-api-key": "" }],
  [{ "x-api-key": "Reader" }],
  [{ authorization: "Bearer" }],
  [{ authorization: "Digest reader" }],
  [{ authorization: `Basic ${Buffer.from("other:").toString("base64")}` }],
])("%j is nobody", (headers: IncomingHttpHeaders) => {
  expect(() => ring.identify(headers, "events:read")).toThrow(
    expect.objectContaining({ type: "UNAUTHORIZED" }) as Error,
  );
});

test("a key does what its scopes allow, and nothing else", () => {
  expect(() => ring.identify({ "x-api-key": "writer" }, "events:read")).toThrow(
    expect.objectContaining({ type: "FORBIDDEN" }) as Error,
  );
});
