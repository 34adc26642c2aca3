import { contentHash } from "./content-hash.ts";
import type { Client } from "./enrich/client.ts";
import { emailProviderOf } from "./enrich/email-provider.ts";
import { readAddress, type Address } from "./enrich/ip.ts";
import { isMailAction } from "./enrich/mail-action.ts";
import { readPage } from "./enrich/page.ts";
import { referrerOf } from "./enrich/referrer.ts";
import type {
  AcceptedEvent,
  BatchMessage,
  EventContext,
  JsonObject,
  StoredEvent,
} from "./event.ts";

/** What enrichment needs besides the event. */
export interface EnrichTools {
  /** Reads a user agent of any length at a bounded cost: `clientReader`. */
  readonly clientOf: (userAgent: string) => Client;
  /** The country of an address in canonical form, ISO 3166-1 alpha-2 in upper case. */
  readonly countryOf: (ip: string) => string | undefined;
  /** Store addresses whole. They are put in canonical form all the same. */
  readonly fullIp: boolean;
}

type Writable<T> = { -readonly [key in keyof T]: T[key] };

/**
 * An accepted event as it is stored: its content, its fingerprint, what can be found out about it, and the
 * batch that brings it. A pure function of its arguments, so a redelivery gives the same bytes. Never
 * throws, whatever JSON the metadata holds, and looks at a bounded part of each text.
 *
 * The country is looked up before the address is truncated. An address that cannot be read is dropped.
 */
export function enrich(
  event: AcceptedEvent,
  { batch, project }: Pick<BatchMessage, "batch" | "project">,
  tools: EnrichTools,
): StoredEvent {
  const { undated: _undated, metadata, ...rest } = event;
  const address = readAddress(metadata?.["ip"]);
  const stored: Writable<StoredEvent> = {
    ...rest,
    project,
    batch,
    hash: contentHash(event),
    context: contextOf(event.type, metadata ?? {}, address, tools),
  };
  if (metadata !== undefined) stored.metadata = withAddress(metadata, address, tools.fullIp);
  return stored;
}

function withAddress(
  metadata: JsonObject,
  address: Address | undefined,
  full: boolean,
): JsonObject {
  if (!Object.hasOwn(metadata, "ip")) return metadata;
  const { ip: _ip, ...others } = metadata;
  return address === undefined
    ? others
    : { ...others, ip: full ? address.full : address.truncated };
}

function contextOf(
  type: string,
  metadata: JsonObject,
  address: Address | undefined,
  { clientOf, countryOf }: EnrichTools,
): EventContext {
  const { userAgent, url, referrer, recipient } = metadata;
  const context: Writable<EventContext> = {};

  const mail = isMailAction(type, typeof recipient === "string" && recipient !== "");
  const client =
    typeof userAgent === "string" && userAgent !== "" ? clientOf(userAgent) : undefined;
  if (client !== undefined) Object.assign(context, mail ? mailReader(client) : visitor(client));
  if (mail) context.machine = client !== undefined && client.bot;

  const country = address?.global === true ? countryOf(address.full) : undefined;
  if (country !== undefined) context.country = country;

  const page = readPage(url);
  if (page !== undefined) Object.assign(context, page);
  const cameFrom = referrerOf(referrer, page?.host);
  if (cameFrom !== undefined) context.referrer = cameFrom;

  const provider = emailProviderOf(recipient);
  if (provider !== undefined) context.emailProvider = provider;
  return context;
}

function visitor({ mailFetcher: _mailFetcher, ...seen }: Client): EventContext {
  return seen;
}

/**
 * Who a mail's picture or link was fetched by. Behind a privacy relay or a proxy is a person's mailbox: it is
 * a machine and no bot, and the browser it names is not the reader's.
 */
function mailReader(client: Client): EventContext {
  const relayed = client.mailFetcher === "prefetch" || client.mailFetcher === "proxy";
  return relayed ? { device: "other", bot: false } : visitor(client);
}
