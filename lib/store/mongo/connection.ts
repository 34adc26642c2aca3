import { MongoClient, MongoError, type Db, type MongoClientOptions } from "mongodb";
import { mendClosedSockets } from "./closed-sockets.ts";
import { ConfigError } from "../../config.ts";
import { ServiceError } from "../../errors.ts";
import { collectionsOf, type Collections } from "./documents.ts";
import { isAnswer, isAway, isPassing, reasonOf, refusalOf } from "./errors.ts";
import { createIndexes } from "./indexes.ts";
import { canAggregate } from "./pipeline.ts";
import { Preparation } from "./preparation.ts";
import { maxRepeats, pause } from "./writes.ts";
import type { Log } from "../../log.ts";

export interface LinkOptions {
  /** `mongodb:` or `mongodb+srv:`. */
  readonly uri: string;
  /** The database where the URI names none. */
  readonly database: string;
  readonly log: Log;
  /** The least time between two checks of the indexes. Default a minute. */
  readonly prepareEveryMs?: number | undefined;
}

/** Defaults: the URI's own options replace them. */
const defaults = {
  appName: "maily-analytics",
  maxPoolSize: 20,
  /** How long a call looks for a usable server, while none is known. */
  serverSelectionTimeoutMS: 2_000,
  // A server that stops answering, though its connections stand, is noticed after the sum of these.
  heartbeatFrequencyMS: 5_000,
  connectTimeoutMS: 5_000,
  // Otherwise a command whose answer was lost would wait as long as the system's TCP does, or for
  // ever. It is longer than any command may take: the longest reads end after QUERY_TIMEOUT_MS, 50
  // s at the most.
  socketTimeoutMS: 60_000,
} as const satisfies MongoClientOptions;

/**
 * Options of the connections for reads that may take seconds. There are more of them than such
 * reads at a time, so that a command waits only for a server that does not end what it was ordered
 * to end. Two stay open, since a question reads columns and events at the same time.
 */
const scanning: MongoClientOptions = {
  ...{ maxPoolSize: 20, minPoolSize: 2 },
  waitQueueTimeoutMS: 5_000,
};

/** The counting relies on these, so no URI changes them. */
const promised: MongoClientOptions = {
  writeConcern: { w: "majority", journal: true, wtimeoutMS: 10_000 },
  readPreference: "primary",
};

/**
 * The connection to one database. It is opened with the first call and reopened automatically
 * whenever it is lost; until then calls throw STORE_UNAVAILABLE.
 */
export class MongoLink {
  readonly client: MongoClient;
  readonly db: Db;
  readonly collections: Collections;
  readonly #scanner: MongoClient;
  readonly #scanned: Collections;
  readonly #log: Log;
  readonly #server: string;
  readonly #calls = new Set<Promise<unknown>>();
  readonly #preparation: Preparation;
  #aggregates = false;
  #scanning = 0;
  #trouble: string | undefined;
  #ended: Promise<void> | undefined;

  /** @throws ConfigError where the URI cannot be read; nothing is connected yet */
  constructor({ uri, database, log, prepareEveryMs }: LinkOptions) {
    this.client = clientOf(uri);
    this.#log = log;
    const name = databaseOf(uri) ?? database;
    this.#server = `${this.client.options.srvHost ?? this.client.options.hosts.join(",")}/${name}`;
    this.db = this.#databaseNamed(name);
    this.collections = collectionsOf(this.db);
    this.#scanner = clientOf(uri, scanning);
    this.#scanned = collectionsOf(this.#scanner.db(name));
    this.#preparation = new Preparation(() => this.#prepare(), prepareEveryMs);
  }

  /**
   * Resolves once it is known whether the server can be used, whatever the answer.
   * @throws ConfigError for what will not pass by itself, such as a wrong password; the connection
   *   is closed then
   */
  async open(): Promise<void> {
    try {
      await this.#preparation.ready();
      this.#turned(undefined);
    } catch (error) {
      const refusal = refusalOf(error);
      if (refusal === undefined && isAway(error)) return this.#turned(reasonOf(error));
      await this.close();
      throw refusal === undefined ? error : this.#refusal(refusal);
    }
  }

  /** Both clients: for calls by keys, and for reads that may take seconds. */
  get clients(): readonly MongoClient[] {
    return [this.client, this.#scanner];
  }

  /** Whether the last call failed because the server could not be used. */
  get isAway(): boolean {
    return this.#trouble !== undefined;
  }

  /**
   * Whether the server accepts questions as pipelines (`pipelineOf`); this was found out when the
   * connection was opened.
   */
  get aggregates(): boolean {
    return this.#aggregates;
  }

  /** @throws ServiceError STORE_UNAVAILABLE; INTERNAL where the server refuses this one call */
  run<T>(work: (collections: Collections) => Promise<T>): Promise<T> {
    return this.#call(() => work(this.collections));
  }

  /**
   * Runs a read that may take seconds, on connections of its own, so that writes do not wait for
   * it.
   */
  scan<T>(work: (collections: Collections) => Promise<T>): Promise<T> {
    this.#scanning += 1;
    return this.#call(async () => {
      // A client whose first connection failed stays unusable until `connect` is called again; on a
      // connected client the call does nothing.
      await this.#scanner.connect();
      return work(this.#scanned);
    }).finally(() => (this.#scanning -= 1));
  }

  /** Opens the connections of `scan` in the background, so that the first read finds them open. */
  openScanner(): void {
    // If that fails, each read tries again.
    void this.scan(() => Promise.resolve()).catch(() => undefined);
  }

  /** What `scan` passes to its work, for parts of that work. */
  get scanned(): Collections {
    return this.#scanned;
  }

  /** How many such reads are being carried out. */
  get scanning(): number {
    return this.#scanning;
  }

  #call<T>(work: () => Promise<T>): Promise<T> {
    if (this.#ended !== undefined) return Promise.reject(new ServiceError("STORE_UNAVAILABLE"));
    const call = this.#attempt(work).finally(() => this.#calls.delete(call));
    this.#calls.add(call);
    return call;
  }

  /** Calls made before are carried out first. May be repeated. */
  close(): Promise<void> {
    this.#ended ??= this.#end();
    return this.#ended;
  }

  async #end(): Promise<void> {
    await Promise.allSettled(this.#calls);
    await this.#preparation.idle();
    await Promise.all([this.client.close(), this.#scanner.close()]);
  }

  async #attempt<T>(work: () => Promise<T>): Promise<T> {
    try {
      await this.#preparation.ready();
      const result = await this.#repeated(work);
      this.#turned(undefined);
      return result;
    } catch (error) {
      throw this.#failure(error);
    }
  }

  /** Every call may be repeated; this repeats those that the server only put off. */
  async #repeated<T>(work: () => Promise<T>): Promise<T> {
    for (let round = 1; ; round += 1) {
      try {
        return await work();
      } catch (error) {
        if (!isPassing(error) || round > maxRepeats) throw error;
        await pause(round);
      }
    }
  }

  /** The driver reopens a connection that succeeded once; until then each attempt is a new one. */
  async #prepare(): Promise<void> {
    await this.client.connect();
    await createIndexes(this.collections);
    this.#aggregates = await canAggregate(this.collections);
  }

  #failure(error: unknown): unknown {
    if (error instanceof ServiceError) return error;
    if (isAway(error)) {
      if (!isAnswer(error)) this.#preparation.lost();
      this.#turned(reasonOf(error));
      return new ServiceError("STORE_UNAVAILABLE");
    }
    if (!(error instanceof MongoError)) return error;
    this.#log.error({ server: this.#server, reason: reasonOf(error) }, "store refused a call");
    return new ServiceError("INTERNAL");
  }

  #turned(trouble: string | undefined): void {
    if (trouble === undefined) this.#preparation.worked();
    if (trouble !== undefined && this.#trouble === undefined) {
      this.#log.error({ server: this.#server, reason: trouble }, "store is away");
    } else if (trouble === undefined && this.#trouble !== undefined) {
      this.#log.info({ server: this.#server }, "store is back");
    }
    this.#trouble = trouble;
  }

  #databaseNamed(name: string): Db {
    try {
      return this.client.db(name);
    } catch (error) {
      throw this.#refusal((error as Error).message);
    }
  }

  #refusal(reason: string): ConfigError {
    return new ConfigError([`MONGODB_URI (${this.#server}): ${reason}`]);
  }
}

function clientOf(uri: string, more: MongoClientOptions = {}): MongoClient {
  mendClosedSockets();
  const named = [...new URLSearchParams(optionsOf(uri)).keys()].map((key) => key.toLowerCase());
  const unnamed = Object.entries(defaults).filter(([key]) => !named.includes(key.toLowerCase()));
  try {
    return new MongoClient(uri, { ...Object.fromEntries(unnamed), ...promised, ...more });
  } catch {
    throw new ConfigError([`MONGODB_URI cannot be read: ${complaintOf(uri)}`]);
  }
}

/**
 * What is wrong with a URI. It quotes the driver only where its message can be about nothing but
 * the options.
 */
function complaintOf(uri: string): string {
  const scheme = uri.startsWith("mongodb+srv:") ? "mongodb+srv://a.b.c" : "mongodb://a";
  const options = optionsOf(uri);
  try {
    // Behind a question mark in the password follow the rest of the password and an @.
    if (!options.includes("@")) new MongoClient(`${scheme}/?${options}`, promised);
  } catch (error) {
    return (error as Error).message;
  }
  return (
    "it must be mongodb://USER:PASSWORD@HOST:PORT,.../DATABASE?OPTIONS (or mongodb+srv:// with one " +
    "HOST and no PORT), where each of : / ? # [ ] @ % in the user and the password is percent-encoded"
  );
}

function optionsOf(uri: string): string {
  const at = uri.indexOf("?");
  return at === -1 ? "" : uri.slice(at + 1);
}

function databaseOf(uri: string): string | undefined {
  const name = /^[^:]+:\/\/[^/?]+\/([^?]+)/.exec(uri)?.[1];
  return name === undefined ? undefined : decodeURIComponent(name);
}
