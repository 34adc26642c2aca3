import { LRUCache } from "lru-cache";
import { isBot } from "./bot.ts";
import { deviceOf, type Device } from "./device.ts";
import { mailFetcherOf, type MailFetcher } from "./mail-fetcher.ts";
import { clip } from "./text.ts";
import { readSoftware, type Software } from "./user-agent.ts";

/** What a user agent says. */
export interface Client extends Software {
  readonly device: Device;
  readonly bot: boolean;
  readonly mailFetcher?: MailFetcher;
}

/** Only this many characters of a user agent are read. Real ones stay below 500. */
export const userAgentLimit = 1_024;

/**
 * Longer user agents are not cached: no real client repeats them, and the cache's memory stays
 * bounded.
 */
const longestKept = 512;

/** Read a user agent without a cache. Its length must be bounded: the cost grows with it. */
export function readClient(userAgent: string): Client {
  const mailFetcher = mailFetcherOf(userAgent);
  const bot = mailFetcher !== undefined || isBot(userAgent);
  const client = { ...readSoftware(userAgent), device: deviceOf(userAgent, bot), bot };
  return mailFetcher === undefined ? client : { ...client, mailFetcher };
}

/**
 * Returns a reader that remembers the user agents it saw last. Reading one takes about 25 µs, a
 * cached one less than 1 µs, and a day's events come from some thousands of user agents.
 * @param capacity how many are remembered, each of at most 512 characters
 * @param read reads the others; it gets at most `userAgentLimit` characters
 */
export function clientReader(
  capacity = 5_000,
  read: (userAgent: string) => Client = readClient,
): (userAgent: string) => Client {
  const seen = new LRUCache<string, Client>({ max: capacity });
  return (userAgent) => {
    if (userAgent.length > longestKept) return read(clip(userAgent, userAgentLimit));
    const known = seen.get(userAgent);
    if (known !== undefined) return known;
    const client = read(userAgent);
    seen.set(userAgent, client);
    return client;
  };
}
