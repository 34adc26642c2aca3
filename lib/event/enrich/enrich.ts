import { contentHash } from "../content-hash.ts";
import type { Client } from "./user-agent.ts";
import { emailProviderOf } from "./email-provider.ts";
import { readPage, referrerOf } from "./page.ts";
import type {
  AcceptedEvent,
  BatchMessage,
  EventContext,
  JsonObject,
  StoredEvent,
} from "../event.ts";
import { originOf, withAddress, type OriginTools } from "./ip.ts";

/** The tools that enrichment needs besides the event. */
export interface EnrichTools extends OriginTools {
  /** Reads a user agent of any length at a bounded cost: `clientReader`. */
  readonly clientOf: (userAgent: string) => Client;
  /** `emailProviderOf`, or a reader that remembers. */
  readonly providerOf?: (recipient: unknown) => string | undefined;
}

type Writable<T> = { -readonly [key in keyof T]: T[key] };

/**
 * Turns an accepted event into a stored one: its content, its hash, what can be found out
 * about it, and its batch. A pure function of its arguments, so a redelivery gives the same bytes.
 * Never throws, whatever JSON the metadata holds, and reads a bounded part of each text.
 * The address comes truncated, with its country; messages of earlier versions hold a whole address,
 * which is looked up and truncated here. An unreadable address is dropped.
 */
export function enrich(
  event: AcceptedEvent,
  { batch, project }: Pick<BatchMessage, "batch" | "project">,
  tools: EnrichTools,
): StoredEvent {
  const { id, type, data, timestamp, source, correlationId, metadata, receivedAt, country } = event;
  const origin = originOf(
    metadata?.["ip"],
    country === undefined ? tools : located(country, tools),
  );
  // Each field is set on its own: a copy of the rest of the event takes as long as all else here.
  const stored: Writable<StoredEvent> = {
    id,
    type,
    timestamp,
    source,
    receivedAt,
    project,
    batch,
    hash: contentHash(event, tools.addressOf),
    context: contextOf(type, metadata ?? {}, origin.country, tools),
  };
  if (data !== undefined) stored.data = data;
  if (correlationId !== undefined) stored.correlationId = correlationId;
  if (metadata !== undefined) stored.metadata = withAddress(metadata, origin.ip);
  return stored;
}

/** Tools that already know the country. */
function located(country: string | null, tools: OriginTools): OriginTools {
  return { ...tools, countryOf: () => country ?? undefined };
}

function contextOf(
  type: string,
  metadata: JsonObject,
  country: string | null,
  { clientOf, providerOf = emailProviderOf }: EnrichTools,
): EventContext {
  const { userAgent, url, referrer, recipient } = metadata;
  const context: Writable<EventContext> = {};

  const mail = isMailAction(type, typeof recipient === "string" && recipient !== "");
  const client =
    typeof userAgent === "string" && userAgent !== "" ? clientOf(userAgent) : undefined;
  if (client !== undefined) Object.assign(context, mail ? mailReader(client) : visitor(client));
  if (mail) context.machine = client !== undefined && client.bot;

  if (country !== null) context.country = country;

  const page = readPage(url);
  if (page !== undefined) Object.assign(context, page);
  const cameFrom = referrerOf(referrer, page?.host);
  if (cameFrom !== undefined) context.referrer = cameFrom;

  const provider = providerOf(recipient);
  if (provider !== undefined) context.emailProvider = provider;
  return context;
}

function visitor({ mailFetcher: _mailFetcher, ...seen }: Client): EventContext {
  return seen;
}

/**
 * The client that fetched a mail's picture or link. A privacy relay or a proxy acts for a person's
 * mailbox, so it counts as no bot; its own browser and device are not the reader's and are left
 * out.
 */
function mailReader(client: Client): EventContext {
  const relayed = client.mailFetcher === "prefetch" || client.mailFetcher === "proxy";
  return relayed ? { device: "other", bot: false } : visitor(client);
}

const actions: ReadonlySet<string> = new Set(["open", "opened", "click", "clicked"]);
const mails: ReadonlySet<string> = new Set([
  "email",
  "emails",
  "mail",
  "mails",
  "mailing",
  "newsletter",
]);

/**
 * Whether an event is about a mail being opened or clicked. Its type ends in the action (`opened`,
 * `clicked`, `open`, `click`), and either a word before names a mail (`email.opened`,
 * `newsletter_link_clicked`, `emailOpened`, `Email Link Clicked`) or the event has a recipient
 * (`welcome.opened`). So `menu.opened` is none.
 */
export function isMailAction(type: string, hasRecipient: boolean): boolean {
  if (!/(?:open|click)(?:ed)?$/i.test(type)) return false;
  const words = type
    .replace(/([a-z])([A-Z])/g, "$1.$2")
    .toLowerCase()
    .split(/[\s._:@/+-]+/);
  const action = words.pop();
  if (action === undefined || !actions.has(action)) return false;
  return hasRecipient || words.some((word) => mails.has(word));
}
