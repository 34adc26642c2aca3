import type { Config } from "../lib/config.ts";
import { defineMixin } from "../lib/moleculer.ts";
import { openOrEnd, Shared } from "../lib/runtime/shared-resource.ts";
import { measure } from "../lib/store/measured.ts";
import { openStore, type OpenStore } from "../lib/store/open.ts";

export interface Storing {
  store: OpenStore;
}

const stores = new Shared<object, OpenStore>();

/** Gives a service `this.store`, the event store that all services of a process share. */
export function StoreMixin(config: Config) {
  return defineMixin<{ state: Storing }>()({
    async started() {
      this.store = await stores.acquire(this.broker, async () => {
        const store = await openOrEnd(this.broker, () => openStore(config, this.logger));
        if (config.metrics) {
          measure(store, (verb, seconds, outcome) =>
            this.metrics.observe("analytics_store_operation_seconds", seconds, { verb, outcome }),
          );
        }
        return store;
      });
    },
    async stopped() {
      await stores.release(this.broker);
    },
  });
}
