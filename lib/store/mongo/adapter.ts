import MongoDbAdapter from "moleculer-db-adapter-mongo";
import type { Db, MongoClient } from "mongodb";
import { rolledUp } from "../../counting/dimensions.ts";
import { ServiceError } from "../../errors.ts";
import {
  maxUnlimited,
  readEntityFilters,
  readKey,
  type EntityFilters,
  type EntityKey,
} from "../entities/query.ts";
import { entityOf, storeEntities, type EventEntity } from "../entities/adapter.ts";
import { countEntities, findEntities, findKeys } from "./entities.ts";
import { MongoLink } from "./connection.ts";
import { silent, type Log } from "../../log.ts";
import type { EventStore } from "../store.ts";

export interface MongoOptions {
  /** `mongodb://user:password@host:port/database?options`, or `mongodb+srv:`. */
  readonly uri: string;
  /** Where the URI names no database. Default `analytics`. */
  readonly database?: string;
  /** What is rolled up of inserted entities. Default: the built-in dimensions. */
  readonly dimensions?: readonly string[];
  /** Store the addresses of inserted entities whole. Default false. */
  readonly fullIp?: boolean;
  /** How many bytes of text a rollup's document may hold; more is kept in parts. Default 12 MiB. */
  readonly maxRollupBytes?: number;
  /** How long at least lies between two looks whether the indexes are there. Default a minute. */
  readonly prepareEveryMs?: number;
  readonly log?: Log;
}

/**
 * moleculer-db's MongoDB adapter over all projects' events, on a current driver: `get`, `find`,
 * `list`, `count`, `resolve` and `insert` work; stored events never change, so the other verbs throw
 * METHOD_NOT_ALLOWED. Filters are those of `readEntityFilters`, never MongoDB's own.
 *
 * A service takes it in `created` or later, not in its schema: Moleculer copies schemas.
 */
export abstract class MongoAdapter extends MongoDbAdapter {
  /** What entities are inserted into. */
  protected abstract readonly store: EventStore;
  protected readonly link: MongoLink;
  /** As moleculer-db's adapter has them, for services that look. */
  readonly client: MongoClient;
  readonly db: Db;
  readonly #dimensions: readonly string[];
  readonly #fullIp: boolean;
  #opened = false;
  #ownsConnection = false;

  constructor({
    uri,
    database = "analytics",
    dimensions = rolledUp([]),
    fullIp = false,
    log = silent,
    prepareEveryMs,
  }: MongoOptions) {
    // The base class would keep the URI, and with it the password, for everybody to see.
    super("");
    this.link = new MongoLink({ uri, database, log, prepareEveryMs });
    this.client = this.link.client;
    this.db = this.link.db;
    this.collection = this.link.collections.events as never;
    this.#dimensions = dimensions;
    this.#fullIp = fullIp;
  }

  /**
   * Resolves once it is known whether the server can be used, whatever the answer: while it cannot,
   * methods throw STORE_UNAVAILABLE.
   * @throws ConfigError for what somebody has to change; then the store is closed
   */
  async open(): Promise<void> {
    this.#opened = true;
    await this.link.open();
  }

  /** Called by moleculer-db with the broker and the service; neither is needed, nor a `collection` in its schema. */
  override init(): void {}

  override async connect(): Promise<void> {
    this.#ownsConnection = !this.#opened;
    if (this.#ownsConnection) await this.open();
  }

  /** Closes the store where `connect` opened it; one that was open before has another owner. */
  override async disconnect(): Promise<void> {
    if (this.#ownsConnection) await this.link.close();
  }

  /** @throws ServiceError VALIDATION for a filter that is not known, and where very many match and no limit is given */
  override async find(filters: EntityFilters = {}): Promise<EventEntity[]> {
    const query = readEntityFilters(filters);
    const found = await this.link.run((collections) => findEntities(collections, query));
    if (found.length > maxUnlimited && query.limit === maxUnlimited + 1) {
      throw new ServiceError("VALIDATION", `more than ${maxUnlimited} events match: give a limit`);
    }
    return found.map(entityOf);
  }

  override async findOne(query: unknown): Promise<EventEntity> {
    // The base class promises an entity where its driver answers null, too.
    return ((await this.find({ query, limit: 1 }))[0] ?? null) as EventEntity;
  }

  override async findById(id: unknown): Promise<EventEntity> {
    return ((await this.findByIds([id]))[0] ?? null) as EventEntity;
  }

  /** In the order of the ids; those that are not there are absent. */
  override findByIds(ids: readonly unknown[]): Promise<EventEntity[]> {
    return this.#findKeys(ids.flatMap((id) => readKey(id) ?? []));
  }

  /** How many match, whatever limit and offset are. */
  override async count(filters: EntityFilters = {}): Promise<number> {
    const query = readEntityFilters(filters);
    return this.link.run((collections) => countEntities(collections, query));
  }

  /** Stores one event as a batch of its own: see `insertMany`. */
  override async insert(entity: object): Promise<never> {
    const [stored] = await this.insertMany([entity]);
    return stored as never;
  }

  /** As `storeEntities` says: collecting is what `ingest.collect` is for. */
  override async insertMany(entities: readonly object[]): Promise<EventEntity[]> {
    const options = { dimensions: this.#dimensions, fullIp: this.#fullIp };
    return this.#findKeys(await storeEntities(this.store, entities, options));
  }

  override updateMany(): Promise<never> {
    return immutable();
  }

  override updateById(): Promise<never> {
    return immutable();
  }

  override removeMany(): Promise<never> {
    return immutable();
  }

  override removeById(): Promise<never> {
    return immutable();
  }

  override clear(): Promise<never> {
    return immutable();
  }

  override entityToObject(entity: EventEntity): EventEntity {
    return entity;
  }

  override createCursor(filters: EntityFilters = {}): {
    toArray(): Promise<EventEntity[]>;
    count(): Promise<number>;
  } {
    return { toArray: () => this.find(filters), count: () => this.count(filters) };
  }

  /** Ids are texts of their own, `project:id`, never ObjectIds. */
  stringToObjectID(id: unknown): unknown {
    return id;
  }

  override afterRetrieveTransformID(entity: object, idField: string): object {
    if (idField === "_id") return entity;
    const { _id, ...rest } = entity as Record<string, unknown>;
    return { ...rest, [idField]: _id };
  }

  async #findKeys(keys: readonly EntityKey[]): Promise<EventEntity[]> {
    const found = await this.link.run((collections) => findKeys(collections, keys));
    return found.map(entityOf);
  }
}

function immutable(): Promise<never> {
  return Promise.reject(new ServiceError("METHOD_NOT_ALLOWED", "Stored events never change"));
}
