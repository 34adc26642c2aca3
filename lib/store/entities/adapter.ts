import { deltasOf } from "../../counting/delta.ts";
import { rolledUp } from "../../counting/dimensions.ts";
import { ServiceError } from "../../errors.ts";
import type { StoredEvent } from "../../event/event.ts";
import type { EntityKey, EntityQuery } from "../entity-reads.ts";
import { hiddenOfAll } from "../hidden.ts";
import { storeBatch } from "../protocol.ts";
import type { EventStore } from "../store.ts";
import type { EntityBatch } from "./insert.ts";
import { maxUnlimited, readEntityFilters, readKey, type EntityFilters } from "./query.ts";

/** A stored event as moleculer-db sees it. `_id` is `project:id`. */
type EventEntity = StoredEvent & { readonly _id: string };

export interface EntityOptions {
  /** The rolled-up dimensions of inserted events. Default: the built-in ones. */
  readonly dimensions?: readonly string[];
  /** Store the addresses of inserted events whole. Default false. */
  readonly fullIp?: boolean;
}

/** A store that its adapter can open. */
export interface AdaptedStore extends EventStore {
  /** Whether the store was opened. */
  readonly isOpened: boolean;
  open(): Promise<void>;
}

/**
 * A store as a moleculer-db adapter over all projects' events: `get`, `find`, `list`, `count`,
 * `resolve` and `insert` work; stored events never change, so the other verbs throw
 * METHOD_NOT_ALLOWED. Filters are those of `readEntityFilters`, never the back end's own.
 */
export class EntityAdapter {
  readonly #store: AdaptedStore;
  readonly #options: Required<EntityOptions>;
  #opened = false;

  constructor(store: AdaptedStore, { dimensions = rolledUp([]), fullIp = false }: EntityOptions) {
    this.#store = store;
    this.#options = { dimensions, fullIp };
  }

  /**
   * Moleculer copies schemas deeply, with the adapter in them, but not objects that name their own
   * kind.
   */
  get [Symbol.toStringTag](): string {
    return "EntityAdapter";
  }

  /** moleculer-db calls it with the broker and the service; neither is needed. */
  init(): void {}

  async connect(): Promise<void> {
    if (this.#store.isOpened) return;
    this.#opened = true;
    await this.#store.open();
  }

  /**
   * Closes the store where `connect` opened it; a store that was open before belongs to somebody
   * else.
   */
  async disconnect(): Promise<void> {
    if (this.#opened) await this.#store.close();
  }

  /**
   * @throws ServiceError VALIDATION for an unknown filter, and where very many events match and no
   *   limit is given
   */
  async find(filters: EntityFilters = {}): Promise<EventEntity[]> {
    const query = readEntityFilters(filters);
    const found = await this.#store.findEntities(await this.#shown(query));
    if (found.length > maxUnlimited && query.limit === maxUnlimited + 1) {
      throw new ServiceError("VALIDATION", `more than ${maxUnlimited} events match: give a limit`);
    }
    return found.map(entityOf);
  }

  async findOne(query: unknown): Promise<EventEntity | null> {
    return (await this.find({ query, limit: 1 }))[0] ?? null;
  }

  async findById(id: unknown): Promise<EventEntity | null> {
    return (await this.findByIds([id]))[0] ?? null;
  }

  /** In the order of the ids; missing ones are absent. */
  findByIds(ids: readonly unknown[]): Promise<EventEntity[]> {
    return this.#byKeys(ids.flatMap((id) => readKey(id) ?? []));
  }

  /** How many events match, whatever limit and offset are. */
  async count(filters: EntityFilters = {}): Promise<number> {
    return this.#store.countEntities(await this.#shown(readEntityFilters(filters)));
  }

  /** Stores one event as a batch of its own: see `insertMany`. */
  async insert(entity: object): Promise<EventEntity> {
    const [stored] = await this.insertMany([entity]);
    return stored!;
  }

  /** Stores events as `storeEntities` says; collecting is what `ingest.collect` is for. */
  async insertMany(entities: readonly object[]): Promise<EventEntity[]> {
    return this.#byKeys(await storeEntities(this.#store, entities, this.#options));
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

  async #byKeys(keys: readonly EntityKey[]): Promise<EventEntity[]> {
    const hidden = await hiddenOfAll(this.#store);
    const found = await this.#store.entitiesByKey(keys);
    return found.filter((event) => hidden.get(event.project)?.hides(event) !== true).map(entityOf);
  }

  /** A query without the events that open erasures remove. */
  async #shown(query: EntityQuery): Promise<EntityQuery> {
    const hidden = await hiddenOfAll(this.#store);
    if (hidden.size === 0) return query;
    return { ...query, unless: [...hidden].map(([project, one]) => one.ofProject(project)) };
  }
}

function entityOf(event: StoredEvent): EventEntity {
  return { _id: `${event.project}:${event.id}`, ...event };
}

/**
 * Stores entities, and counts them, as the processor does: those of each project are a batch of
 * their own (`batchesOf`). An entity that is already stored, by id and content, is a success.
 * Without the queue before it a crash within this call may leave events that no rollup counts.
 * @returns their keys, in the order of the entities within each project
 * @throws ServiceError INVALID_EVENT before anything is stored; ID_CONFLICT after the others were
 */
async function storeEntities(
  store: EventStore,
  entities: readonly object[],
  { dimensions, fullIp }: Required<EntityOptions>,
): Promise<readonly EntityKey[]> {
  // Loaded only here: the tables of enrichment take memory that most processes do not need.
  const { batchesOf } = await import("./insert.ts");
  const batches = batchesOf(entities, { fullIp, now: Date.now() });
  await Promise.all(batches.map((batch) => storeOne(store, batch, dimensions)));
  return batches.flatMap(({ events }) => events.map(({ project, id }) => ({ project, id })));
}

async function storeOne(
  store: EventStore,
  { batch, project, events }: EntityBatch,
  dimensions: readonly string[],
): Promise<void> {
  const count = (some: readonly StoredEvent[]) => deltasOf(batch, project, some, dimensions);
  const done = { batch, project, events, deltas: count(events) };
  const { foreign } = await storeBatch(store, done, (owned) => Promise.resolve(count(owned)));
  const hashes = new Map(events.map(({ id, hash }) => [id, hash]));
  if (foreign.some(({ id, hash }) => hashes.get(id) !== hash)) {
    throw new ServiceError("ID_CONFLICT");
  }
}

function immutable(): Promise<never> {
  return Promise.reject(new ServiceError("METHOD_NOT_ALLOWED", "Stored events never change"));
}
