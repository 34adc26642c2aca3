import type { Middleware, ServiceBroker } from "moleculer";
import { serviceNames, type Config } from "../config.ts";

const dayMs = 86_400_000;

/**
 * Once a process that answers alone is up, asks what its first visitor is likely to ask: counts by
 * day and a page of events. Their code is compiled then, the reading thread is there, and the zone's
 * calendar is known. It is asked once, of a project that may have no events, and changes nothing.
 */
export function warmUp({ services }: Pick<Config, "services">): Middleware {
  return {
    name: "WarmUp",
    async started(broker: ServiceBroker) {
      if (services.length < serviceNames.length) return;
      setImmediate(() => void asked(broker));
    },
  };
}

async function asked(broker: ServiceBroker): Promise<void> {
  const now = Date.now();
  const range = { from: String(now - 30 * dayMs), to: String(now) };
  try {
    await broker.call("query.counts", { ...range, interval: "day" });
    await broker.call("query.events", { ...range, type: "warm.up", limit: "1" });
  } catch (error) {
    broker.logger.debug({ err: error }, "the first questions were not answered");
  }
}
