import type { Config } from "../lib/config.ts";
import { defineMixin } from "../lib/moleculer.ts";
import { openOrEnd, Shared } from "../lib/runtime/shared-resource.ts";
import { openQueue } from "../lib/queue/open.ts";
import type { DurableQueue } from "../lib/queue/queue.ts";

export interface Queueing {
  queue: DurableQueue;
}

const queues = new Shared<object, DurableQueue>();

/** Gives a service `this.queue`, the durable queue that all services of a process share. */
export function QueueMixin(config: Config) {
  return defineMixin<{ state: Queueing }>()({
    async started() {
      this.queue = await queues.acquire(this.broker, () =>
        openOrEnd(this.broker, () => openQueue(config, this.logger)),
      );
    },
    async stopped() {
      await queues.release(this.broker);
    },
  });
}
