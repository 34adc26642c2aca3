import fc from "fast-check";
import { FoldOverflow, rowReader } from "../../../../lib/questions/fold.ts";
import {
  bounceOf,
  mailFold,
  mailTypes,
  type MailJob,
} from "../../../../lib/questions/mail/fold.ts";
import { happened, Mails } from "../../../../lib/questions/mail/mails.ts";
import type { StoredEvent } from "../../../../lib/event/event.ts";
import { event, minute } from "../../../contract/store-harness.ts";
import { reference, report } from "../../../support/mail-reference.ts";

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
            anonymousId: some("a1"),
            recipient: some("a@x.org", "B@x.org", "b@x.org"),
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
      { numRuns: Number(process.env["RUNS"] ?? 500) },
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

  test.each([
    ["of a correlation", { correlationId: "m" }],
    ["of a recipient alone", {}],
  ])(
    "counts a mail %s for the campaign that was sent, though its open has an empty one",
    (_, of) => {
      const types = ["email.sent", "email.delivered", "email.opened"];
      const list = types.map((type, i) => {
        const batchId = type === "email.opened" ? "" : "7";
        const metadata = { recipient: "a@x.org", batchId };
        return event(`e${i}`, { type, timestamp: minute + i, ...of, metadata });
      });
      const lone = event("e9", { type: "email.sent", metadata: { batchId: "" } });
      const { rows } = report([...list, lone], { groupBy: ["metadata", "batchId"], limit: 5 });
      expect(rows.map(({ group, sent, opened }) => [group, sent, opened.unique])).toEqual([
        ["7", 1, 1],
        [null, 1, 0],
      ]);
    },
  );

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
  const note = { what: "delivered", byMachine: false, counted: false } as const;
  for (let i = 0; i < 3_000; i++) mails.note(mails.add(), note, i);
  expect(mails.state(1_999)).toMatchObject({ bits: happened.delivered, deliveredLast: true });
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
