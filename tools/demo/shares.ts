/**
 * How often things happen. Each with the figures of the field that it is modelled on; senders
 * differ by a factor of three either way.
 */
export const shares = {
  /**
   * Of sent: the address or the domain does not exist. Mailchimp's average over all customers was
   * 0.4 % (2019), its industries range to 0.9 %.
   */
  hardBounce: 0.007,
  /** Of sent: full, busy, or slowing the sender down. Mailchimp: 0.6 % on average, to 1.3 %. */
  softBounce: 0.018,
  /**
   * Of soft bounces: delivered by a later attempt. With these three 98 % of the mails are
   * delivered, the usual figure.
   */
  recovered: 1 / 3,
  /**
   * Of delivered marketing mails: read by a person, seen or not. Open rates of 20-23 % were
   * reported before Apple's relays, 35-36 % with them (Mailchimp).
   */
  marketingRead: 0.22,
  /** Of delivered transactional mails: people wait for them. */
  transactionalRead: 0.6,
  /**
   * Of delivered to Apple Mail with privacy on: loaded by the relay, read or not. Devices that are
   * off or on cellular data leave the rest.
   */
  relayed: 0.93,
  /** Of opens in a program that loads each time: followed by another. */
  reopened: 0.25,
  /**
   * Of read marketing mails: a link is followed. Makes 2.6 % of delivered; Mailchimp's averages are
   * 2.6-2.9 %.
   */
  marketingClick: 0.12,
  /** Of read transactional mails. */
  transactionalClick: 0.3,
  /** Of scanned mails: the gateway follows links as well. */
  scannerClick: 0.5,
  /**
   * Of delivered marketing mails: reported as spam. Gmail asks senders to stay below 0.10 %;
   * averages are 0.02-0.04 %.
   */
  complaint: 0.0006,
  /** Of delivered marketing mails. Mailchimp's average is 0.25 %. */
  unsubscribe: 0.0025,
} as const;

/** Median delays in milliseconds and the deviation of their logarithm. */
export const delays = {
  delivered: [2_500, 0.9],
  hardBounce: [1_800, 0.7],
  softBounce: [6_000, 1],
  /** Mail servers wait longer after each attempt (RFC 5321, 4.5.4.1: half an hour at least). */
  recovered: [45 * 60_000, 0.8],
  scanned: [6_000, 0.6],
  relayed: [12 * 60_000, 1.3],
  /**
   * A quarter to a third within the first hour, half after three to six, 80 % after a day
   * (Mailchimp, MailerMailer, GetResponse).
   */
  marketingRead: [4 * 3_600_000, 1.9],
  transactionalRead: [6 * 60_000, 1.6],
  reopened: [5 * 3_600_000, 1.2],
  click: [40_000, 1],
  unsubscribe: [60_000, 0.9],
  complaint: [30_000, 1],
} as const satisfies Record<string, readonly [medianMs: number, sigma: number]>;

export type Step = keyof typeof delays;

/** What the shares above come to, counted over 20,000 mails; for planning a rate. */
export const eventsPerMail = 2.6;
