import { FoldOverflow } from "../fold.ts";

/** The most mails of a report: about 300 bytes of memory each. */
export const maxMails = 1_000_000;

/** The change that an event makes to its mail. */
export interface Note {
  readonly what:
    | "sent"
    | "delivered"
    | "hard"
    | "soft"
    | "undetermined"
    | "complained"
    | "unsubscribed"
    | "opens"
    | "clicks";
  /** How many opens and clicks it counts as, and whether a machine made them. */
  readonly byMachine: boolean;
  /** For `sent`: whether the report counts the mail. */
  readonly counted: boolean;
}

const fields = 6;
const firstSize = 1_024;
const [groupField, bitsField] = [0, 1];
const counters = { opensByHuman: 2, opensByMachine: 3, clicksByHuman: 4, clicksByMachine: 5 };
const [deliveredField, bouncedField] = [0, 1];

/** The group of a mail whose group is not known yet. */
export const noGroup = 0xffff_ffff;

/** The mails of a report in the making, and what happened to each. Mails have numbers from 0. */
export class Mails {
  readonly #limit: number;
  #cells = new Uint32Array(firstSize * fields);
  /** The last instants of a mail's delivery and of its bounce, hard bounces aside. */
  #instants = new Float64Array(firstSize * 2).fill(-Infinity);
  #count = 0;

  constructor(limit = maxMails) {
    this.#limit = limit;
  }

  get count(): number {
    return this.#count;
  }

  /** Adds a mail. @throws FoldOverflow */
  add(): number {
    const mail = this.#count;
    if (mail === this.#limit) {
      throw new FoldOverflow(`more than ${this.#limit} mails; ask for a shorter range`);
    }
    if ((mail + 1) * fields > this.#cells.length) {
      const larger = new Uint32Array(this.#cells.length * 2);
      larger.set(this.#cells);
      this.#cells = larger;
      const instants = new Float64Array(this.#instants.length * 2).fill(-Infinity);
      instants.set(this.#instants);
      this.#instants = instants;
    }
    this.#cells[mail * fields + groupField] = noGroup;
    this.#count += 1;
    return mail;
  }

  groupOf(mail: number): number {
    return this.#cells[mail * fields + groupField]!;
  }

  setGroup(mail: number, group: number): void {
    this.#cells[mail * fields + groupField] = group;
  }

  note(mail: number, { what, byMachine, counted }: Note, instant: number): void {
    if (what === "opens" || what === "clicks") {
      this.#increment(mail, counters[`${what}By${byMachine ? "Machine" : "Human"}`], 1);
      return;
    }
    this.#setBits(mail, happened[what] | (counted ? happened.counted : 0));
    if (what === "delivered") this.#late(mail, deliveredField, instant);
    if (what === "soft" || what === "undetermined") this.#late(mail, bouncedField, instant);
  }

  /** Moves the notes of one mail to another; its group stays. */
  merge(from: number, into: number): void {
    this.#setBits(into, this.#cells[from * fields + bitsField]!);
    for (const counter of Object.values(counters)) {
      this.#increment(into, counter, this.#cells[from * fields + counter]!);
    }
    for (const field of [deliveredField, bouncedField]) {
      this.#late(into, field, this.#instants[from * 2 + field]!);
    }
    this.#cells[from * fields + bitsField] = happened.elsewhere;
  }

  state(mail: number): MailState {
    const at = mail * fields;
    const cell = (field: number) => this.#cells[at + field]!;
    return {
      bits: cell(bitsField),
      opensByHuman: cell(counters.opensByHuman),
      opensByMachine: cell(counters.opensByMachine),
      clicksByHuman: cell(counters.clicksByHuman),
      clicksByMachine: cell(counters.clicksByMachine),
      deliveredLast:
        this.#instants[mail * 2 + deliveredField]! > this.#instants[mail * 2 + bouncedField]!,
    };
  }

  #setBits(mail: number, bits: number): void {
    this.#cells[mail * fields + bitsField]! |= bits;
  }

  #increment(mail: number, counter: number, times: number): void {
    this.#cells[mail * fields + counter]! += times;
  }

  #late(mail: number, field: number, instant: number): void {
    const at = mail * 2 + field;
    if (instant > this.#instants[at]!) this.#instants[at] = instant;
  }
}

/** What happened to a mail, as bits. */
export const happened = {
  sent: 1,
  delivered: 2,
  hard: 4,
  soft: 8,
  undetermined: 16,
  complained: 32,
  unsubscribed: 64,
  /** The report counts the mail. */
  counted: 128,
  /** The notes of this mail were moved to another one. */
  elsewhere: 256,
} as const;

/** One mail: what happened to it, and how often it was opened and clicked. */
interface MailState {
  readonly bits: number;
  readonly opensByHuman: number;
  readonly opensByMachine: number;
  readonly clicksByHuman: number;
  readonly clicksByMachine: number;
  /** Whether it was delivered later than it bounced, hard bounces aside. */
  readonly deliveredLast: boolean;
}

/** The numbers of a tally. */
export type MailCounts = Omit<MailTally, "add" | "merge">;

/** The sum of mails. */
export class MailTally {
  sent = 0;
  delivered = 0;
  hard = 0;
  soft = 0;
  undetermined = 0;
  recovered = 0;
  opened = 0;
  openedByHuman = 0;
  openedByMachine = 0;
  opensByHuman = 0;
  opensByMachine = 0;
  clicked = 0;
  clickedByHuman = 0;
  clickedByMachine = 0;
  clicksByHuman = 0;
  clicksByMachine = 0;
  /** Opened or clicked by a person: a click counts as a read even without a recorded open. */
  readByHuman = 0;
  complained = 0;
  unsubscribed = 0;

  /** Takes over the numbers of other mails. */
  merge(other: Readonly<Record<keyof MailCounts, number>>): void {
    for (const name of Object.keys(other) as (keyof MailCounts)[]) this[name] += other[name];
  }

  /** Adds one mail. A mail that bounced in several ways counts under the worst of them. */
  add(mail: MailState): void {
    const { bits, opensByHuman, opensByMachine, clicksByHuman, clicksByMachine } = mail;
    const has = (bit: number) => (bits & bit) !== 0;
    this.sent += Number(has(happened.sent));
    this.delivered += Number(has(happened.delivered));
    if (has(happened.hard)) this.hard += 1;
    else if (has(happened.soft)) this.soft += 1;
    else if (has(happened.undetermined)) this.undetermined += 1;
    const bouncedSoftly = has(happened.soft) && !has(happened.hard);
    if (bouncedSoftly && mail.deliveredLast) this.recovered += 1;
    this.opened += Number(opensByHuman + opensByMachine > 0);
    this.openedByHuman += Number(opensByHuman > 0);
    this.openedByMachine += Number(opensByMachine > 0);
    this.opensByHuman += opensByHuman;
    this.opensByMachine += opensByMachine;
    this.clicked += Number(clicksByHuman + clicksByMachine > 0);
    this.clickedByHuman += Number(clicksByHuman > 0);
    this.clickedByMachine += Number(clicksByMachine > 0);
    this.clicksByHuman += clicksByHuman;
    this.clicksByMachine += clicksByMachine;
    this.readByHuman += Number(opensByHuman + clicksByHuman > 0);
    this.complained += Number(has(happened.complained));
    this.unsubscribed += Number(has(happened.unsubscribed));
  }
}
