import { isBot } from "./bot.ts";
import { deviceOf, type Device } from "./device.ts";
import { mailFetcherOf, type MailFetcher } from "./mail-fetcher.ts";
import { clip } from "./text.ts";
import { readSoftware, type Software } from "./user-agent.ts";

/** All that a user agent tells. */
export interface Client extends Software {
  readonly device: Device;
  readonly bot: boolean;
  readonly mailFetcher?: MailFetcher;
}

/** The most characters of a user agent that are looked at. Real ones stay below 500. */
export const userAgentLimit = 1_024;

/** Longer user agents are read each time: nothing real repeats them, and so the cache's size has a bound. */
const longestKept = 512;

/** Read a user agent without a cache. Its length must be bounded: the cost grows with it. */
export function readClient(userAgent: string): Client {
  const mailFetcher = mailFetcherOf(userAgent);
  const bot = mailFetcher !== undefined || isBot(userAgent);
  const client = { ...readSoftware(userAgent), device: deviceOf(userAgent, bot), bot };
  return mailFetcher === undefined ? client : { ...client, mailFetcher };
}

/**
 * A reader that remembers the user agents it saw last. Reading one takes about 25 µs, finding one again
 * less than 1 µs, and a day's events come from some thousands of user agents.
 * @param capacity how many are remembered, each of at most 512 characters
 * @param read what to ask for the others; it gets at most `userAgentLimit` characters
 */
export function clientReader(
  capacity = 5_000,
  read: (userAgent: string) => Client = readClient,
): (userAgent: string) => Client {
  const seen = new Lru<string, Client>(capacity);
  return (userAgent) => {
    if (userAgent.length > longestKept) return read(clip(userAgent, userAgentLimit));
    const known = seen.get(userAgent);
    if (known !== undefined) return known;
    const client = read(userAgent);
    seen.set(userAgent, client);
    return client;
  };
}
interface Entry<K, V> {
  readonly key: K;
  value: V;
  /** Used later and used earlier than this one. */
  newer: Entry<K, V> | undefined;
  older: Entry<K, V> | undefined;
}

/**
 * A map of bounded size that forgets what was used least recently. Both operations cost the same at any size: the
 * order of use is a list of its own, for a `Map` from which much was deleted takes long to find its first key.
 */
export class Lru<K, V extends NonNullable<unknown>> {
  readonly #capacity: number;
  readonly #entries = new Map<K, Entry<K, V>>();
  #newest: Entry<K, V> | undefined;
  #oldest: Entry<K, V> | undefined;

  constructor(capacity: number) {
    this.#capacity = capacity;
  }

  get size(): number {
    return this.#entries.size;
  }

  get(key: K): V | undefined {
    const entry = this.#entries.get(key);
    if (entry === undefined) return undefined;
    this.#use(entry);
    return entry.value;
  }

  set(key: K, value: V): void {
    const known = this.#entries.get(key);
    if (known !== undefined) {
      known.value = value;
      this.#use(known);
      return;
    }
    const entry = { key, value, newer: undefined, older: undefined };
    this.#entries.set(key, entry);
    this.#append(entry);
    if (this.#entries.size <= this.#capacity || this.#oldest === undefined) return;
    this.#entries.delete(this.#oldest.key);
    this.#remove(this.#oldest);
  }

  #use(entry: Entry<K, V>): void {
    if (entry === this.#newest) return;
    this.#remove(entry);
    this.#append(entry);
  }

  #append(entry: Entry<K, V>): void {
    entry.older = this.#newest;
    entry.newer = undefined;
    if (this.#newest === undefined) this.#oldest = entry;
    else this.#newest.newer = entry;
    this.#newest = entry;
  }

  #remove({ newer, older }: Entry<K, V>): void {
    if (newer === undefined) this.#newest = older;
    else newer.older = older;
    if (older === undefined) this.#oldest = newer;
    else older.newer = newer;
  }
}
