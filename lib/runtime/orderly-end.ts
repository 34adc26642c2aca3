import { setTimeout as delay } from "node:timers/promises";
import type { Middleware, ServiceBroker } from "moleculer";

const startWithinMs = 15_000;

/**
 * Lets a broker end once, and in one piece: a second signal joins the stop that is under way, and a
 * stop that comes while services start waits until they have, at most 15 s. Otherwise services that
 * start late would open files that were closed and sealed already, and a resource would be given
 * back twice.
 */
export function orderlyEnd(): Middleware {
  return {
    name: "OrderlyEnd",
    created(broker: ServiceBroker) {
      const start = broker.start.bind(broker);
      const stop = broker.stop.bind(broker);
      let started: Promise<void> | undefined;
      let stopped: Promise<void> | undefined;
      broker.start = () => {
        stopped = undefined;
        return (started = start());
      };
      broker.stop = () => (stopped ??= endOf(broker, started).then(stop));
    },
  };
}

/**
 * Settles when no service is starting any more. While only the message broker is waited for, none
 * is.
 */
async function endOf(broker: ServiceBroker, started: Promise<void> | undefined): Promise<void> {
  if (!(broker as unknown as { servicesStarting: boolean }).servicesStarting) return;
  const over = new AbortController();
  const late = delay(startWithinMs, undefined, { signal: over.signal }).catch(() => undefined);
  await Promise.race([started?.catch(() => undefined), late]);
  over.abort();
}
