import type { Middleware, ServiceBroker } from "moleculer";
import { touchesStore, type Config } from "./config.ts";
import { DataDirInUse, holdDataDir, type DataDirLock } from "./data-dir.ts";

const retryMs = 1_000;

/**
 * Holds DATA_DIR while the broker runs, where an embedded part keeps files there. A folder that
 * another process holds ends this one with a clear message; one that cannot be written now is tried
 * again, since the service starts without it and answers 503 until there is room.
 */
export function dataDirHolder(config: Config): Middleware {
  const storeHere = config.mongodbUri === null && config.services.some(touchesStore);
  const embedded = config.rabbitmqUrl === null || storeHere;
  let lock: DataDirLock | undefined;
  let timer: NodeJS.Timeout | undefined;

  async function hold(broker: ServiceBroker): Promise<void> {
    try {
      lock = await holdDataDir(config.files.lock);
    } catch (error) {
      if (!(error instanceof DataDirInUse)) throw error;
      broker.fatal(error.message, undefined, true);
      return;
    }
    if (lock.status === "held") return;
    if (timer === undefined) {
      broker.logger.error(
        { reason: lock.reason },
        "DATA_DIR cannot be written; it is tried again every second",
      );
    }
    timer = setTimeout(() => void hold(broker), retryMs);
    timer.unref();
  }

  return {
    name: "DataDirHolder",
    async starting(broker: ServiceBroker) {
      if (embedded) await hold(broker);
    },
    async stopped() {
      clearTimeout(timer);
      if (lock?.status === "held") lock.release();
      await Promise.resolve();
    },
  };
}
