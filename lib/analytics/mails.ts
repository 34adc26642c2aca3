import { FoldOverflow } from "./fold.ts";
import { happened, type MailState } from "./mail-tally.ts";

/** The most mails of a report: about 300 bytes of memory each. */
export const maxMails = 1_000_000;

/** What an event says of its mail. */
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
  /** Of opens and clicks. */
  readonly byMachine: boolean;
  /** Of `sent`: whether the mail belongs to those that the report is about. */
  readonly counted: boolean;
}

const fields = 6;
const firstSize = 1_024;
const [groupField, bitsField] = [0, 1];
const counters = { opensByHuman: 2, opensByMachine: 3, clicksByHuman: 4, clicksByMachine: 5 };
const [deliveredField, bouncedField] = [0, 1];

/** Of a mail that no group is known of yet. */
export const noGroup = 0xffff_ffff;

/** The mails of a report while it is made: what happened to each. Mails have numbers from 0. */
export class Mails {
  readonly #limit: number;
  #cells = new Uint32Array(firstSize * fields);
  /** When each was delivered and when it bounced, but not hard, the last time. */
  #instants = new Float64Array(firstSize * 2).fill(-Infinity);
  #count = 0;

  constructor(limit = maxMails) {
    this.#limit = limit;
  }

  get count(): number {
    return this.#count;
  }

  /** One mail more. @throws FoldOverflow */
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

  /** What was noted at one mail is of another; the group stays. */
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
