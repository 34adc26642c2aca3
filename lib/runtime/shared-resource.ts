import type { ServiceBroker } from "moleculer";
import { BrokerError } from "../cluster/rabbitmq-error.ts";
import { ConfigError } from "../config.ts";

/** A resource that several services of one broker share. */
interface Closable {
  close(): Promise<void>;
}

/**
 * One resource for all services of a broker: the first one opens it, the last one closes it.
 * Keyed by the broker, so that several brokers in one process stay apart.
 */
export class Shared<Owner extends object, Resource extends Closable> {
  readonly #held = new WeakMap<Owner, { users: number; readonly resource: Promise<Resource> }>();

  /** @param open called only where the owner has no resource yet */
  acquire(owner: Owner, open: () => Promise<Resource>): Promise<Resource> {
    const held = this.#held.get(owner) ?? { users: 0, resource: open() };
    held.users += 1;
    this.#held.set(owner, held);
    return held.resource;
  }

  /** Closes the resource where this was its last user. */
  async release(owner: Owner): Promise<void> {
    const held = this.#held.get(owner);
    if (held === undefined) return;
    held.users -= 1;
    if (held.users > 0) return;
    this.#held.delete(owner);
    await (await held.resource).close();
  }
}

/**
 * Opens a service's resource. Where the configuration makes that impossible, the process ends with
 * code 1 and one line that names the variable: an orchestrator starts it again, and a person reads
 * why.
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
