import fc from "fast-check";
import { admit } from "../../../lib/event/admit.ts";
import {
  readBinaryCloudEvent,
  readCloudEvent,
  cloudEventId,
} from "../../../lib/event/cloud-event.ts";

const resource =
  "/subscriptions/11111111-2222-3333-4444-555555555555/resourceGroups/analytics-production-westeurope/providers/Microsoft.Storage/storageAccounts/mailyproductionevents";

describe("the id of a CloudEvent", () => {
  test.each([
    "0190b3a1-7c2d-7e0f-8a1b-2c3d4e5f6071",
    "A234F5B2-1234-4ABC-9DEF-0123456789AB",
    "01ARZ3NDEKTSV4RRFFQ69G5FAV",
    "01arz3ndektsv4rrffq69g5fav",
  ])("%s is no other event's, and stands as it is", (id) => {
    expect(cloudEventId("/a", id)).toBe(id);
    expect(cloudEventId("/b", id)).toBe(id);
  });

  test("is the same in every release: it is what is stored once", () => {
    expect(cloudEventId("/mailer", "1")).toBe("ce-y-ITHb4vut9xBru6uNzB5hASdx129i2xOPQJDCYeIbc");
  });

  test("of any two texts is one that an event may have, and of no others", () => {
    const text = fc.string({ unit: "binary", minLength: 1, maxLength: 8 });
    const ids = new Map<string, string>();
    fc.assert(
      fc.property(text, text, (source, id) => {
        const made = cloudEventId(source, id);
        const { accepted } = admit([{ id: made, type: "t", source: "s" }], at);
        expect(accepted[0]?.event.id).toBe(made);
        const both = JSON.stringify([source, id]);
        expect(ids.get(made) ?? both).toBe(both);
        ids.set(made, both);
      }),
      { numRuns: 1_000 },
    );
    expect(cloudEventId("a", "b/c")).not.toBe(cloudEventId("a/b", "c"));
  });
});

const at = { now: Date.parse("2026-01-31T10:20:30Z"), newId: () => "made here" };

/** What an event of these attributes is admitted as, in structured and in binary mode. */
function admitted(attributes: Readonly<Record<string, string>>) {
  const headers = Object.entries({ specversion: "1.0", ...attributes }).map(
    ([name, value]) => [`ce-${name}`, encodeURIComponent(value)] as const,
  );
  const readings = [
    readCloudEvent({ specversion: "1.0", ...attributes }),
    readBinaryCloudEvent(Object.fromEntries(headers), Buffer.alloc(0)),
  ];
  const events = readings.map((reading) => {
    if (reading.status === "rejected") throw new Error(JSON.stringify(reading.errors));
    return admit([reading.input], at).accepted[0]?.event;
  });
  expect(events[0]).toEqual(events[1]);
  return events[0];
}

describe("a CloudEvent", () => {
  test.each(["1", "batch", "..", "order 7 / München", "a".repeat(500), "\u{1f600}"])(
    "with the id %j keeps it, and is another event from another source",
    (id) => {
      const one = admitted({ id, type: "order.paid", source: "/a" });
      const other = admitted({ id, type: "order.paid", source: resource });
      expect(one?.metadata).toEqual({ cloudEventId: id });
      expect(other).toMatchObject({ source: resource, metadata: { cloudEventId: id } });
      expect(one?.id).not.toBe(other?.id);
      expect(admitted({ id, type: "order.paid", source: "/a" })?.id).toBe(one?.id);
    },
  );

  test("whose id is a UUID has no other", () => {
    const id = "0190b3a1-7c2d-7e0f-8a1b-2c3d4e5f6071";
    const event = admitted({ id, type: "Order Completed", source: "/a", cloudeventid: "own" });
    expect(event).toMatchObject({ id, type: "Order Completed" });
    expect(event?.metadata).toEqual({ cloudeventid: "own" });
  });
});
