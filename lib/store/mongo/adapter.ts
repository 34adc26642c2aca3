import MongoDbAdapter from "moleculer-db-adapter-mongo";
import { EntityAdapter, type AdaptedStore, type EntityOptions } from "../entities/adapter.ts";
import type { MongoLink } from "./connection.ts";

const verbs = Object.getOwnPropertyNames(EntityAdapter.prototype).filter(
  (name) => name !== "constructor",
) as readonly (keyof EntityAdapter)[];

/**
 * The adapter for services that use MongoDB's client or database directly; every verb is that of
 * `EntityAdapter`.
 */
class MongoEntityAdapter extends MongoDbAdapter {
  constructor({ client, db, collections }: MongoLink, entities: EntityAdapter) {
    // The base class would keep the URI, and with it the password, where everybody can see it.
    super("");
    Object.assign(this, { client, db, collection: collections.events });
    Object.assign(this, Object.fromEntries(verbs.map((verb) => [verb, bound(entities, verb)])));
  }

  /** Ids are plain texts, `project:id`, never ObjectIds. */
  stringToObjectID(id: unknown): unknown {
    return id;
  }
}

/**
 * Makes moleculer-db's MongoDB adapter over a store, on a current driver. A service takes it in
 * `created` or later, not in its schema: Moleculer copies schemas.
 */
export function mongoAdapter(
  link: MongoLink,
  store: AdaptedStore,
  options: EntityOptions,
): EntityAdapter {
  const entities = new EntityAdapter(store, options);
  return new MongoEntityAdapter(link, entities) as unknown as EntityAdapter;
}

function bound(entities: EntityAdapter, verb: keyof EntityAdapter): unknown {
  return (entities[verb] as (...args: unknown[]) => unknown).bind(entities);
}
