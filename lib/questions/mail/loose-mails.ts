import { FoldOverflow } from "../fold.ts";
import { maxMails, type Mails, type Note } from "./mails.ts";

/** An event of a mail that names only the recipient. */
interface Loose {
  readonly instant: number;
  readonly note: Note;
  readonly group: string | undefined;
}

/**
 * Events that name neither a correlation nor a campaign or template, but a recipient. Their order
 * tells the mails apart: each `sent` begins a mail; what the receiving server reports belongs to
 * the oldest mail that it has not yet accepted or refused for good; what the reader does belongs to
 * the latest mail. An event without any mail before it begins one.
 */
export class LooseMails {
  readonly #byRecipient = new Map<string, Loose[]>();
  #count = 0;

  /** @throws FoldOverflow */
  add(recipient: string, loose: Loose): void {
    if (++this.#count > maxMails) {
      throw new FoldOverflow(
        `more than ${maxMails} events of mails without a correlation or campaign`,
      );
    }
    const known = this.#byRecipient.get(recipient);
    if (known === undefined) this.#byRecipient.set(recipient, [loose]);
    else known.push(loose);
  }

  /**
   * Turns the events into mails.
   * @throws FoldOverflow
   */
  settle(mails: Mails, noted: (mail: number, loose: Loose) => void): void {
    for (const events of this.#byRecipient.values()) {
      const open: number[] = [];
      let taken = 0;
      let latest: number | undefined;
      for (const loose of events.sort(inOrder)) {
        const { what } = loose.note;
        const isEnd = what === "delivered" || what === "hard";
        const isAnswer = isEnd || what === "soft" || what === "undetermined";
        let mail = what === "sent" ? undefined : isAnswer ? open[taken] : latest;
        if (isEnd && mail !== undefined) taken += 1;
        if (mail === undefined && isAnswer && what !== "delivered") mail = latest;
        if (mail === undefined) {
          mail = mails.add();
          if (what === "sent" || (isAnswer && !isEnd)) open.push(mail);
        }
        if (latest === undefined || what === "sent" || what === "delivered") latest = mail;
        noted(mail, loose);
      }
    }
  }
}

const order: readonly Note["what"][] = [
  "sent",
  "soft",
  "undetermined",
  "delivered",
  "hard",
  "opens",
  "clicks",
  "complained",
  "unsubscribed",
];

/**
 * Orders by instant; within one instant in the order of a mail's life, and then independently of
 * how the events came.
 */
function inOrder(a: Loose, b: Loose): number {
  return (
    a.instant - b.instant ||
    order.indexOf(a.note.what) - order.indexOf(b.note.what) ||
    Number(a.note.byMachine) - Number(b.note.byMachine) ||
    Number(a.note.counted) - Number(b.note.counted) ||
    compare(keyOf(a.group), keyOf(b.group))
  );
}

/** Orders mails without a group first. */
function keyOf(group: string | undefined): string {
  return group === undefined ? "" : `=${group}`;
}

function compare(a: string, b: string): number {
  return a < b ? -1 : Number(a > b);
}
