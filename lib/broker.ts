import type { BrokerOptions, Middleware, ServiceBroker } from "moleculer";
import { serviceNames, type Config } from "./config.ts";
import { dataDirHolder } from "./data-dir-middleware.ts";
import { registerMetrics } from "./metrics.ts";

/** What a service may have: work that must be finished before it is stopped. */
interface Drainable {
  drain?(): Promise<void>;
}

/**
 * Stops in the order in which an event flows: the edge takes no more and answers what it has, then
 * ingest flushes, then the processor finishes its batches. Moleculer itself stops all at once.
 */
const drainInOrder: Middleware = {
  name: "DrainInOrder",
  async stopping(broker: ServiceBroker) {
    for (const name of serviceNames) {
      await (broker.getLocalService(name) as Drainable | undefined)?.drain?.();
    }
  },
};

/** Moleculer's options, all derived from the configuration. */
export function brokerOptions(config: Config): BrokerOptions {
  return {
    namespace: config.clusterName,
    logger: {
      type: "Pino",
      options: {
        level: config.logLevel,
        pino: { options: { base: null, timestamp: isoTime, formatters: { level: levelName } } },
      },
    },
    cacher: { type: "MemoryLRU", options: { max: 1_000, ttl: 60, clone: false } },
    requestTimeout: 30_000,
    registry: { preferLocal: true, stopDelay: 0 },
    tracking: { enabled: true, shutdownTimeout: 5_000 },
    metrics: { enabled: config.metrics, collectProcessMetrics: false, reporter: [] },
    validator: true,
    internalServices: true,
    middlewares: [dataDirHolder(config), drainInOrder],
    created: registerMetrics,
  };
}

function isoTime(): string {
  return `,"time":"${new Date().toISOString()}"`;
}

function levelName(label: string): { level: string } {
  return { level: label };
}
