import { FoldOverflow } from "../fold.ts";
import { maxMails, type Mails, type Note } from "./mails.ts";

/** Something that happened to a mail of which nothing but the recipient is known. */
interface Loose {
  readonly instant: number;
  readonly note: Note;
  readonly group: string | undefined;
}

/**
 * Events that name neither a correlation nor a campaign or template, but a recipient. They are
 * reported apart by their order: each `sent` begins a mail; what the receiving server said is of
 * the oldest mail that it has not taken or refused for good yet; what the reader did is of the
 * latest mail. What has no mail yet begins one.
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

  /** Make mails of them. @throws FoldOverflow */
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
 * By instant; of one instant as a mail goes, and then in any order that does not depend on how they
 * came.
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

/** Mails without a group come first. */
function keyOf(group: string | undefined): string {
  return group === undefined ? "" : `=${group}`;
}

function compare(a: string, b: string): number {
  return a < b ? -1 : Number(a > b);
}
