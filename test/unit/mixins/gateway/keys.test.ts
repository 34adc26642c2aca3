import { hash } from "node:crypto";
import { Keyring } from "../../../../lib/http/identity.ts";
import { makeKey } from "../../../../lib/keys/key-text.ts";
import type { KnownKey } from "../../../../lib/keys/known.ts";
import { KeysEdgeMixin } from "../../../../mixins/gateway/keys.mixin.ts";

test("that keys cannot be looked up is said once they could not be for 10 s, also at a start, and that they can be after that alone", () => {
  let ageMs = Infinity;
  const said: string[] = [];
  const log = (_fields: object, phrase: string) => said.push(phrase);
  const edge = {
    keyring: { ageMs: () => ageMs },
    metrics: { set: () => undefined },
    logger: { warn: log, info: log },
    startedAt: performance.now(),
    isLate: false,
  };
  const methods = KeysEdgeMixin().methods as { tellAge(error?: unknown): void };
  const tell = () => methods.tellAge.call(edge, new Error("no query process yet"));
  tell();
  ageMs = 0;
  tell();
  expect(said).toEqual([]);
  ageMs = Infinity;
  edge.startedAt -= 3_600_000;
  tell();
  tell();
  ageMs = 0;
  tell();
  expect(said).toEqual([
    "keys cannot be looked up; those known hold for a while",
    "keys are looked up again",
  ]);
});

test("a use of a key is reported again until a report has arrived", async () => {
  const text = makeKey().text;
  const sha256 = hash("sha256", text);
  const key: KnownKey = { id: "key_1", project: "p", name: "ci", sha256, scopes: ["events:read"] };
  const keyring = new Keyring([], 60_000);
  keyring.learn([key], performance.now());
  keyring.identify(["x-api-key", text], "any");
  let isAway = true;
  const reports: unknown[] = [];
  const broker = {
    call: async (action: string, { uses }: { readonly uses?: unknown }) => {
      await Promise.resolve();
      if (action === "query.keys.known") return { version: 1 };
      if (isAway) throw new Error("no query process answers");
      return void reports.push(uses);
    },
  };
  const edge = {
    keyring,
    broker,
    wholeAt: -Infinity,
    version: undefined,
    tellAge: () => undefined,
  };
  const methods = KeysEdgeMixin().methods as { lookForKeys(): Promise<void> };
  const looking = { ...methods, ...edge };
  await expect(looking.lookForKeys()).rejects.toThrow("no query process answers");
  isAway = false;
  await looking.lookForKeys();
  await looking.lookForKeys();
  expect(reports).toEqual([[{ id: "key_1", at: expect.any(Number) as number }]]);
});

test.each([
  [{ overlapSeconds: 0 }, false],
  [{ overlapSeconds: "0" }, false],
  [{ overlapSeconds: "00" }, false],
  [{ overlapSeconds: "1" }, true],
  [{}, true],
])(
  "a gateway that cannot look keys up lets a key that was rotated with %j in: %j",
  async (given, isLetIn) => {
    const text = makeKey().text;
    const sha256 = hash("sha256", text);
    const keyring = new Keyring([], 60_000);
    keyring.learn(
      [{ id: "key_1", project: "p", name: "ci", sha256, scopes: ["events:read"] }],
      performance.now(),
    );
    const edge = {
      keyring,
      takeBody: () => Promise.resolve(Buffer.from(JSON.stringify(given))),
      lookNow: () => Promise.resolve(),
    };
    const request = {
      query: {},
      headers: { "content-type": "application/json" },
      $params: { id: "key_1" },
      $ctx: { call: () => Promise.resolve({ id: "key_2" }) },
    };
    const response = { writeHead: () => response, end: () => response };
    const methods = KeysEdgeMixin().methods as {
      rotateKey(request: object, response: object): Promise<void>;
    };
    await methods.rotateKey.call({ ...methods, ...edge }, request, response);
    const identify = () => keyring.identify(["x-api-key", text], "any");
    if (isLetIn) expect(identify()).toMatchObject({ project: "p" });
    else expect(identify).toThrow();
  },
);
