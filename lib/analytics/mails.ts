import { FoldOverflow } from "./fold.ts";
import type { MailState } from "./mail-tally.ts";

/** The most mails of a report: about 150 bytes of memory each. */
export const maxMails = 1_500_000;

const fields = 6;
const firstSize = 1_024;
const [groupField, bitsField] = [0, 1];
const counters = { opensByHuman: 2, opensByMachine: 3, clicksByHuman: 4, clicksByMachine: 5 };

/** Of a mail that no group is known of yet. */
export const noGroup = 0xffff_ffff;

/** The mails of a report while it is made: what happened to each. Mails have numbers from 0. */
export class Mails {
  readonly #limit: number;
  readonly #byCorrelation = new Map<string, number>();
  readonly #byRecipient = new Map<string, number>();
  #cells = new Uint32Array(firstSize * fields);
  #count = 0;

  constructor(limit = maxMails) {
    this.#limit = limit;
  }

  get count(): number {
    return this.#count;
  }

  /** The mail of a correlation. @throws FoldOverflow */
  ofCorrelation(correlationId: string): number {
    return this.#known(this.#byCorrelation, correlationId);
  }

  /** What one recipient got of one campaign and template, as a text. @throws FoldOverflow */
  ofRecipient(key: string): number {
    return this.#known(this.#byRecipient, key);
  }

  /** A mail of which there is one event only. @throws FoldOverflow */
  add(): number {
    const mail = this.#count;
    if (mail === this.#limit) {
      throw new FoldOverflow(`more than ${this.#limit} mails; ask for a shorter range`);
    }
    if ((mail + 1) * fields > this.#cells.length) {
      const larger = new Uint32Array(this.#cells.length * 2);
      larger.set(this.#cells);
      this.#cells = larger;
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

  setBit(mail: number, bit: number): void {
    this.#cells[mail * fields + bitsField]! |= bit;
  }

  increment(mail: number, counter: keyof typeof counters): void {
    this.#cells[mail * fields + counters[counter]]! += 1;
  }

  state(mail: number): MailState {
    const at = mail * fields;
    const [bits, opensByHuman, opensByMachine, clicksByHuman, clicksByMachine] =
      this.#cells.subarray(at + bitsField, at + fields) as unknown as [
        number,
        number,
        number,
        number,
        number,
      ];
    return { bits, opensByHuman, opensByMachine, clicksByHuman, clicksByMachine };
  }

  #known(mails: Map<string, number>, key: string): number {
    let mail = mails.get(key);
    if (mail === undefined) {
      mail = this.add();
      mails.set(key, mail);
    }
    return mail;
  }
}
