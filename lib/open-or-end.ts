import type { ServiceBroker } from "moleculer";
import { ConfigError } from "./config.ts";
import { BrokerError } from "./queue/rabbitmq-failure.ts";

/**
 * Open what a service needs. Where the configuration keeps it from being opened, the process ends with code 1
 * and one line that names the variable: an orchestrator starts it again, and a person reads why.
 * @throws what `open` throws besides
 */
export async function openOrEnd<T>(broker: ServiceBroker, open: () => Promise<T>): Promise<T> {
  try {
    return await open();
  } catch (error) {
    if (error instanceof ConfigError || error instanceof BrokerError) {
      broker.fatal(error.message, undefined, true);
    }
    throw error;
  }
}
