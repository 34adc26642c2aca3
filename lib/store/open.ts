import { rolledUp } from "../counting/dimensions.ts";
import type { Config } from "../config.ts";
import { SqliteAdapter } from "./sqlite/adapter.ts";
import type { Log } from "../log.ts";
import type { EventStore } from "./store.ts";

/**
 * Open the store that the configuration names: MongoDB where `mongodbUri` is set, else the SQLite
 * file. Resolves also while the store is away: its methods say so.
 * @throws ConfigError for what somebody has to change; Error for a file of a newer version
 */
export async function openStore(config: Config, log: Log): Promise<EventStore> {
  if (config.mongodbUri !== null) {
    // Loaded only where it is asked for: an embedded process needs no driver.
    const { MongoStore } = await import("./mongo/mongo-store.ts");
    return MongoStore.open(config, log);
  }
  const store = new SqliteAdapter({
    file: config.files.store,
    dimensions: rolledUp(config.rollupDimensions),
    fullIp: config.fullIp,
    readers: config.queryConcurrency + 1,
    log,
  });
  await store.open();
  return store;
}
