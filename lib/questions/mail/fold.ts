import type { PropertyPath } from "../../event/property-path.ts";
import { actorOf } from "../sequences/actor.ts";
import { FoldOverflow, type Cell, type Column, type Fold } from "../fold.ts";
import { mailNumbers, type MailReport } from "./report.ts";
import { isOfShare, wholeShare, type Share } from "../share.ts";
import { LooseMails } from "./loose-mails.ts";
import { happened, MailTally, Mails, noGroup, type MailCounts, type Note } from "./mails.ts";
import { Mailing } from "./mailing.ts";

/** A mail report as plain data. Its events are those of `mailTypes`. */
export interface MailJob {
  readonly kind: "mail";
  /** The property that mails are grouped by; absent: all mails are one group. */
  readonly groupBy?: PropertyPath;
  /** The most groups in an answer. */
  readonly limit: number;
  /**
   * Counts only mails sent within this range, epoch milliseconds, half open; absent: all mails of
   * the events.
   */
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
  { field: "timestamp" },
  { field: "correlationId" },
  { path: ["metadata", "recipient"] },
  { path: ["metadata", "userId"] },
  { field: "user" },
  { path: ["metadata", "campaignId"] },
  { path: ["metadata", "templateId"] },
  { path: ["context", "machine"] },
  { path: ["data", "kind"] },
  { path: ["data", "bounceType"] },
  { path: ["data", "code"] },
];

/**
 * Counts what happened to mails. A mail is what one recipient got under one `correlationId`, else
 * under one campaign and template (`Mailing`). Where events name none of these, the order of events
 * tells mails apart (`LooseMails`); where they name no recipient either, each event is a mail of
 * its own. A mail's group comes from any of its events, so that an open without a campaign counts
 * for the campaign that was sent. Where the events disagree, the smallest group counts, so that the
 * order of events does not matter.
 */
export function mailFold(
  { groupBy, limit, sentWithin }: MailJob,
  share: Share = wholeShare,
): Fold<MailReport> {
  const mails = new Mails();
  const mailings = new Map<string, Mailing>();
  const loose = new LooseMails();
  const groups = new Groups();
  const parts: MailPart[] = [];

  function mailingOf(key: string, ofCorrelation: boolean): Mailing {
    let mailing = mailings.get(key);
    if (mailing === undefined) mailings.set(key, (mailing = new Mailing(ofCorrelation)));
    return mailing;
  }

  function join(mail: number, group: number): void {
    const known = mails.groupOf(mail);
    if (known === noGroup || groups.isBefore(group, known)) mails.setGroup(mail, group);
  }

  function settle(): void {
    const merge = (from: number, into: number) => {
      mails.merge(from, into);
      if (mails.groupOf(from) !== noGroup) join(into, mails.groupOf(from));
    };
    for (const mailing of mailings.values()) mailing.settle(merge);
    loose.settle(mails, (mail, { note, instant, group }) => {
      mails.note(mail, note, instant);
      if (group !== undefined) join(mail, groups.numberOf(group));
    });
  }

  /** The tally of all mails, and the tally of each group. */
  function tallied(): {
    readonly total: MailTally;
    readonly tallies: ReadonlyMap<number, MailTally>;
  } {
    settle();
    const total = new MailTally();
    const tallies = new Map<number, MailTally>();
    const tallyOf = (group: number) => {
      let tally = tallies.get(group);
      if (tally === undefined) tallies.set(group, (tally = new MailTally()));
      return tally;
    };
    for (let mail = 0; mail < mails.count; mail++) {
      const state = mails.state(mail);
      if ((state.bits & happened.elsewhere) !== 0) continue;
      if (sentWithin !== undefined && (state.bits & happened.counted) === 0) continue;
      total.add(state);
      if (groupBy !== undefined) tallyOf(mails.groupOf(mail)).add(state);
    }
    for (const part of parts) {
      total.merge(part.total);
      for (const [group, counts] of part.groups) {
        tallyOf(group === null ? noGroup : groups.numberOf(group)).merge(counts);
      }
    }
    return { total, tallies };
  }

  return {
    columns: [...columns, ...(groupBy === undefined ? [] : [{ path: groupBy }])],

    add(row) {
      const [, timestamp, correlationId, address, userId, user, campaign, template] = row;
      const instant = timestamp as number;
      const note = noteOf(row, isWithin(sentWithin, instant));
      if (note === undefined) return;
      const value = row[columns.length];
      const group = isNamed(value) ? String(value) : undefined;
      const recipient = addressOf(address);
      let mail: number;
      if (typeof correlationId === "string") {
        if (!isOfShare(share, correlationId)) return;
        // A reader in a browser has an anonymous id, which differs from the addressee's.
        const addressee = { recipient, user: actorOf(userId) };
        mail = mailingOf(`m${correlationId}`, true).mailOf(addressee, mails);
      } else {
        const who = recipient ?? actorOf(user);
        if (who === undefined) {
          // The event is a mail of its own, without a name: it counts in the first share.
          if (share.part !== 0) return;
          mail = mails.add();
        } else if (isNamed(campaign) || isNamed(template)) {
          const key = JSON.stringify(
            [campaign, template].map((one) => (isNamed(one) ? one : null)),
          );
          if (!isOfShare(share, key)) return;
          mail = mailingOf(key, false).mailOf({ recipient, user: actorOf(user) }, mails);
        } else {
          const key = `${recipient === undefined ? "u" : "r"}${who}`;
          if (isOfShare(share, key)) loose.add(key, { instant, note, group });
          return;
        }
      }
      mails.note(mail, note, instant);
      if (group !== undefined) join(mail, groups.numberOf(group));
    },

    partial(): MailPart {
      const { total, tallies } = tallied();
      const of = [...tallies].map(([group, tally]) => [groups.nameOf(group), tally] as const);
      return { total, groups: of, named: groups.names };
    },

    merge(part: MailPart) {
      parts.push(part);
      for (const name of part.named) groups.numberOf(name);
    },

    finish() {
      const { total, tallies } = tallied();
      const rows = [...tallies]
        .map(([group, tally]) => ({ group: groups.nameOf(group), ...mailNumbers(tally) }))
        .sort((a, b) => b.sent - a.sent || compare(a.group, b.group));
      return { rows: rows.slice(0, limit), total: mailNumbers(total), groups: rows.length };
    },
  };
}

/**
 * The counts of some mails: of all of them, and of each group (`null` for mails without a group).
 */
interface MailPart {
  readonly total: MailCounts;
  readonly groups: readonly (readonly [group: string | null, counts: MailCounts])[];
  /** Every group that an event named. */
  readonly named: readonly string[];
}

const noted: Readonly<Record<string, Note["what"]>> = {
  "email.sent": "sent",
  "email.delivered": "delivered",
  "email.opened": "opens",
  "email.clicked": "clicks",
  "email.complained": "complained",
  "email.unsubscribed": "unsubscribed",
};

function noteOf(row: readonly Cell[], isWithinRange: boolean): Note | undefined {
  const [type, , , , , , , , machine, kind, bounceType, code] = row;
  const name = type as string;
  const isBounce = name === "email.bounced";
  const what = isBounce ? bounceOf(kind, bounceType, code) : noted[name];
  const counted = what === "sent" && isWithinRange;
  return what && { what, counted, byMachine: machine === true };
}

/**
 * An address in the form in which mail systems compare it; in theory the part before the @ may be
 * case-sensitive.
 */
function addressOf(recipient: Cell): string | undefined {
  const address = typeof recipient === "string" ? recipient.trim().toLowerCase() : "";
  return address === "" ? undefined : address;
}

function isNamed(name: Cell): boolean {
  return name !== undefined && name !== null && name !== "";
}

/** The groups of mails, each with a number. */
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

  get names(): readonly string[] {
    return this.#names;
  }

  isBefore(one: number, other: number): boolean {
    return one !== other && this.#names[one]! < this.#names[other]!;
  }

  nameOf(number: number): string | null {
    return this.#names[number] ?? null;
  }
}

/**
 * Whether a mail bounced for good: by `data.kind` or `data.bounceType` in the words that senders
 * use, else by the class of the enhanced status code in `data.code` (RFC 3463, 3.1: 5 is permanent,
 * 4 is not).
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

function isWithin(range: MailJob["sentWithin"], instant: number): boolean {
  return range !== undefined && instant >= range.from && instant < range.to;
}

/** Compares by code unit; no group comes last. */
function compare(a: string | null, b: string | null): number {
  if (a === null || b === null) return Number(a === null) - Number(b === null);
  return a < b ? -1 : Number(a > b);
}
