import { existsSync } from "node:fs";
import type { Middleware, ServiceBroker } from "moleculer";
import { touchesStore, type Config } from "./config.ts";
import {
  DataDirInUse,
  DataDirLockDamaged,
  holdDataDir,
  watchMs,
  type DataDirLock,
} from "./data-dir.ts";
import { keepToOwner } from "./data-dir-modes.ts";
import { openFolder, sealFolder, UnfitFolder } from "./data-folder.ts";
import type { FolderPart } from "./folder-part.ts";
import { prepareFile, queueSchema } from "./queue/embedded-schema.ts";
import { NewerSchema } from "./schema-steps.ts";
import { prepareStore, storeSchema } from "./store/sqlite-schema.ts";

const retryMs = 1_000;

type Held = Extract<DataDirLock, { readonly status: "held" }>;

/**
 * Holds DATA_DIR while the broker runs, where an embedded part keeps files there, and sees to it that the
 * files belong together. A folder that another process holds or whose files are not fit for use ends this one
 * with a clear message, and so does a lock file that is gone; a folder that cannot be written now is tried
 * again, since the service starts without it and answers 503 until there is room.
 */
export function dataDirHolder(config: Config): Middleware {
  const parts = partsOf(config);
  let lock: Held | undefined;
  let opened = false;
  let trouble = false;
  let retry: NodeJS.Timeout | undefined;
  let watch: NodeJS.Timeout | undefined;

  /** @returns why it cannot be written now */
  async function hold(broker: ServiceBroker): Promise<string | undefined> {
    if (lock === undefined) {
      const taken = await holdDataDir(
        config.files.lock,
        parts.some(({ file }) => existsSync(file)),
      );
      if (taken.status === "unwritable") return taken.reason;
      lock = taken;
      watch = setInterval(() => {
        if (taken.isLost()) end(broker, `${config.files.lock} was removed or replaced: ${lost}`);
      }, watchMs).unref();
    }
    try {
      keepToOwner(config.dataDir);
      const { recordDamaged, accepted } = openFolder(config.dataDir, parts, !trouble);
      if (recordDamaged) broker.logger.warn("folder.json was damaged and is made anew");
      if (accepted) broker.logger.warn("the data folder was accepted as it is");
      opened = true;
      return undefined;
    } catch (error) {
      if (error instanceof UnfitFolder || error instanceof NewerSchema) throw error;
      return (error as Error).message;
    }
  }

  async function holdOrEnd(broker: ServiceBroker): Promise<void> {
    try {
      const reason = await hold(broker);
      if (reason === undefined) return;
      if (!trouble) {
        broker.logger.error(
          { reason },
          "DATA_DIR cannot be written; it is tried again every second",
        );
      }
      trouble = true;
      retry = setTimeout(() => void holdOrEnd(broker), retryMs).unref();
    } catch (error) {
      if (!isFinal(error)) throw error;
      end(broker, error.message);
    }
  }

  return {
    name: "DataDirHolder",
    async starting(broker: ServiceBroker) {
      if (parts.length > 0) await holdOrEnd(broker);
    },
    async stopped(broker: ServiceBroker) {
      clearTimeout(retry);
      clearInterval(watch);
      if (lock === undefined) return;
      try {
        if (opened && !lock.isLost()) sealFolder(config.dataDir, parts);
      } catch (error) {
        broker.logger.warn({ err: error }, "the data folder could not be sealed");
      }
      lock.release();
      await Promise.resolve();
    },
  };
}

const lost = "another process may use the folder now, so this one ends";

function isFinal(error: unknown): error is Error {
  return [DataDirInUse, DataDirLockDamaged, UnfitFolder, NewerSchema].some(
    (kind) => error instanceof kind,
  );
}

/** One message, and the end: an orchestrator starts the process again, and a person reads why. */
function end(broker: ServiceBroker, message: string): void {
  broker.fatal(message, undefined, true);
}

function partsOf({ rabbitmqUrl, mongodbUri, services, files }: Config): readonly FolderPart[] {
  const queue = { name: "queue", file: files.queue, steps: queueSchema, prepare: prepareFile };
  const store = { name: "store", file: files.store, steps: storeSchema, prepare: prepareStore };
  return [
    ...(rabbitmqUrl === null ? [queue as FolderPart] : []),
    ...(mongodbUri === null && services.some(touchesStore) ? [store as FolderPart] : []),
  ];
}
