import fc from "fast-check";
import { admit } from "../../../lib/event/admit.ts";

const now = Date.parse("2026-01-31T10:20:30.123Z");

function admitAll(inputs: readonly unknown[]) {
  let ids = 0;
  return admit(inputs, { now, newId: () => `generated-${++ids}` });
}

function event(fields: Readonly<Record<string, unknown>> = {}) {
  return { id: "e1", type: "email.opened", source: "mailer", ...fields };
}

describe("null", () => {
  const fields = "id data timestamp correlationId metadata".split(" ");
  const known =
    "userId anonymousId sessionId ip userAgent url referrer locale recipient campaignId templateId";

  test("in optional fields is as absent, whichever they are", () => {
    const some = (names: readonly string[]) =>
      fc
        .subarray([...names])
        .map((chosen) => Object.fromEntries(chosen.map((name) => [name, null])));
    fc.assert(
      fc.property(some(fields), some(known.split(" ")), (top, inner) => {
        const full = { ...event(), timestamp: now, data: 1, correlationId: "c" };
        const sent = { ...full, metadata: { userId: "u", own: null }, ...top };
        const without = Object.fromEntries(
          Object.entries(sent).filter(([, value]) => value !== null),
        );
        const metadata = { ...sent.metadata, ...inner };
        if (top["metadata"] === undefined) Object.assign(sent, { metadata });
        if ("userId" in inner && top["metadata"] === undefined) {
          Object.assign(without, { metadata: { own: null } });
        }
        const [one, other] = [admitAll([sent]).accepted[0], admitAll([without]).accepted[0]];
        expect(one).toBeDefined();
        expect(JSON.stringify(one?.event)).toBe(JSON.stringify(other?.event));
        expect(one?.named).toBe(other?.named);
      }),
    );
  });

  test.each(["type", "source"])("in %s is a fault", (field) => {
    expect(admitAll([event({ [field]: null })]).results).toMatchObject([
      { status: "rejected", error: { errors: [{ pointer: `/${field}`, code: "type" }] } },
    ]);
  });

  test("keeps its place where it is the sender's own", () => {
    const { accepted } = admitAll([event({ data: { a: null }, metadata: { own: null } })]);
    expect(accepted[0]?.event).toMatchObject({ data: { a: null }, metadata: { own: null } });
  });
});
