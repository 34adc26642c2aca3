import type { StoredEvent } from "../../../../lib/event/event.ts";
import { event, minute } from "../../../contract/store-harness.ts";
import { report } from "../../../support/mail-reference.ts";

/** Events one after the other, a second apart, each a type and what else it has. */
const letters = (...parts: readonly (readonly [string, Partial<StoredEvent>?])[]) =>
  parts.map(([type, more], i) =>
    event(`e${i}`, { type: `email.${type}`, timestamp: minute + i * 1_000, ...more }),
  );
const soft = { data: { kind: "soft" } };
const to = (recipient: string, more: object = {}) => ({ metadata: { recipient, ...more } });

test.each([
  ["delivered, then bounced softly", letters(["sent"], ["delivered"], ["bounced", soft]), 0],
  ["bounced softly, then delivered", letters(["sent"], ["bounced", soft], ["delivered"]), 1],
  [
    "softly, delivered, softly again",
    letters(["bounced", soft], ["delivered"], ["bounced", soft]),
    0,
  ],
  ["in a way that nobody knows, then delivered", letters(["bounced"], ["delivered"]), 0],
  ["softly and unknown, then delivered", letters(["bounced", soft], ["bounced"], ["delivered"]), 1],
])("a mail that bounced %s", (_name, list, recovered) => {
  const own = list.map((one) => ({ ...one, correlationId: "m" }));
  expect(report(own, { limit: 1 }).total.bounced).toMatchObject({ total: 1, recovered });
  expect(report(own.toReversed(), { limit: 1 }).total.bounced).toMatchObject({ recovered });
});

const m = { correlationId: "m" };
test.each([
  [
    "one correlation with three recipients",
    ["a@x", "B@x", "c@x"]
      .flatMap((who) => letters(["sent", { ...m, ...to(who) }]))
      .concat(letters(["delivered", { ...m, ...to("b@x") }], ["opened", { ...m, ...to("A@x") }])),
    [3, 1, 1],
  ],
  [
    "a correlation that only some events name the recipient of",
    letters(
      ["sent", { ...m, ...to("a@x", { userId: "u" }) }],
      ["delivered", m],
      ["opened", m],
      ["clicked", { ...m, metadata: { userId: "u" } }],
    ),
    [1, 1, 1],
  ],
  [
    "an address that is a user's id after a control character",
    letters(
      ["sent", { ...m, ...to("a@x", { userId: "u" }) }],
      ["sent", { ...m, ...to("\u0000u") }],
      ["delivered", { ...m, ...to("\u0000u") }],
      ["opened", { ...m, ...to("b@x") }],
    ),
    [2, 1, 1],
  ],
  [
    "users in the place of addresses that were named beside them",
    letters(
      ["sent", { ...m, ...to("a@x", { userId: "u" }) }],
      ["sent", { ...m, ...to("b@x", { userId: "v" }) }],
      ["delivered", { ...m, ...to("a@x") }],
      ["opened", { ...m, metadata: { userId: "u" } }],
      ["opened", { ...m, ...to("a@x") }],
    ),
    [2, 1, 1],
  ],
  [
    "recipients alone, each with mails of their own",
    letters(
      ["sent", to("a@x")],
      ["sent", to("b@x")],
      ["delivered", to("a@x")],
      ["opened", to("a@x")],
      ["opened", to("a@x")],
    ),
    [2, 1, 1],
  ],
  [
    "three mails to one user, one after the other",
    letters(
      ...[1, 2, 3].flatMap(() =>
        ["sent", "delivered"].map((type) => [type, { metadata: { userId: "u" } }] as const),
      ),
      ["opened", { metadata: { userId: "u" } }],
    ),
    [3, 3, 1],
  ],
  [
    "three mails to one user at once, delivered later",
    letters(
      ...["sent", "sent", "sent", "delivered", "delivered", "delivered"].map(
        (type) => [type, to("a@x")] as const,
      ),
    ),
    [3, 3, 0],
  ],
  [
    "a campaign, by recipient and by user",
    letters(
      ["sent", to("a@x", { userId: "u", campaignId: "c" })],
      ["sent", to("b@x", { campaignId: "c" })],
      ["delivered", to("a@x", { campaignId: "c" })],
      ["opened", { metadata: { userId: "u", campaignId: "c" } }],
    ),
    [2, 1, 1],
  ],
  [
    "a template, beside campaigns without a name",
    letters(
      ["sent", to("a@x", { templateId: "t", campaignId: "" })],
      ["delivered", to("a@x", { templateId: "t" })],
      ["opened", to("a@x", { templateId: "t", campaignId: null })],
    ),
    [1, 1, 1],
  ],
])("counts the mails of %s", (_name, list, counted) => {
  for (const each of [list, list.toReversed()]) {
    const { sent, delivered, opened } = report(each, { limit: 1 }).total;
    expect([sent, delivered, opened.unique]).toEqual(counted);
  }
});
