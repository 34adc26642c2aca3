import { seeded, weighted, type Random } from "./random.ts";
import { marketing, transactional, type Template } from "./templates.ts";

/** One mail to be sent. */
export interface Sending {
  /** Epoch milliseconds. */
  readonly at: number;
  readonly template: Template;
}

export interface Span {
  readonly seed: number;
  readonly mails: number;
  /** Epoch milliseconds, half open. */
  readonly from: number;
  readonly to: number;
  /**
   * - `daily`: campaigns on working days, the rest by the time of day and the day of the week
   * - `steady`: as even as chance is
   */
  readonly shape: "daily" | "steady";
}

const hourMs = 3_600_000;
const dayMs = 24 * hourMs;
const scheduleStream = 2;

/** The share of mails that belong to campaigns: senders of both kinds send more of these. */
const campaignShare = 0.6;

/** A sender is throttled by the mailbox providers: a campaign goes out within this time. */
const campaignMs = 1.5 * hourMs;

/**
 * When campaigns go out, hours of UTC: mid-morning in Europe does best, afternoons reach America.
 */
const campaignHours = [8, 9, 14];

/** What people do that mails answer, by hour of UTC, against the busiest hour of 1. */
const byHour = [
  0.25, 0.2, 0.15, 0.12, 0.12, 0.2, 0.35, 0.55, 0.8, 0.95, 1, 0.95, 0.85, 0.9, 0.95, 0.95, 0.9,
  0.85, 0.8, 0.75, 0.65, 0.55, 0.45, 0.35,
];
const atWeekends = 0.55;

const templateOf = weighted(transactional);

/** When `mails` mails are sent, ascending, all of them within the span. */
export function schedule(span: Span): readonly Sending[] {
  const { seed, mails, from, to, shape } = span;
  const campaigns = shape === "daily" ? campaignsOf(span) : [];
  const sendings: Sending[] = [];
  for (let index = 0; index < mails; index++) {
    const random = seeded(seed, scheduleStream - Math.floor(from / 1_000), index);
    const inCampaign = random.chance(campaignShare);
    const campaign = inCampaign ? campaigns[random.below(campaigns.length)] : undefined;
    if (campaign !== undefined) {
      // More at first, as the queue drains: the square of an even number.
      const at = Math.floor(campaign.at + campaignMs * random.next() ** 2);
      sendings.push({ at, template: campaign.template });
    } else {
      const at = shape === "daily" ? byClock(from, to, random) : evenly(from, to, random);
      const template =
        inCampaign && shape === "steady"
          ? marketing[random.below(marketing.length)]!
          : templateOf(random);
      sendings.push({ at, template });
    }
  }
  return sendings.sort((one, other) => one.at - other.at);
}

const dayStream = 4;

/**
 * How many mails a day of UTC has where a day has `mean` of them on average: weekends have few, and no
 * day is quite like another.
 */
export function mailsOfDay(day: number, mean: number, seed: number): number {
  const random = seeded(seed, dayStream, day);
  const share = (isWeekend(day * dayMs) ? 0.25 : 1.3) * (0.8 + 0.4 * random.next());
  return Math.floor(mean * share + random.next());
}

/**
 * One campaign each working day, another on every third; none that could not end within the span.
 */
function campaignsOf({ from, to, seed }: Span): readonly Sending[] {
  const found: Sending[] = [];
  for (let day = Math.floor(from / dayMs); day * dayMs < to; day++) {
    if (isWeekend(day * dayMs)) continue;
    const random = seeded(seed, scheduleStream, -1 - day);
    const perDay = random.chance(1 / 3) ? 2 : 1;
    for (let count = 0; count < perDay; count++) {
      const at = day * dayMs + campaignHours[random.below(campaignHours.length)]! * hourMs;
      if (at < from || at + campaignMs > to) continue;
      const template = marketing[random.below(marketing.length)]!;
      const date = new Date(at).toISOString().slice(0, 10);
      found.push({ at, template: { ...template, campaignId: `${template.campaign}-${date}` } });
    }
  }
  return found;
}

/**
 * An instant by the time of day and of the week: drawn evenly, kept as often as that hour is busy.
 */
function byClock(from: number, to: number, random: Random): number {
  for (;;) {
    const at = evenly(from, to, random);
    const busy = byHour[Math.floor((at % dayMs) / hourMs)]! * (isWeekend(at) ? atWeekends : 1);
    if (random.chance(busy)) return at;
  }
}

function evenly(from: number, to: number, random: Random): number {
  return from + Math.floor(random.next() * (to - from));
}

function isWeekend(at: number): boolean {
  const day = new Date(at).getUTCDay();
  return day === 0 || day === 6;
}
