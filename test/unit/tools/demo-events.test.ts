import {
  inTimeOrder,
  mailEvents,
  mailEventsOfDays,
  splitAt,
} from "../../../tools/demo/mail-events.ts";
import { shares, eventsPerMail } from "../../../tools/demo/shares.ts";
import type { MailEvent } from "../../../tools/demo/story.ts";
import { admit } from "../../../lib/event/admit.ts";
import { clientReader } from "../../../lib/event/enrich/user-agent.ts";
import { enrich } from "../../../lib/event/enrich/enrich.ts";
import { countryReader } from "../../../lib/country.ts";

const dayMs = 86_400_000;

/** A Thursday. */
const to = Date.parse("2025-11-20T16:00:00Z");
const from = to - 14 * dayMs;
const mails = 10_000;
const small = { seed: 1, mails: 300, from, to };

/** Two weeks, and all that ever becomes of their mails. */
const events = [...mailEvents({ seed: 1, mails, from, to, until: Infinity })];

function ofType(type: string, kind?: string): readonly MailEvent[] {
  return events.filter(
    (event) =>
      event.type === type &&
      (kind === undefined || (event.data as { readonly kind?: string }).kind === kind),
  );
}

/** Expects a share to be what was drawn for, within three standard deviations. */
function expectShare(count: number, of: number, share: number): void {
  const deviation = Math.sqrt(of * share * (1 - share));
  expect(Math.abs(count - of * share)).toBeLessThan(3 * deviation);
}

describe("the same traffic", () => {
  test("gives the same events", () => {
    expect([...mailEvents(small)]).toEqual([...mailEvents(small)]);
  });

  test("does not depend on how far it is told", () => {
    const whole = [...mailEvents({ ...small, until: Infinity })];
    expect([...mailEvents(small)]).toEqual(whole.filter(({ timestamp }) => timestamp < to));
  });

  test.each([
    ["seed", { ...small, seed: 2 }],
    ["start", { ...small, from: from + 1_000 }],
  ])("with another %s has no id in common", (_what, other) => {
    const ids = new Set([...mailEvents(small)].map(({ id }) => id));
    expect([...mailEvents(other)].filter(({ id }) => ids.has(id))).toEqual([]);
  });
});

describe("the stream", () => {
  test("is in time order, and no id comes twice", () => {
    const disordered = events.filter(
      ({ timestamp }, index) => index > 0 && timestamp < events[index - 1]!.timestamp,
    );
    expect(disordered).toEqual([]);
    expect(new Set(events.map(({ id }) => id)).size).toBe(events.length);
  });

  test("begins each mail with its sending, within the span, and opens nothing that was not delivered", () => {
    const seen = new Map<string, Set<string>>();
    const faults = events.filter(({ type, correlationId, timestamp }) => {
      const before = seen.get(correlationId!) ?? new Set();
      const first = before.size === 0;
      seen.set(correlationId!, before.add(type));
      if (type === "email.sent") return !first || timestamp < from || timestamp >= to;
      const onArrival = type === "email.delivered" || type === "email.bounced";
      return first || !(onArrival || before.has("email.delivered"));
    });
    expect(faults).toEqual([]);
    expect(seen.size).toBe(mails);
  });

  test("follows the hours and days, unless it is steady", () => {
    const sentAt = (list: Iterable<MailEvent>) =>
      [...list]
        .filter(({ type }) => type === "email.sent")
        .map(({ timestamp }) => new Date(timestamp));
    const shareOf = (dates: readonly Date[], when: (date: Date) => boolean) =>
      dates.filter(when).length / dates.length;
    const night = (date: Date) => date.getUTCHours() < 5;
    const weekend = (date: Date) => date.getUTCDay() % 6 === 0;

    const daily = sentAt(events);
    expect(shareOf(daily, night)).toBeLessThan(0.05);
    expect(shareOf(daily, weekend)).toBeLessThan(0.12);
    const steady = sentAt(mailEvents({ seed: 1, mails: 5_000, from, to, shape: "steady" }));
    expect(shareOf(steady, night)).toBeCloseTo(5 / 24, 1);
    expect(shareOf(steady, weekend)).toBeCloseTo(2 / 7, 1);
  });
});

describe("the shares", () => {
  const sent = ofType("email.sent").length;
  const delivered = ofType("email.delivered").length;

  test("of bounced and delivered mails are the ones declared", () => {
    expect(sent).toBe(mails);
    expectShare(ofType("email.bounced", "hard").length, sent, shares.hardBounce);
    expectShare(ofType("email.bounced", "soft").length, sent, shares.softBounce);
    const arrived = new Set(ofType("email.delivered").map(({ correlationId }) => correlationId));
    const soft = ofType("email.bounced", "soft");
    const recovered = soft.filter(({ correlationId }) => arrived.has(correlationId));
    expectShare(recovered.length, soft.length, shares.recovered);
    const lost = shares.hardBounce + shares.softBounce * (1 - shares.recovered);
    expectShare(delivered, sent, 1 - lost);
    expect(delivered / sent).toBeCloseTo(0.98, 2);
  });

  test("of complaints stay below what mailbox providers bear, few unsubscribe", () => {
    const marketing = new Set(
      events
        .filter(({ metadata }) => /-20\d\d-/.test(metadata?.["campaignId"] as string))
        .map(({ correlationId }) => correlationId),
    );
    const received = ofType("email.delivered").filter(({ correlationId }) =>
      marketing.has(correlationId),
    ).length;
    expect(ofType("email.complained").length / delivered).toBeLessThan(0.001);
    expectShare(ofType("email.complained").length, received, shares.complaint);
    expectShare(ofType("email.unsubscribed").length, received, shares.unsubscribe);
  });

  test("of opened and clicked mails are those of the field", () => {
    const opened = new Set(ofType("email.opened").map(({ correlationId }) => correlationId));
    expect(opened.size / delivered).toBeGreaterThan(0.35);
    expect(opened.size / delivered).toBeLessThan(0.55);
    expect(ofType("email.clicked").length / delivered).toBeGreaterThan(0.03);
    expect(ofType("email.clicked").length / delivered).toBeLessThan(0.1);
    expect(events.length / mails).toBeCloseTo(eventsPerMail, 0);
  });

  test("of early opens are those of the field: a quarter within an hour, four fifths within a day", () => {
    const people = events.filter(
      ({ type, metadata }) => type === "email.opened" && metadata?.["userAgent"] !== "Mozilla/5.0",
    );
    const sentAt = new Map(
      ofType("email.sent").map(({ correlationId, timestamp }) => [correlationId, timestamp]),
    );
    const within = (ms: number) =>
      people.filter((event) => event.timestamp - sentAt.get(event.correlationId)! <= ms).length /
      people.length;
    expect(within(3_600_000)).toBeGreaterThan(0.25);
    expect(within(dayMs)).toBeGreaterThan(0.75);
    expect(within(dayMs)).toBeLessThan(0.95);
  });
});

describe("every event", () => {
  const at = { now: Math.max(...events.map(({ timestamp }) => timestamp)), newId: () => "unused" };
  const { accepted, results } = admit(events, at);
  const country = countryReader();
  const tools = { clientOf: clientReader(), countryOf: country, fullIp: false };
  const stored = accepted.map(({ event }) =>
    enrich(event, { batch: "b", project: "default" }, tools),
  );

  test("is admitted", () => {
    expect(results.filter(({ status }) => status !== "accepted")).toEqual([]);
    expect(accepted).toHaveLength(events.length);
  });

  test("that a person or a machine caused has a country, and people's are their own", () => {
    const seen = stored.filter(({ metadata }) => metadata?.["ip"] !== undefined);
    expect(seen.length).toBeGreaterThan(5_000);
    expect(seen.filter(({ context }) => context.country === undefined)).toEqual([]);
    const elsewhere = seen.filter(
      ({ metadata, context }) =>
        context.machine === false &&
        !(metadata?.["locale"] as string).endsWith(`-${context.country}`),
    );
    expect(elsewhere).toEqual([]);
    expect(new Set(seen.map(({ context }) => context.country)).size).toBeGreaterThan(12);
  });

  test("of a relay, a proxy or a scanner is told from a person's", () => {
    const opens = stored.filter(({ type }) => type === "email.opened");
    const machines = opens.filter(({ context }) => context.machine === true);
    expect(machines.length / opens.length).toBeGreaterThan(0.5);
    expect(machines.length / opens.length).toBeLessThan(0.9);
    const relayed = opens.filter(({ metadata }) => metadata?.["userAgent"] === "Mozilla/5.0");
    expect(relayed.length / opens.length).toBeGreaterThan(0.4);
    expect(relayed.length / opens.length).toBeLessThan(0.55);
    const clicks = stored.filter(({ type }) => type === "email.clicked");
    const robots = clicks.filter(({ context }) => context.bot === true);
    expect(robots.length).toBeGreaterThan(0);
    expect(robots.length / clicks.length).toBeLessThan(0.4);
  });

  test("that is a click names its campaign and its device", () => {
    const clicks = stored.filter(({ type }) => type === "email.clicked");
    expect(clicks.every(({ context }) => context.utm?.campaign !== undefined)).toBe(true);
    const devices = new Set(clicks.map(({ context }) => context.device));
    expect([...devices].sort()).toEqual(expect.arrayContaining(["bot", "desktop", "mobile"]));
    const providers = new Set(stored.map(({ context }) => context.emailProvider));
    expect([...providers]).toEqual(expect.arrayContaining(["gmail", "outlook", "gmx", "yahoo"]));
  });
});

describe("days of traffic", () => {
  const days = { seed: 1, mails: 700, days: 7, lastDay: to };
  const told = [...mailEventsOfDays(days)];
  const sentOf = (all: readonly MailEvent[]) => all.filter(({ type }) => type === "email.sent");

  test("are the same for who begins later on the last day, and share the mails of common days", () => {
    expect([...mailEventsOfDays({ ...days, lastDay: to + 3_600_000 })]).toEqual(told);
    const next = [...mailEventsOfDays({ ...days, lastDay: to + dayMs })];
    const common = new Set(told.map(({ id }) => id));
    const kept = sentOf(next).filter(({ id }) => common.has(id));
    expect(kept).toEqual(
      sentOf(told).filter(({ timestamp }) => timestamp >= (Math.floor(to / dayMs) - 6) * dayMs),
    );
  });

  test("are as many as asked for on average, in time order, each id once", () => {
    expect(told.map(({ timestamp }) => timestamp)).toEqual(
      told.map(({ timestamp }) => timestamp).sort((one, other) => one - other),
    );
    expect(new Set(told.map(({ id }) => id)).size).toBe(told.length);
    const whole = sentOf(told).filter(
      ({ timestamp }) => timestamp < Math.floor(to / dayMs) * dayMs,
    );
    expect(Math.abs(whole.length - 700)).toBeLessThan(140);
  });
});

test("a stream that is split goes on where the first part ended", () => {
  const whole = [...mailEvents(small)];
  const middle = whole[100]!.timestamp;
  const { before, after } = splitAt(mailEvents(small), middle);
  const [first, second] = [[...before], [...after]];
  expect(first.every(({ timestamp }) => timestamp < middle)).toBe(true);
  expect([...first, ...second]).toEqual(whole);
});

test("streams are merged in time order, and nothing is lost", () => {
  const [one, other] = [small, { ...small, seed: 2 }].map((traffic) => [...mailEvents(traffic)]);
  const merged = [...inTimeOrder(one!, other!)];
  const expected = [...one!, ...other!].sort((a, b) => a.timestamp - b.timestamp);
  expect(merged.map(({ timestamp }) => timestamp)).toEqual(expected.map((e) => e.timestamp));
  expect(new Set(merged)).toEqual(new Set(expected));
});
