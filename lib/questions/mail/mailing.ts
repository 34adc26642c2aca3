import type { Mails } from "./mails.ts";

/** Whom an event names: an address, a user, both or neither. */
interface Addressee {
  /** The address, in lower case. */
  readonly recipient?: string;
  readonly user?: string;
}

/**
 * What was sent under one correlation, or as one campaign and template: a mail for each recipient,
 * whom its events name by address or, where they have none, by user. Until all events are known
 * what is said of each address, of each user and of nobody is kept apart; `settle` puts together
 * what is one mail.
 */
export class Mailing {
  readonly #ofCorrelation: boolean;
  /**
   * By address; by user where an event has no address. The usual mailing of one mail needs no map.
   */
  #first: { readonly who: string; readonly mail: number } | undefined;
  #others: Map<string, number> | undefined;
  /**
   * Of the first user that was named beside an address, and of others, that address; the smallest
   * of several.
   */
  #user: string | undefined;
  #address: string | undefined;
  #addresses: Map<string, string> | undefined;

  /**
   * @param ofCorrelation whether all that names nobody, or a user of no known address, may still be
   * of one mail
   */
  constructor(ofCorrelation: boolean) {
    this.#ofCorrelation = ofCorrelation;
  }

  /** The mail that an event is noted at. @throws FoldOverflow */
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

  /** Put together what is of one mail. To be called once, when all events are noted. */
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

/** In front of users, to tell them from addresses. */
const userMark = "\0";

function isUser(who: string): boolean {
  return who.startsWith(userMark);
}
