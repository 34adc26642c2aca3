import fc from "fast-check";
import { admit, jsonOfAll } from "../../../../lib/event/admit.ts";
import { enrich } from "../../../../lib/event/enrich/enrich.ts";
import type { AcceptedEvent } from "../../../../lib/event/event.ts";
import { maxEventBytes } from "../../../../lib/event/limits.ts";
import { originReader } from "../../../../lib/event/enrich/ip.ts";
import { batch, spied } from "../../../fixtures/enrichment.ts";

const now = Date.parse("2026-01-31T10:20:30Z");
const countryOf = (ip: string) => (ip.startsWith("8.") ? "US" : undefined);

function admitted(ip: unknown, fullIp = false): { event: AcceptedEvent; json: string } {
  const originOf = originReader({ countryOf, fullIp });
  const input = { id: "e1", type: "a", source: "s", metadata: { before: 1, ip, after: 2 } };
  const [first] = admit([input], { now, newId: () => "made", originOf }).accepted;
  if (first === undefined) throw new Error("it was refused");
  return { event: first.event, json: jsonOfAll([first]) };
}

describe("an address, before anything is written", () => {
  test.each([
    ["8.8.4.77", "8.8.4.0", "US"],
    ["8.8.4.77, 172.16.0.1", "8.8.4.0", "US"],
    ["81.2.69.142", "81.2.69.0", null],
    ["2a02:2e0:3fe:1001::1", "2a02:2e0:3fe::", null],
    ["192.168.7.9", "192.168.7.0", null],
  ])("%s is truncated to %s, of the country %s", (ip, kept, country) => {
    const { event, json } = admitted(ip);
    expect(event).toMatchObject({ metadata: { before: 1, ip: kept, after: 2 }, country });
    expect(JSON.parse(json)).toEqual(event);
    expect(json).not.toContain(ip);
  });

  test.each(["8.8.8.8.8 or so", "someone", ""])("%j is none, and is not written", (ip) => {
    const { event } = admitted(ip);
    expect(event.metadata).toEqual({ before: 1, after: 2 });
    expect(event.country).toBeNull();
  });

  test("stays whole where that is configured, in canonical form", () => {
    expect(admitted(" 8.8.4.77:80 ", true).event).toMatchObject({
      metadata: { ip: "8.8.4.77" },
      country: "US",
    });
  });

  test("of an event that is too large does not make it small enough", () => {
    const metadata = { ip: "x".repeat(maxEventBytes) };
    const originOf = originReader({ countryOf, fullIp: false });
    const { results } = admit([{ type: "a", source: "s", metadata }], {
      now,
      newId: () => "made",
      originOf,
    });
    expect(results).toMatchObject([{ error: { type: "/problems/too-large" } }]);
  });

  test("gives the same stored event as one that a message of an earlier version holds whole", () => {
    const addresses = fc.oneof(
      fc.ipV4(),
      fc.ipV6(),
      fc.constantFrom("8.8.4.77", "10.0.0.1", "nobody", "", "8.8.4.77, 1.2.3.4", null),
      fc.string(),
    );
    fc.assert(
      fc.property(addresses, fc.boolean(), (ip, fullIp) => {
        const tools = spied({ countryOf, fullIp }).tools;
        const { event } = admitted(ip, fullIp);
        const { country: _country, ...earlier } = event;
        // `null` was refused before.
        if (ip !== null) Object.assign(earlier, { metadata: { before: 1, ip, after: 2 } });
        expect(enrich(event, batch, spied({ fullIp, countryOf: asked }).tools)).toEqual(
          enrich(earlier, batch, tools),
        );
      }),
      { numRuns: 500 },
    );
  });

  test("is read once while it is remembered, and again afterwards", () => {
    const asked: string[] = [];
    const originOf = originReader({ countryOf: (ip) => (asked.push(ip), "DE"), fullIp: false }, 2);
    for (const ip of ["1.1.1.1", "2.2.2.2", "1.1.1.1", "3.3.3.3", "1.1.1.1", "2.2.2.2"]) {
      expect(originOf(ip)).toEqual({ ip: ip.replace(/\d$/, "0"), country: "DE" });
    }
    expect(asked).toEqual(["1.1.1.1", "2.2.2.2", "3.3.3.3", "2.2.2.2"]);
  });
});

function asked(): never {
  throw new Error("the country is known");
}
