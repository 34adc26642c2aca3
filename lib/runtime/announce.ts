import { resolve } from "node:path";
import type { Middleware, ServiceBroker } from "moleculer";
import { redacted } from "../cluster/rabbitmq-error.ts";
import type { Config } from "../config.ts";

/**
 * Logs the services, their back ends and the address to open, once everything is up; and the end of
 * the process. It leaves out passwords in addresses.
 */
export function announce(config: Config): Middleware {
  return {
    name: "Announce",
    async started(broker: ServiceBroker) {
      broker.logger.info({ services: config.services, ...backEnds(config) }, "running");
      const alone = onlyOneProcess(config);
      if (alone !== undefined) broker.logger.warn({ reason: alone }, "run this process alone");
      const address = opensAt(config);
      if (address !== undefined) broker.logger.info(address, "open");
    },
    async stopping(broker: ServiceBroker) {
      broker.logger.info({}, "stopping after the work under way");
    },
    async stopped(broker: ServiceBroker) {
      broker.logger.info({}, "stopped");
    },
  };
}

function backEnds(config: Config): object {
  const { mongodbUri, rabbitmqUrl, redisUrl } = config;
  const embedded = mongodbUri === null || rabbitmqUrl === null;
  return {
    store: mongodbUri === null ? "SQLite" : redacted(mongodbUri),
    queue: rabbitmqUrl === null ? "SQLite" : redacted(rabbitmqUrl),
    cache: redisUrl === null ? "memory" : redacted(redisUrl),
    ...(embedded && { dataDir: resolve(config.dataDir) }),
  };
}

/** Why no other process may work on the same data, where some of it is this process's own. */
function onlyOneProcess({ mongodbUri, rabbitmqUrl }: Config): string | undefined {
  if (mongodbUri !== null && rabbitmqUrl === null) {
    return "the store is shared and the queue is not: what waits on the queue of one process is missing in the answers of another, which says that they are exact. Set RABBITMQ_URL for several processes";
  }
  if (mongodbUri === null && rabbitmqUrl !== null) {
    return "the queue is shared and the store is not: of several processes each would store a part of the events, and answer from that. Set MONGODB_URI for several processes";
  }
  return undefined;
}

/** The address for a person to open; of a process without the gateway its health page. */
function opensAt(config: Config): object | undefined {
  const hasGateway = config.services.includes("api-gateway");
  const port = hasGateway ? config.port : config.opsPort;
  if (port === 0) return undefined;
  const host = config.host.includes(":") ? `[${config.host}]` : config.host;
  const origin = `http://${host}:${port}`;
  if (!hasGateway) return { health: `${origin}/health` };
  const keys = config.apiKeys.length;
  return {
    page: `${origin}/`,
    api: `${origin}/api/v1`,
    keys: keys === 0 ? "none asked for" : keys,
  };
}
