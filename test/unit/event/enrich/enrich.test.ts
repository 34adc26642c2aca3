import { contentHash } from "../../../../lib/event/content-hash.ts";
import { enrich } from "../../../../lib/event/enrich/enrich.ts";
import type { Json, JsonObject } from "../../../../lib/event/event.ts";
import { accepted, batch, chrome, spied } from "../../../fixtures/enrichment.ts";

describe("enrich", () => {
  test("adds to a page view what can be found out", () => {
    const { tools, addresses } = spied();
    const event = accepted({
      data: { plan: "pro" },
      correlationId: "c1",
      metadata: {
        userId: "u1",
        ip: "81.2.69.142",
        userAgent: chrome,
        url: "https://shop.example.com/sale?utm_source=newsletter",
        referrer: "https://www.google.com/",
        recipient: "ada@gmail.com",
      },
    });
    expect(enrich(event, batch, tools)).toEqual({
      ...event,
      project: "shop",
      batch: "b1",
      hash: contentHash(event),
      metadata: { ...event.metadata, ip: "81.2.69.0" },
      context: {
        browser: "Chrome",
        browserVersion: "126.0",
        os: "Windows",
        device: "desktop",
        bot: false,
        country: "SE",
        host: "shop.example.com",
        path: "/sale",
        utm: { source: "newsletter" },
        referrer: "search",
        emailProvider: "gmail",
      },
    });
    expect(addresses).toEqual(["81.2.69.142"]);
  });

  test("leaves an event without metadata as it is", () => {
    const { tools } = spied();
    const { context, ...stored } = enrich(accepted({ undated: true }), batch, tools);
    expect(context).toEqual({});
    expect(Object.keys(stored).sort()).toEqual(
      ["batch", "hash", "id", "project", "receivedAt", "source", "timestamp", "type"].sort(),
    );
  });

  test("stores an address whole and canonical where asked to", () => {
    const { tools } = spied({ fullIp: true });
    const stored = (ip: Json) => enrich(accepted({ metadata: { ip } }), batch, tools).metadata;
    expect(stored("81.2.69.142")).toEqual({ ip: "81.2.69.142" });
    expect(stored("2A02:2E0:3FE::0:85%eth0")).toEqual({ ip: "2a02:2e0:3fe::85" });
    expect(stored("who knows")).toEqual({});
  });

  test("asks for no country of an address that has none, or that cannot be read", () => {
    const { tools, addresses } = spied();
    for (const ip of ["192.168.1.7", "::1", "2001:db8::7", "nonsense", 5, null, ["8.8.8.8"]]) {
      enrich(accepted({ metadata: { ip } }), batch, tools);
    }
    expect(addresses).toEqual([]);
  });

  test("does not change the event it is given", () => {
    const { tools } = spied();
    const metadata = Object.freeze({ ip: "81.2.69.142", userAgent: chrome });
    const event = Object.freeze(accepted({ metadata, undated: true }));
    enrich(event, batch, tools);
    expect(event.metadata).toEqual({ ip: "81.2.69.142", userAgent: chrome });
  });

  test("keys named like parts of an object's prototype are content and nothing else", () => {
    const { tools } = spied();
    const metadata = JSON.parse(
      `{"__proto__":{"userAgent":"curl/8","ip":"81.2.69.142"},"constructor":1,"ip":"8.8.8.8"}`,
    ) as JsonObject;
    const stored = enrich(accepted({ metadata }), batch, tools);
    expect(stored.context).toEqual({ country: "SE" });
    expect(JSON.stringify(stored.metadata)).toBe(
      `{"__proto__":{"userAgent":"curl/8","ip":"81.2.69.142"},"constructor":1,"ip":"8.8.8.0"}`,
    );
    expect(Object.getPrototypeOf(stored.metadata)).toBe(Object.prototype);
  });
});
