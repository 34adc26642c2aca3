import fc from "fast-check";
import { userOf } from "../../../lib/analytics/delta.ts";
import { FoldOverflow } from "../../../lib/analytics/fold.ts";
import { rowReader } from "../../../lib/analytics/fold-row.ts";
import { bounceOf, mailFold, mailTypes, type MailJob } from "../../../lib/analytics/mail-fold.ts";
import type { MailNumbers, MailReport } from "../../../lib/analytics/mail-report.ts";
import { Mails } from "../../../lib/analytics/mails.ts";
import type { StoredEvent } from "../../../lib/event/event.ts";
import { event, minute } from "../../contract/store-harness.ts";

function report(events: readonly StoredEvent[], job: Omit<MailJob, "kind">): MailReport {
  const fold = mailFold({ kind: "mail", ...job });
  const read = rowReader(fold.columns);
  for (const each of events) fold.add(read(each));
  return fold.finish();
}

/** The same by the letter of the docs: the events of each mail in a heap, and a sum of questions to each heap. */
function reference(events: readonly StoredEvent[], job: Omit<MailJob, "kind">): MailReport {
  const heaps = Object.values(Object.groupBy(events, mailOf)) as StoredEvent[][];
  const { sentWithin: range } = job;
  const mails = heaps.filter(
    (heap) =>
      range === undefined ||
      heap.some((e) => is(e, "sent") && e.timestamp >= range.from && e.timestamp < range.to),
  );
  if (job.groupBy === undefined) return { rows: [], total: numbers(mails), groups: 0 };
  const byGroup = Map.groupBy(mails, (heap) => groupOf(heap, job.groupBy as readonly string[]));
  const rows = [...byGroup].map(([group, heap]) => ({ group, ...numbers(heap) }));
  rows.sort((a, b) => {
    if (a.sent !== b.sent) return b.sent - a.sent;
    if (a.group === null) return 1;
    return b.group === null || a.group < b.group ? -1 : 1;
  });
  return { rows: rows.slice(0, job.limit), total: numbers(mails), groups: rows.length };
}

const is = ({ type }: StoredEvent, what: string) => type === `email.${what}`;
const isMachine = ({ context }: StoredEvent) => context.machine === true;

function mailOf(one: StoredEvent): string {
  if (one.correlationId !== undefined) return `mail ${one.correlationId}`;
  const user = userOf(one);
  if (user === undefined) return `event ${one.id}`;
  const { campaignId = null, templateId = null } = one.metadata ?? {};
  return `user ${JSON.stringify([user, campaignId, templateId])}`;
}

function groupOf(heap: readonly StoredEvent[], [top, key]: readonly string[]): string | null {
  const values = heap.map(
    (e) => (e as unknown as Record<string, Record<string, unknown>>)[top!]?.[key!],
  );
  return (
    values
      .filter((v) => v !== undefined && v !== null)
      .map(String)
      .sort()[0] ?? null
  );
}

function numbers(mails: readonly (readonly StoredEvent[])[]): MailNumbers {
  const having = (test: (e: StoredEvent) => boolean) => mails.filter((heap) => heap.some(test));
  const mailsWith = (what: string) => having((e) => is(e, what)).length;
  const bounces = (heap: readonly StoredEvent[]) =>
    heap
      .filter((e) => is(e, "bounced"))
      .map((e) => (e.data as { kind?: string } | undefined)?.kind ?? "undetermined");
  const worst = (heap: readonly StoredEvent[]) =>
    ["hard", "soft", "undetermined"].find((kind) => bounces(heap).includes(kind));
  const bouncing = (kind: string) => mails.filter((heap) => worst(heap) === kind);
  const delivered = (heap: readonly StoredEvent[]) => heap.some((e) => is(e, "delivered"));
  const bounced = mails.filter((heap) => worst(heap) !== undefined);
  const recovered = bounced.filter((heap) => worst(heap) !== "hard" && delivered(heap)).length;
  const engagement = (what: string) => {
    const of = (test: (e: StoredEvent) => boolean) => ({
      unique: having((e) => is(e, what) && test(e)).length,
      total: mails.flat().filter((e) => is(e, what) && test(e)).length,
    });
    return { ...of(() => true), human: of((e) => !isMachine(e)), machine: of(isMachine) };
  };
  const [opened, clicked] = [engagement("opened"), engagement("clicked")];
  const read = having((e) => (is(e, "opened") || is(e, "clicked")) && !isMachine(e)).length;
  const share = (part: number, of: number) => (of > 0 ? part / of : null);
  const [sent, arrived] = [mailsWith("sent"), mailsWith("delivered")];
  return {
    sent,
    delivered: arrived,
    bounced: {
      total: bounced.length,
      hard: bouncing("hard").length,
      soft: bouncing("soft").length,
      undetermined: bouncing("undetermined").length,
      recovered,
    },
    opened,
    clicked,
    complained: mailsWith("complained"),
    unsubscribed: mailsWith("unsubscribed"),
    rates: {
      delivery: share(arrived, sent),
      bounce: share(bounced.length - recovered, sent),
      hardBounce: share(bouncing("hard").length, sent),
      open: share(opened.human.unique, arrived),
      openWithMachines: share(opened.unique, arrived),
      click: share(clicked.human.unique, arrived),
      clickWithMachines: share(clicked.unique, arrived),
      clickToOpen: share(clicked.human.unique, read),
      complaint: share(mailsWith("complained"), arrived),
      unsubscribe: share(mailsWith("unsubscribed"), arrived),
    },
  };
}

const some = <T>(...values: readonly T[]) => fc.constantFrom(...values);

const events = fc
  .array(
    fc.record(
      {
        type: some(...mailTypes),
        correlationId: some("m1", "m2", "m3", "m4", "__proto__"),
        timestamp: fc.integer({ min: minute, max: minute + 9 }),
        metadata: fc.record(
          {
            userId: some<string | number>("u1", "u2", 7),
            campaignId: some<string | number | null>("a", "b", "B", 7, null, ""),
          },
          { requiredKeys: [] },
        ),
        context: fc.record(
          { machine: fc.boolean(), emailProvider: some("gmail", "gmx") },
          { requiredKeys: [] },
        ),
        data: fc.record({ kind: some("hard", "soft") }, { requiredKeys: [] }),
      },
      { requiredKeys: ["type", "timestamp", "context"] },
    ),
    { maxLength: 60 },
  )
  .map((parts) => parts.map((part, i) => event(`e${i}`, part as Partial<StoredEvent>)));

const jobs: fc.Arbitrary<Omit<MailJob, "kind">> = fc.record(
  {
    groupBy: some(["metadata", "campaignId"] as const, ["context", "emailProvider"] as const),
    limit: fc.integer({ min: 1, max: 4 }),
    sentWithin: fc.record({
      from: some(-Infinity, minute, minute + 3),
      to: some(Infinity, minute + 6),
    }),
  },
  { requiredKeys: ["limit"] },
);

describe("a mail report", () => {
  test("says what a plain recount says, in whatever order the events come", () => {
    fc.assert(
      fc.property(events, jobs, fc.infiniteStream(fc.nat()), (list, job, rank) => {
        const expected = reference(list, job);
        expect(report(list, job)).toEqual(expected);
        const shuffled = list
          .map((each) => ({ each, at: rank.next().value as number }))
          .sort((a, b) => a.at - b.at)
          .map(({ each }) => each);
        expect(report(shuffled, job)).toEqual(expected);
      }),
      { numRuns: 500 },
    );
  });

  test("of no events is all zero, with no rates", () => {
    const { rows, total, groups } = report([], { groupBy: ["metadata", "campaignId"], limit: 5 });
    expect([rows, groups, total.sent, total.rates.delivery]).toEqual([[], 0, 0, null]);
  });

  test("counts an open for the campaign that was sent, though it names none", () => {
    const list = [
      event("e1", { type: "email.opened", correlationId: "m" }),
      event("e2", { type: "email.sent", correlationId: "m", metadata: { campaignId: "spring" } }),
    ];
    const { rows } = report(list, { groupBy: ["metadata", "campaignId"], limit: 5 });
    expect(rows.map(({ group, sent, opened }) => [group, sent, opened.unique])).toEqual([
      ["spring", 1, 1],
    ]);
  });

  test("gives up beyond its bound of groups", () => {
    const fold = mailFold({ kind: "mail", groupBy: ["metadata", "campaignId"], limit: 1 });
    const read = rowReader(fold.columns);
    const add = (i: number) =>
      fold.add(read(event(`e${i}`, { type: "email.sent", metadata: { campaignId: `c${i}` } })));
    for (let i = 0; i < 10_000; i++) add(i);
    expect(() => add(10_000)).toThrow(FoldOverflow);
  });
});

test("mails are as many as allowed, and no more", () => {
  const mails = new Mails(3_000);
  for (let i = 0; i < 3_000; i++) mails.setBit(mails.ofCorrelation(`m${i}`), (i % 7) + 1);
  expect(mails.ofCorrelation("m2999")).toBe(2_999);
  expect(mails.state(1_999).bits).toBe((1_999 % 7) + 1);
  expect(() => mails.add()).toThrow(FoldOverflow);
});

test.each([
  ["hard", undefined, undefined, "hard"],
  ["SoftBounce", undefined, undefined, "soft"],
  [undefined, "Permanent", undefined, "hard"],
  [undefined, "Transient", "5.1.1", "soft"],
  ["odd", undefined, "5.1.1", "hard"],
  [undefined, undefined, "4.2.2", "soft"],
  [undefined, undefined, 550, "hard"],
  [undefined, undefined, "421 busy", "soft"],
  [undefined, undefined, "5", "undetermined"],
  [null, 5, "", "undetermined"],
])("a bounce of kind %j, type %j and code %j is %s", (kind, type, code, expected) => {
  expect(bounceOf(kind, type, code)).toBe(expected);
});
