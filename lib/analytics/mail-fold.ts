import type { PropertyPath } from "../store/store.ts";
import { FoldOverflow, type Cell, type Column, type Fold } from "./fold.ts";
import { mailNumbers, type MailReport } from "./mail-report.ts";
import { happened, MailTally } from "./mail-tally.ts";
import { Mails, noGroup } from "./mails.ts";

/** A mail report as plain data. The events it is to be given are those of `mailTypes`. */
export interface MailJob {
  readonly kind: "mail";
  /** What mails are grouped by; all are one group where it is absent. */
  readonly groupBy?: PropertyPath;
  /** How many groups are told. */
  readonly limit: number;
  /** Only mails sent within this range, epoch milliseconds, half open; else whatever the events are about. */
  readonly sentWithin?: { readonly from: number; readonly to: number };
}

export const mailTypes = [
  "email.sent",
  "email.delivered",
  "email.bounced",
  "email.opened",
  "email.clicked",
  "email.complained",
  "email.unsubscribed",
] as const;

const maxGroups = 10_000;

const columns: readonly Column[] = [
  { field: "type" },
  { field: "correlationId" },
  { field: "user" },
  { path: ["metadata", "campaignId"] },
  { path: ["metadata", "templateId"] },
  { path: ["context", "machine"] },
  { path: ["data", "kind"] },
  { path: ["data", "bounceType"] },
  { path: ["data", "code"] },
];

/**
 * Adds up what became of mails. Events belong to one mail by their `correlationId`; without one they are of
 * what a user got of one campaign and template, and without a user each is a mail of its own.
 *
 * A mail's group is what any of its events says, so that an open that does not name its campaign counts for
 * the campaign that was sent; where its events disagree it is the smallest, so the order does not matter.
 */
export function mailFold({ groupBy, limit, sentWithin }: MailJob): Fold<MailReport> {
  const mails = new Mails();
  const groups = new Groups();

  function mailOf(row: readonly Cell[]): number {
    const [, correlationId, user, campaign, template] = row;
    if (typeof correlationId === "string") return mails.ofCorrelation(correlationId);
    if (user === undefined) return mails.add();
    return mails.ofRecipient(JSON.stringify([user, campaign ?? null, template ?? null]));
  }

  function join(mail: number, value: Cell): void {
    if (value === undefined || value === null) return;
    const group = groups.numberOf(String(value));
    const known = mails.groupOf(mail);
    if (known === noGroup || groups.isBefore(group, known)) mails.setGroup(mail, group);
  }

  return {
    columns: [
      ...columns,
      ...(groupBy === undefined ? [] : [{ path: groupBy }]),
      ...(sentWithin === undefined ? [] : [{ field: "timestamp" } as const]),
    ],

    add(row) {
      const mail = mailOf(row);
      if (groupBy !== undefined) join(mail, row[columns.length]);
      const [type, , , , , machine, kind, bounceType, code] = row;
      switch (type) {
        case "email.opened":
          return mails.increment(mail, machine === true ? "opensByMachine" : "opensByHuman");
        case "email.clicked":
          return mails.increment(mail, machine === true ? "clicksByMachine" : "clicksByHuman");
        case "email.sent":
          if (isWithin(sentWithin, row.at(-1))) mails.setBit(mail, happened.counted);
          return mails.setBit(mail, happened.sent);
        case "email.delivered":
          return mails.setBit(mail, happened.delivered);
        case "email.bounced":
          return mails.setBit(mail, happened[bounceOf(kind, bounceType, code)]);
        case "email.complained":
          return mails.setBit(mail, happened.complained);
        case "email.unsubscribed":
          return mails.setBit(mail, happened.unsubscribed);
        default:
          return;
      }
    },

    finish() {
      const total = new MailTally();
      const tallies = new Map<number, MailTally>();
      for (let mail = 0; mail < mails.count; mail++) {
        const state = mails.state(mail);
        if (sentWithin !== undefined && (state.bits & happened.counted) === 0) continue;
        total.add(state);
        if (groupBy === undefined) continue;
        const group = mails.groupOf(mail);
        let tally = tallies.get(group);
        if (tally === undefined) tallies.set(group, (tally = new MailTally()));
        tally.add(state);
      }
      const rows = [...tallies]
        .map(([group, tally]) => ({ group: groups.nameOf(group), ...mailNumbers(tally) }))
        .sort((a, b) => b.sent - a.sent || compare(a.group, b.group));
      return { rows: rows.slice(0, limit), total: mailNumbers(total), groups: rows.length };
    },
  };
}

/** The values that mails are grouped by, each with a number. */
class Groups {
  readonly #numbers = new Map<string, number>();
  readonly #names: string[] = [];

  /** @throws FoldOverflow */
  numberOf(name: string): number {
    let number = this.#numbers.get(name);
    if (number === undefined) {
      number = this.#names.length;
      if (number === maxGroups) throw new FoldOverflow(`more than ${maxGroups} groups of mails`);
      this.#names.push(name);
      this.#numbers.set(name, number);
    }
    return number;
  }

  isBefore(one: number, other: number): boolean {
    return one !== other && this.#names[one]! < this.#names[other]!;
  }

  nameOf(number: number): string | null {
    return this.#names[number] ?? null;
  }
}

/**
 * Whether a mail bounced for good. By `data.kind` or `data.bounceType` in the words that senders use, else by the
 * class of the enhanced status code in `data.code` (RFC 3463, 3.1: 5 is permanent, 4 is not).
 */
export function bounceOf(
  kind: Cell,
  bounceType: Cell,
  code: Cell,
): "hard" | "soft" | "undetermined" {
  for (const word of [kind, bounceType]) {
    if (typeof word !== "string") continue;
    if (/^(?:hard|permanent)/i.test(word)) return "hard";
    if (/^(?:soft|transient|temporary)/i.test(word)) return "soft";
  }
  const status = String(code ?? "");
  if (/^5(?:\d\d|\.\d)/.test(status)) return "hard";
  return /^4(?:\d\d|\.\d)/.test(status) ? "soft" : "undetermined";
}

function isWithin(range: MailJob["sentWithin"], instant: Cell): boolean {
  return range !== undefined && Number(instant) >= range.from && Number(instant) < range.to;
}

/** By code unit; what has no group comes last. */
function compare(a: string | null, b: string | null): number {
  if (a === null || b === null) return Number(a === null) - Number(b === null);
  return a < b ? -1 : Number(a > b);
}
