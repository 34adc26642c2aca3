import type { Config } from "../config.ts";
import { rolledUp } from "../counting/dimensions.ts";
import { SqliteStore } from "./sqlite/sqlite-store.ts";
import type { Log } from "../log.ts";
import type { AdaptedStore, EntityAdapter, EntityOptions } from "./entities/adapter.ts";

/** An event store, and the adapter through which moleculer-db's actions read it. */
export interface OpenStore extends AdaptedStore {
  adapter(options?: EntityOptions): EntityAdapter;
  /**
   * Names the order of events of one instant; empty for that of every earlier version. A place in
   * another order would pass over some of them.
   */
  readonly orderName: string;
}

/**
 * Opens the configured store: MongoDB where `mongodbUri` is set, else the SQLite file. Resolves
 * even while the store is away: its methods then report that.
 * @throws ConfigError for what an operator has to change; Error for a file of a newer version
 */
export async function openStore(config: Config, log: Log): Promise<OpenStore> {
  if (config.mongodbUri !== null) {
    // Loaded only where it is configured: an embedded process needs no driver.
    const { MongoStore } = await import("./mongo/mongo-store.ts");
    return MongoStore.open(config, log);
  }
  const store = new SqliteStore({
    file: config.files.store,
    readers: config.queryConcurrency + 1,
    dimensions: rolledUp(config.rollupDimensions),
    log,
  });
  await store.open();
  return store;
}
