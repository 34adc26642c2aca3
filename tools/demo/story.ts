import type { EventInput, JsonObject } from "../../lib/event/event.ts";
import { addressIn } from "./countries.ts";
import type { MailProgram } from "./mail-programs.ts";
import type { Person } from "./people.ts";
import { weighted, type Random } from "./random.ts";
import { delays, shares, type Step } from "./shares.ts";
import type { Template } from "./templates.ts";

export type MailEvent = EventInput & { readonly id: string; readonly timestamp: number };

/** One mail. Its id ties its events together (`correlationId`). */
export interface Mail {
  readonly id: string;
  /** When it is sent, epoch milliseconds. */
  readonly at: number;
  readonly template: Template;
  readonly person: Person;
}

/** What happened, before it is told as an event of its mail. */
interface Happening {
  readonly type: string;
  readonly at: number;
  readonly source: string;
  readonly data?: JsonObject;
  /** What a server saw of the client: joins `metadata`. */
  readonly seen?: JsonObject;
}

type Happenings<Found = void> = Generator<Happening, Found>;

/** Enhanced status codes (RFC 3463) and what servers say with them. */
const hardReasons = weighted([
  [{ code: "5.1.1", reason: "mailbox does not exist" }, 80],
  [{ code: "5.1.2", reason: "domain does not exist" }, 12],
  [{ code: "5.2.1", reason: "mailbox is disabled" }, 8],
]);
const softReasons = weighted([
  [{ code: "4.2.2", reason: "mailbox is full" }, 45],
  [{ code: "4.7.0", reason: "sender is slowed down" }, 35],
  [{ code: "4.4.1", reason: "server does not answer" }, 20],
]);

/** Everything that ever happens to one mail, in no order; a pure function of its arguments. */
export function story(mail: Mail, random: Random): readonly MailEvent[] {
  const { id, person, template } = mail;
  const common = {
    userId: person.userId,
    recipient: person.recipient,
    locale: person.country.locale,
    campaignId: template.campaignId,
    templateId: template.templateId,
  };
  return Array.from(life(mail, random), ({ type, at, source, data, seen }, index) => ({
    id: `${id}.${index}`,
    type,
    timestamp: at,
    source,
    correlationId: id,
    ...(data !== undefined && { data }),
    metadata: { ...common, ...seen },
  }));
}

function* life(mail: Mail, random: Random): Happenings {
  const { subject } = mail.template;
  yield { type: "email.sent", at: mail.at, source: "mail-sender", data: { subject } };
  const deliveredAt = yield* delivery(mail.at, random);
  if (deliveredAt === undefined) return;
  const { scanner, program } = mail.person;
  if (scanner !== undefined) yield* scan(mail, scanner, deliveredAt, random);
  if (program.loads === "relay" && random.chance(shares.relayed)) {
    yield open(mail.person, program, after("relayed", deliveredAt, random), random);
  }
  yield* attention(mail, deliveredAt, random);
}

/** @returns when it was delivered, if it was */
function* delivery(sentAt: number, random: Random): Happenings<number | undefined> {
  const fate = random.next();
  const source = "mta";
  const type = "email.bounced";
  if (fate < shares.hardBounce) {
    const at = after("hardBounce", sentAt, random);
    yield { type, at, source, data: { kind: "hard", ...hardReasons(random) } };
    return undefined;
  }
  const soft = fate < shares.hardBounce + shares.softBounce;
  let at = after("delivered", sentAt, random);
  if (soft) {
    const bouncedAt = after("softBounce", sentAt, random);
    yield { type, at: bouncedAt, source, data: { kind: "soft", ...softReasons(random) } };
    if (!random.chance(shares.recovered)) return undefined;
    at = after("recovered", bouncedAt, random);
  }
  const data = { attempts: soft ? 2 : 1, delayMs: at - sentAt };
  yield { type: "email.delivered", at, source, data };
  return at;
}

/** A gateway looks at the mail, and may follow a link. */
function* scan(mail: Mail, scanner: MailProgram, deliveredAt: number, random: Random): Happenings {
  const at = after("scanned", deliveredAt, random);
  yield open(mail.person, scanner, at, random);
  if (!random.chance(shares.scannerClick)) return;
  yield click(mail, at + 900, clientOf(mail.person, scanner, random), random);
}

/** What the recipient does, who may not be interested at all. */
function* attention(mail: Mail, deliveredAt: number, random: Random): Happenings {
  const { person, template } = mail;
  const marketing = template.kind === "marketing";
  const step = marketing ? "marketingRead" : "transactionalRead";
  const readAt = awake(person, after(step, deliveredAt, random), random);
  if (random.chance(shares[step] * person.interest)) yield* reading(mail, readAt, random);
  if (!marketing) return;
  // Rare, and drawn apart from reading, so that their shares are of the delivered mails.
  if (random.chance(shares.unsubscribe)) {
    const data = { method: random.chance(0.6) ? "one-click" : "link" };
    const at = after("unsubscribe", readAt, random);
    yield { type: "email.unsubscribed", at, source: "preferences", data };
  }
  if (random.chance(shares.complaint)) {
    const at = after("complaint", readAt, random);
    yield { type: "email.complained", at, source: "feedback-loop", data: { feedback: "abuse" } };
  }
}

function* reading(mail: Mail, readAt: number, random: Random): Happenings {
  const { person, template } = mail;
  const { program, browser, ip } = person;
  // Behind a relay the one open that can be seen has been; a proxy asks once.
  if (program.loads !== "relay") yield open(person, program, readAt, random);
  let openedAt = readAt;
  while (program.loads === "own" && random.chance(shares.reopened)) {
    openedAt = awake(person, after("reopened", openedAt, random), random);
    yield open(person, program, openedAt, random);
  }
  const { marketingClick, transactionalClick } = shares;
  if (!random.chance(template.kind === "marketing" ? marketingClick : transactionalClick)) return;
  const { referrer } = program;
  const seen = { userAgent: browser, ip, ...(referrer !== undefined && { referrer }) };
  yield click(mail, after("click", readAt, random), seen, random);
}

function open(person: Person, program: MailProgram, at: number, random: Random): Happening {
  const seen = clientOf(person, program, random);
  return { type: "email.opened", at, source: "tracking", seen };
}

function click({ template }: Mail, at: number, seen: JsonObject, random: Random): Happening {
  const link = template.links[random.below(template.links.length)]!;
  const query = `utm_source=maily&utm_medium=email&utm_campaign=${template.campaign}`;
  const url = `https://www.shop.example${link}?${query}`;
  return { type: "email.clicked", at, source: "tracking", data: { link }, seen: { url, ...seen } };
}

/** What a server sees of a program that loads a picture or follows a link. */
function clientOf(person: Person, program: MailProgram, random: Random): JsonObject {
  const { userAgent = person.browser, networks } = program;
  return { userAgent, ip: networks === undefined ? person.ip : addressIn(networks, random) };
}

function after(step: Step, instant: number, random: Random): number {
  const [medianMs, sigma] = delays[step];
  return instant + Math.max(1, Math.round(random.logNormal(medianMs, sigma)));
}

/** Most people who would read at night do so the next morning, where they live. */
function awake({ country }: Person, at: number, random: Random): number {
  const sinceMidnight = (at / 3_600_000 + country.utcOffset + 24) % 24;
  const wakesAt = 6.5;
  if (sinceMidnight >= wakesAt || random.chance(0.12)) return at;
  const morning = at + (wakesAt - sinceMidnight) * 3_600_000;
  return Math.round(morning + random.logNormal(45 * 60_000, 0.8));
}
