import { setTimeout as delay } from "node:timers/promises";
import type { Middleware, ServiceBroker } from "moleculer";

const startWithinMs = 15_000;

/**
 * Makes a broker end once and completely: a second signal joins the stop under way, and a stop
 * during the start waits until the services have started, at most 15 s. Otherwise services that
 * start late would open files that were already closed and sealed, and a resource would be released
 * twice.
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
 * Settles when no service is starting any more; at once while the process only waits for the
 * message broker.
 */
async function endOf(broker: ServiceBroker, started: Promise<void> | undefined): Promise<void> {
  if (!(broker as unknown as { servicesStarting: boolean }).servicesStarting) return;
  const over = new AbortController();
  const late = delay(startWithinMs, undefined, { signal: over.signal }).catch(() => undefined);
  await Promise.race([started?.catch(() => undefined), late]);
  over.abort();
}
