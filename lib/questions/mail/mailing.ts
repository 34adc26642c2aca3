import type { Mails } from "./mails.ts";

/** The addressee that an event names: by address, by user, by both or not at all. */
interface Addressee {
  /** The address, in lower case. */
  readonly recipient?: string;
  readonly user?: string;
}

/**
 * The mails under one correlation, or under one campaign and template: one for each recipient, whom
 * events name by address or, without one, by user. Until all events are known, the mails of
 * addresses, of users and of nobody are kept apart; `settle` then joins those that are one mail.
 */
export class Mailing {
  readonly #ofCorrelation: boolean;
  /**
   * The first mail, by address, or by user where its event has no address. The usual mailing of one
   * mail needs no map.
   */
  #first: { readonly who: string; readonly mail: number } | undefined;
  #others: Map<string, number> | undefined;
  /**
   * The first user that was named beside an address, and the addresses of further users; of several
   * addresses the smallest.
   */
  #user: string | undefined;
  #address: string | undefined;
  #addresses: Map<string, string> | undefined;

  /**
   * @param ofCorrelation whether events that name nobody, or a user without a known address, may
   *   still belong to one mail
   */
  constructor(ofCorrelation: boolean) {
    this.#ofCorrelation = ofCorrelation;
  }

  /**
   * The mail of an event.
   * @throws FoldOverflow
   */
  mailOf({ recipient, user }: Addressee, mails: Mails): number {
    if (recipient !== undefined && user !== undefined) this.#link(user, recipient);
    const who = recipient ?? (user === undefined ? nobody : userMark + user);
    if (this.#first?.who === who) return this.#first.mail;
    const known = this.#others?.get(who);
    if (known !== undefined) return known;
    const mail = mails.add();
    if (this.#first === undefined) this.#first = { who, mail };
    else (this.#others ??= new Map<string, number>()).set(who, mail);
    return mail;
  }

  /** Joins the parts of each mail. Called once, after the last event. */
  settle(merge: (from: number, into: number) => void): void {
    if (this.#others === undefined) return;
    const all = new Map([[this.#first!.who, this.#first!.mail], ...this.#others]);
    const users = [...all.keys()].filter(isUser);
    const recipients = all.size - users.length - Number(all.has(nobody));
    const isOne =
      this.#ofCorrelation && (recipients === 1 || (recipients === 0 && users.length < 2));
    const only = [...all.keys()].find((who) => !isUser(who) && who !== nobody) ?? users[0];
    for (const [who, mail] of all) {
      const whose = isOne ? only : isUser(who) ? this.#addressOf(who.slice(1)) : undefined;
      if (whose !== undefined && whose !== who) merge(mail, all.get(whose)!);
    }
  }

  #addressOf(user: string): string | undefined {
    return this.#user === user ? this.#address : this.#addresses?.get(user);
  }

  #link(user: string, recipient: string): void {
    const known = this.#addressOf(user);
    if (known !== undefined && known <= recipient) return;
    if (this.#user === undefined || this.#user === user) {
      this.#user = user;
      this.#address = recipient;
    } else (this.#addresses ??= new Map<string, string>()).set(user, recipient);
  }
}

const nobody = "";

/** Precedes users, to tell them from addresses: these are trimmed, so none begins with a space. */
const userMark = " ";

function isUser(who: string): boolean {
  return who.startsWith(userMark);
}
