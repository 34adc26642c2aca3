import { setTimeout as delay } from "node:timers/promises";
import type { Config } from "../../lib/config.ts";
import { LoopGauge } from "../../lib/concurrency/loop-load.ts";
import { defineMixin } from "../../lib/moleculer.ts";
import type { Consumer, Delivery, Handler } from "../../lib/queue/queue.ts";
import { QueueMixin } from "../queue.mixin.ts";

interface ConsumerState {
  consumer: Consumer | null;
  holding: AbortController | null;
  lastDoneAt: number;
  loop: LoopGauge;
}

const probeEveryMs = 500;
const busyFrom = 0.7;
const giveWayMs = 20;
const longestWaitMs = 3_000;

/**
 * Gives a service the consuming side of the queue: `this.startConsuming(handle)`;
 * `this.lastDoneAt`, when the last batch was finished (or consuming began), by `performance.now()`;
 * and `this.holdUntil(probe)`, which stops deliveries until `probe` no longer throws: one quiet
 * probe instead of a storm of retries while something that every batch needs is away.
 */
export function ConsumerMixin(config: Config) {
  return defineMixin<{ state: ConsumerState }>()({
    mixins: [QueueMixin(config)],
    methods: {
      async startConsuming(handle: Handler): Promise<void> {
        this.lastDoneAt = performance.now();
        this.consumer = await this.queue.consume(
          async (delivery) => {
            await this.giveWay(delivery);
            const outcome = await handle(delivery);
            if (outcome.status === "done") this.lastDoneAt = performance.now();
            return outcome;
          },
          { prefetch: config.prefetch },
        );
      },
      /**
       * Lets collecting go first while the event loop is busy, but delays no event for long, and no
       * delivery at all: the clock of `receivedAt` may have been set back since.
       */
      async giveWay({ receivedAt }: Delivery): Promise<void> {
        const arrivedAt = performance.now();
        while (
          this.loop.utilization() > busyFrom &&
          Date.now() - receivedAt < longestWaitMs &&
          performance.now() - arrivedAt < longestWaitMs &&
          this.consumer !== null
        ) {
          await delay(giveWayMs);
        }
      },

      /** Finishes the deliveries under way; the rest stays on the queue. */
      async stopConsuming(): Promise<void> {
        this.holding?.abort();
        await this.consumer?.stop();
        this.consumer = null;
      },
      holdUntil(probe: () => Promise<void>): void {
        if (this.holding !== null) return;
        const holding = new AbortController();
        this.holding = holding;
        this.consumer?.pause();
        this.logger.warn("consuming is held back: the store is away");
        void untilItWorks(probe, holding.signal).then(() => {
          this.holding = null;
          if (holding.signal.aborted) return;
          this.logger.info({}, "consuming continues");
          this.consumer?.resume();
        });
      },
    },
    created() {
      this.consumer = null;
      this.holding = null;
      this.lastDoneAt = 0;
      this.loop = new LoopGauge();
    },
    async stopped() {
      await this.stopConsuming();
    },
  });
}

async function untilItWorks(probe: () => Promise<void>, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    try {
      return await probe();
    } catch {
      await delay(probeEveryMs, undefined, { signal }).catch(() => undefined);
    }
  }
}
