import { randomBytes, randomUUIDv7 } from "node:crypto";
import { flushCompileCache } from "node:module";
import { hostname } from "node:os";
import type { BrokerOptions, Middleware, ServiceBroker } from "moleculer";
import { announce } from "./announce.ts";
import { ClusterTransporter } from "../cluster/amqp-transporter.ts";
import { largestEntry, MemoryCacher } from "../cluster/memory-cacher.ts";
import { callsWithinMs, heartbeats } from "../call-limits.ts";
import { endOverdueRequests } from "../cluster/overdue-requests.ts";
import { readAgain } from "../cluster/read-again.ts";
import { RedisCacher } from "../cluster/redis-cacher.ts";
import { serviceNames, type Config } from "../config.ts";
import { dataDirHolder } from "./data-dir.ts";
import { ServiceLogger } from "./logger.ts";
import { startMetrics } from "../metric-registry.ts";
import { opsListener } from "./ops-listener.ts";
import { outcomeUnknown, CatalogueValidator, orderlyEnd, traced } from "./middlewares.ts";
import { replCommands } from "./repl.ts";
import { warmUp } from "./warm-up.ts";

const cacheSeconds = 60;

/** A service with work to finish before it is stopped. */
interface Drainable {
  drain?(): Promise<void>;
}

/**
 * Stops services in the order in which an event flows: the edge accepts no more requests and
 * answers the pending ones, then ingest flushes, then the processor finishes its batches. Moleculer
 * itself stops all at once.
 */
const drainInOrder: Middleware = {
  name: "DrainInOrder",
  async stopping(broker: ServiceBroker) {
    for (const name of serviceNames) {
      await (broker.getLocalService(name) as Drainable | undefined)?.drain?.();
    }
  },
};

/** A service with work to begin once other nodes were told of it. */
interface Announced {
  begin?(): Promise<void>;
}

/** In a cluster, lets services begin their work only after the other nodes were told of them. */
const beginAnnounced: Middleware = {
  name: "BeginAnnounced",
  async started(broker: ServiceBroker) {
    if (broker.transit === undefined) return;
    // Moleculer would tell them a second after the last service has started.
    await broker.registry.discoverer.sendLocalNodeInfo();
    for (const name of serviceNames) {
      if (broker.started) await (broker.getLocalService(name) as Announced | undefined)?.begin?.();
    }
  },
};

/**
 * Keeps what was compiled until the process was up for later starts, where `NODE_COMPILE_CACHE`
 * names a folder. Node itself keeps it only at an orderly end, which a killed process does not have.
 */
const keepCompiled: Middleware = {
  name: "KeepCompiled",
  async started() {
    flushCompileCache();
  },
};

/** Moleculer's options, all derived from the configuration. */
export function brokerOptions(config: Config): BrokerOptions {
  return {
    namespace: config.clusterName,
    nodeID: nodeId(config),
    logger: new ServiceLogger(config),
    transporter: config.rabbitmqUrl === null ? null : new ClusterTransporter(config.rabbitmqUrl),
    cacher: cacherOf(config),
    // Events without an id get theirs from the call's (lib/event/given-ids.ts): in order of time,
    // ids take less of a store's indexes.
    uidGenerator: () => randomUUIDv7(),
    // The time limit of Moleculer's own actions; ours have theirs in `callLimits`. Only reads are
    // retried automatically.
    requestTimeout: 30_000,
    heartbeatInterval: heartbeats.everySeconds,
    heartbeatTimeout: heartbeats.timeoutSeconds,
    registry: { preferLocal: true, stopDelay: config.rabbitmqUrl === null ? 0 : 100 },
    tracking: { enabled: true, shutdownTimeout: callsWithinMs },
    // Moleculer counts under names and units of its own, and at ten times the cost: see
    // lib/metrics.ts.
    metrics: false,
    validator: new CatalogueValidator(),
    // `$node.options` would reveal the passwords of this node to every node on the bus.
    internalServices: { $node: { name: "$node", actions: { options: false } } },
    middlewares: [
      orderlyEnd(),
      outcomeUnknown,
      dataDirHolder(config),
      drainInOrder,
      beginAnnounced,
      readAgain(),
      endOverdueRequests(),
      traced(config),
      opsListener(config),
      announce(config),
      keepCompiled,
      warmUp(config),
    ],
    created: (broker) => {
      if (config.metrics) startMetrics(broker);
    },
    replOptions: { customCommands: replCommands },
  };
}

/**
 * An id that no process had before, not even one on the same host with the same process id:
 * messages to a dead node must not reach its successor.
 */
function nodeId({ services }: Config): string {
  const role = services.length === serviceNames.length ? "all" : services.join("+") || "client";
  return `${role}-${hostname()}-${process.pid}-${randomBytes(3).toString("hex")}`;
}

/** Where answers are kept for a minute; nowhere where `CACHE_MAX_BYTES` is 0. */
function cacherOf({ redisUrl, clusterName, reading }: Config): BrokerOptions["cacher"] {
  if (reading.cacheMaxBytes === 0) return false;
  if (redisUrl === null) {
    return new MemoryCacher({ maxBytes: reading.cacheMaxBytes, ttlSeconds: cacheSeconds });
  }
  return new RedisCacher({
    url: redisUrl,
    prefix: clusterName,
    ttlSeconds: cacheSeconds,
    maxEntryBytes: largestEntry(reading.cacheMaxBytes),
  });
}
