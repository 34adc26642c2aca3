import { jest } from "@jest/globals";
import fc from "fast-check";
import { contentHash } from "../../../../lib/event/content-hash.ts";
import { userAgentLimit } from "../../../../lib/event/enrich/user-agent.ts";
import { urlLimit } from "../../../../lib/event/enrich/page.ts";
import { enrich } from "../../../../lib/event/enrich/enrich.ts";
import type { EventContext, Json, JsonObject } from "../../../../lib/event/event.ts";
import { accepted, batch, chrome, spied } from "../../../fixtures/enrichment.ts";

/** The fields that a context may have, and what each may be. */
const contextShape: {
  readonly [field in keyof Required<EventContext>]: (value: unknown) => boolean;
} = {
  browser: (value) => isText(value, 40),
  browserVersion: (value) => isText(value, 11),
  os: (value) => isText(value, 40),
  device: (value) => ["desktop", "mobile", "tablet", "tv", "bot", "other"].includes(String(value)),
  bot: (value) => typeof value === "boolean",
  machine: (value) => typeof value === "boolean",
  country: (value) => value === "SE",
  utm: (value) => Object.values(value as JsonObject).every((part) => isText(part, 128)),
  referrer: (value) =>
    ["direct", "internal", "search", "social", "mail", "other"].includes(String(value)),
  host: (value) => isText(value, 253),
  path: (value) => isText(value, 512),
  emailProvider: (value) => isText(value, 255),
};

function isText(value: unknown, limit: number): boolean {
  return typeof value === "string" && value !== "" && value.length <= limit;
}

afterEach(() => {
  jest.restoreAllMocks();
});

const text = fc.oneof(
  fc.string({ unit: "binary" }),
  fc.webUrl({ withQueryParameters: true }),
  fc.emailAddress(),
  fc.ipV4(),
  fc.ipV6(),
  fc.constantFrom(
    chrome,
    "Mozilla/5.0",
    "https://a.example/?utm_source=%00%ff&utm_campaign=%F0%9F%91%A9",
    "http://[::1",
    "a@b@c.d",
    "::ffff:1.2.3.4%x",
  ),
);
const anyJson = fc.oneof(text, fc.jsonValue({ maxDepth: 3 }) as fc.Arbitrary<Json>);
const known = ["ip", "userAgent", "url", "referrer", "recipient"] as const;
const metadata = fc
  .tuple(
    fc.dictionary(fc.oneof(fc.string(), fc.constantFrom("__proto__", "constructor")), anyJson),
    fc.record(Object.fromEntries(known.map((key) => [key, anyJson])), { requiredKeys: [] }),
  )
  .map(([other, some]) => ({ ...other, ...some }) as JsonObject);
const events = fc.record(
  {
    id: fc.constant("e1"),
    type: fc.oneof(
      fc.stringMatching(/^[A-Za-z0-9._:@/+-]{1,128}$/),
      fc.constantFrom("email.opened", "x.clicked", "__proto__"),
    ),
    source: fc.constantFrom("web", "constructor"),
    timestamp: fc.integer(),
    receivedAt: fc.nat(),
    data: anyJson,
    correlationId: fc.string(),
    undated: fc.constant(true as const),
    metadata,
  },
  { requiredKeys: ["id", "type", "source", "timestamp", "receivedAt"] },
);

describe("laws of enrich", () => {
  test("it is total, and every finding is of its kind and within its bound", () => {
    const { tools } = spied();
    fc.assert(
      fc.property(events, (event) => {
        for (const [field, value] of Object.entries(enrich(event, batch, tools).context)) {
          expect(contextShape[field as keyof EventContext](value)).toBe(true);
        }
      }),
      { numRuns: 1_000 },
    );
  });

  test("it is a pure function: the same event gives the same bytes", () => {
    fc.assert(
      fc.property(events, (event) => {
        const once = enrich(event, batch, spied().tools);
        const again = enrich(structuredClone(event), batch, spied().tools);
        expect(JSON.stringify(again)).toBe(JSON.stringify(once));
      }),
    );
  });

  test("content is stored as it was sent, but for the address", () => {
    const { tools } = spied();
    fc.assert(
      fc.property(events, (event) => {
        const stored = enrich(event, batch, tools);
        const { ip: _sent, ...sent } = event.metadata ?? {};
        const { ip: _kept, ...kept } = stored.metadata ?? {};
        expect(kept).toEqual(sent);
        expect(stored.metadata === undefined).toBe(event.metadata === undefined);
        for (const field of ["id", "type", "source", "timestamp", "receivedAt", "data"] as const) {
          expect(stored[field]).toBe(event[field]);
        }
      }),
    );
  });

  test("the fingerprint of what is stored is that of what was sent", () => {
    fc.assert(
      fc.property(events, fc.boolean(), ({ undated: _undated, ...event }, fullIp) => {
        const stored = enrich(event, batch, spied({ fullIp }).tools);
        expect(contentHash(stored)).toBe(stored.hash);
      }),
    );
  });

  test("no address is stored that was not truncated", () => {
    const { tools } = spied();
    const addresses = fc.oneof(fc.ipV4(), fc.ipV6(), text, anyJson);
    fc.assert(
      fc.property(addresses, (ip) => {
        const kept = enrich(accepted({ metadata: { ip } }), batch, tools).metadata!["ip"];
        if (kept !== undefined) expect(kept).toMatch(/^\d+\.\d+\.\d+\.0$|^[\da-f:]{0,14}::$/);
      }),
    );
  });
});

describe("bounds of enrich", () => {
  const long = 10_000_000;

  test("of a long user agent the parsers see its beginning", () => {
    const { tools, parsed } = spied();
    for (const piece of ["x", "Mozilla/5.0 ", "version/1.", "@a-", "((((", "1.1.", "; ;", "👩"]) {
      const userAgent = piece.repeat(long / piece.length);
      enrich(accepted({ metadata: { userAgent } }), batch, tools);
    }
    expect(parsed).toHaveLength(8);
    expect(Math.max(...parsed.map(({ length }) => length))).toBeLessThanOrEqual(userAgentLimit);
  });

  test("of long URLs the parser sees their beginning", () => {
    const parse = jest.spyOn(URL, "parse");
    const url = `https://a.example/${"../".repeat(long / 3)}`;
    const referrer = `https://t.co/?${"%25&".repeat(long / 4)}`;
    enrich(accepted({ metadata: { url, referrer } }), batch, spied().tools);
    expect(parse).toHaveBeenCalledTimes(2);
    for (const [given] of parse.mock.calls) expect(given.length).toBeLessThanOrEqual(urlLimit);
  });

  test("long addresses of either kind are dropped unread", () => {
    const { tools, addresses } = spied();
    const ip = "1.".repeat(long / 2);
    const recipient = `a@${"a.".repeat(long / 2)}com`;
    const stored = enrich(accepted({ metadata: { ip, recipient } }), batch, tools);
    expect(stored.context).toEqual({});
    expect(stored.metadata).toEqual({ recipient });
    expect(addresses).toEqual([]);
  });
});
