/** What happened to a mail, as bits. */
export const happened = {
  sent: 1,
  delivered: 2,
  hard: 4,
  soft: 8,
  undetermined: 16,
  complained: 32,
  unsubscribed: 64,
  /** It belongs to the mails that the report is about. */
  counted: 128,
  /** What was noted at it is of another mail. */
  elsewhere: 256,
} as const;

/** One mail: what happened to it, and how often it was opened and clicked. */
export interface MailState {
  readonly bits: number;
  readonly opensByHuman: number;
  readonly opensByMachine: number;
  readonly clicksByHuman: number;
  readonly clicksByMachine: number;
  /** Whether it was delivered later than it bounced, hard bounces aside. */
  readonly deliveredLast: boolean;
}

/** Mails added up. */
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
  /** Opened or clicked by a person: who clicks has read, seen or not. */
  readByHuman = 0;
  complained = 0;
  unsubscribed = 0;

  /** Take in one mail. One that bounced in several ways counts as the worst of them. */
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
