import { rolledUp } from "../analytics/dimensions.ts";
import { ConfigError, type Config } from "../config.ts";
import { SqliteAdapter } from "./sqlite-adapter.ts";
import type { StoreLog } from "./store-log.ts";
import type { EventStore } from "./store.ts";

/** What `mongo.ts` exports. Loaded only where it is asked for: an embedded process needs no driver. */
interface MongoModule {
  readonly MongoStore: { open(config: Config, log: StoreLog): Promise<EventStore> };
}

const extension = import.meta.url.endsWith(".ts") ? ".ts" : ".js";

/**
 * Open the store that the configuration names: MongoDB where `mongodbUri` is set, else the SQLite
 * file. Resolves also while the store is away: its methods say so.
 * @throws ConfigError where the store is not part of this installation; Error for a file of a newer version
 */
export async function openStore(config: Config, log: StoreLog): Promise<EventStore> {
  if (config.mongodbUri !== null) return openMongo(config, log);
  const store = new SqliteAdapter({
    file: config.files.store,
    dimensions: rolledUp(config.rollupDimensions),
    fullIp: config.fullIp,
    log,
  });
  await store.open();
  return store;
}

async function openMongo(config: Config, log: StoreLog): Promise<EventStore> {
  const file = new URL(`./mongo${extension}`, import.meta.url).href;
  const module = (await import(file).catch((error: unknown) => {
    if ((error as { code?: unknown }).code !== "ERR_MODULE_NOT_FOUND") throw error;
    throw new ConfigError(["MONGODB_URI is set, but the MongoDB store is not installed here"]);
  })) as MongoModule;
  return module.MongoStore.open(config, log);
}
