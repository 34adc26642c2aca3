import { rolledUp } from "../../counting/dimensions.ts";
import { ServiceError } from "../../errors.ts";
import { type EventEntity, entityOf, storeEntities, immutable } from "../entities/adapter.ts";
import {
  type EntityFilters,
  readEntityFilters,
  maxUnlimited,
  readKey,
  type EntityKey,
} from "../entities/query.ts";
import { fromRow } from "../rows.ts";
import { SqliteStore, type SqliteOptions } from "./sqlite-store.ts";

/**
 * The event store as a moleculer-db adapter over all projects' events: `get`, `find`, `list`,
 * `count`, `resolve` and `insert` work; stored events never change, so the other verbs throw
 * METHOD_NOT_ALLOWED. Filters are those of `readEntityFilters`.
 */
export class SqliteAdapter extends SqliteStore {
  readonly #dimensions: readonly string[];
  readonly #fullIp: boolean;
  #ownsConnection = false;

  constructor({ dimensions, fullIp = false, ...options }: SqliteAdapterOptions) {
    super(options);
    this.#dimensions = dimensions ?? rolledUp([]);
    this.#fullIp = fullIp;
  }

  /** Moleculer copies schemas deeply, an adapter within too, but not objects that name their own kind. */
  get [Symbol.toStringTag](): string {
    return "SqliteAdapter";
  }

  /** Called by moleculer-db with the broker and the service; neither is needed. */
  init(): void {}

  async connect(): Promise<void> {
    this.#ownsConnection = !this.opened;
    await this.open();
  }

  /** Closes the store where `connect` opened it; one that was open before has another owner. */
  async disconnect(): Promise<void> {
    if (this.#ownsConnection) await this.close();
  }

  /** @throws ServiceError VALIDATION for a filter that is not known, and where very many match and no limit is given */
  async find(filters: EntityFilters = {}): Promise<EventEntity[]> {
    const query = readEntityFilters(filters);
    const weight = query.keys === undefined ? "heavy" : "quick";
    const found = await this.parsed(async () => {
      const rows = await this.read(weight, "findEntities", query);
      return rows.map((row) => entityOf(fromRow(row)));
    });
    if (found.length > maxUnlimited && query.limit === maxUnlimited + 1) {
      throw new ServiceError("VALIDATION", `more than ${maxUnlimited} events match: give a limit`);
    }
    return found;
  }

  async findOne(query: unknown): Promise<EventEntity | null> {
    return (await this.find({ query, limit: 1 }))[0] ?? null;
  }

  async findById(id: unknown): Promise<EventEntity | null> {
    return (await this.findByIds([id]))[0] ?? null;
  }

  /** In the order of the ids; those that are not there are absent. */
  async findByIds(ids: readonly unknown[]): Promise<EventEntity[]> {
    return this.#findKeys(ids.flatMap((id) => readKey(id) ?? []));
  }

  /** How many match, whatever limit and offset are. */
  async count(filters: EntityFilters = {}): Promise<number> {
    return this.read("heavy", "countEntities", readEntityFilters(filters));
  }

  /** Stores one event as a batch of its own: see `insertMany`. */
  async insert(entity: object): Promise<EventEntity> {
    const [stored] = await this.insertMany([entity]);
    return stored!;
  }

  /** As `storeEntities` says: collecting is what `ingest.collect` is for. */
  async insertMany(entities: readonly object[]): Promise<EventEntity[]> {
    const options = { dimensions: this.#dimensions, fullIp: this.#fullIp };
    return this.#findKeys(await storeEntities(this, entities, options));
  }

  updateMany(): Promise<never> {
    return immutable();
  }

  updateById(): Promise<never> {
    return immutable();
  }

  removeMany(): Promise<never> {
    return immutable();
  }

  removeById(): Promise<never> {
    return immutable();
  }

  clear(): Promise<never> {
    return immutable();
  }

  entityToObject(entity: EventEntity): EventEntity {
    return entity;
  }

  createCursor(filters: EntityFilters = {}): {
    toArray(): Promise<EventEntity[]>;
    count(): Promise<number>;
  } {
    return { toArray: () => this.find(filters), count: () => this.count(filters) };
  }

  beforeSaveTransformID(entity: object, idField: string): object {
    const { [idField]: id, ...rest } = entity as Record<string, unknown>;
    return idField === "_id" || id === undefined ? { ...entity } : { ...rest, _id: id };
  }

  afterRetrieveTransformID(entity: object, idField: string): object {
    if (idField === "_id") return entity;
    const { _id, ...rest } = entity as Record<string, unknown>;
    return { ...rest, [idField]: _id };
  }

  async #findKeys(keys: readonly EntityKey[]): Promise<EventEntity[]> {
    return this.parsed(async () => {
      const rows = await this.read("quick", "findKeys", keys);
      return rows.map((row) => entityOf(fromRow(row)));
    });
  }
}

export interface SqliteAdapterOptions extends SqliteOptions {
  /** What is rolled up of inserted events. Default: the built-in dimensions. */
  readonly dimensions?: readonly string[];
  /** Store the addresses of inserted events whole. Default false. */
  readonly fullIp?: boolean;
}
