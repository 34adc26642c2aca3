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
