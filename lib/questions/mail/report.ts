import type { MailTally } from "./mails.ts";

/** How often mails were opened or clicked. `unique` counts mails, `total` events. */
export interface Engagement {
  readonly unique: number;
  readonly total: number;
  readonly human: { readonly unique: number; readonly total: number };
  readonly machine: { readonly unique: number; readonly total: number };
}

/**
 * What happened to some mails. All numbers but the totals of opens and clicks count mails, each
 * once.
 */
export interface MailNumbers {
  readonly sent: number;
  readonly delivered: number;
  readonly bounced: {
    /** The sum of the three kinds of bounces. */
    readonly total: number;
    readonly hard: number;
    readonly soft: number;
    readonly undetermined: number;
    /** Soft bounces that a later attempt delivered. */
    readonly recovered: number;
  };
  readonly opened: Engagement;
  readonly clicked: Engagement;
  readonly complained: number;
  readonly unsubscribed: number;
  readonly rates: MailRates;
}

/** Shares from 0 to 1; `null` where the whole is 0. Defined in docs/mail-report.md. */
export interface MailRates {
  readonly delivery: number | null;
  readonly bounce: number | null;
  readonly hardBounce: number | null;
  readonly open: number | null;
  readonly openWithMachines: number | null;
  readonly click: number | null;
  readonly clickWithMachines: number | null;
  readonly clickToOpen: number | null;
  readonly complaint: number | null;
  readonly unsubscribe: number | null;
}

export interface MailRow extends MailNumbers {
  /** The value that the mails have in common; `null` for those without one. */
  readonly group: string | null;
}

export interface MailReport {
  /** The groups with the most sent mails first, at most the question's `limit`. */
  readonly rows: readonly MailRow[];
  /** The totals of all groups. */
  readonly total: MailNumbers;
  /** The number of groups. */
  readonly groups: number;
}

/** The numbers and rates of a tally. */
export function mailNumbers(tally: MailTally): MailNumbers {
  const { sent, delivered, hard, soft, undetermined, recovered } = tally;
  const bounced = hard + soft + undetermined;
  const { opened, openedByHuman, openedByMachine, opensByHuman, opensByMachine } = tally;
  const { clicked, clickedByHuman, clickedByMachine, clicksByHuman, clicksByMachine } = tally;
  return {
    sent,
    delivered,
    bounced: { total: bounced, hard, soft, undetermined, recovered },
    opened: {
      unique: opened,
      total: opensByHuman + opensByMachine,
      human: { unique: openedByHuman, total: opensByHuman },
      machine: { unique: openedByMachine, total: opensByMachine },
    },
    clicked: {
      unique: clicked,
      total: clicksByHuman + clicksByMachine,
      human: { unique: clickedByHuman, total: clicksByHuman },
      machine: { unique: clickedByMachine, total: clicksByMachine },
    },
    complained: tally.complained,
    unsubscribed: tally.unsubscribed,
    rates: {
      delivery: share(delivered, sent),
      bounce: share(bounced - recovered, sent),
      hardBounce: share(hard, sent),
      open: share(openedByHuman, delivered),
      openWithMachines: share(opened, delivered),
      click: share(clickedByHuman, delivered),
      clickWithMachines: share(clicked, delivered),
      clickToOpen: share(clickedByHuman, tally.readByHuman),
      complaint: share(tally.complained, delivered),
      unsubscribe: share(tally.unsubscribed, delivered),
    },
  };
}

function share(part: number, of: number): number | null {
  return of === 0 ? null : part / of;
}
