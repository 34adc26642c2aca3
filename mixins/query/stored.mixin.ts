import { askWithinMs } from "../../lib/call-limits.ts";
import type { Actions } from "../../lib/contracts.ts";
import { defaultProject } from "../../lib/event/event.ts";
import { defineMixin, type TypedContext } from "../../lib/moleculer.ts";
import { callEveryNode } from "../../lib/runtime/call-every-node.ts";
import { orderToldMs, type StoredPart, type StoredQuery } from "../../lib/store/stored.ts";
import type { Storing } from "../store.mixin.ts";

/** How often processors are asked anew to keep the order, while somebody follows it. */
const askEveryMs = 10_000;
const countWithinMs = 2_000;

/** Gives a service what those need who follow the order of storing. */
export function StoredMixin() {
  return defineMixin<{ needs: Storing; state: { orderAskedAt: number } }>()({
    methods: {
      /** @throws where a store keeps the order only on demand and a processor cannot be told so */
      async storedBehind(query: StoredQuery): Promise<StoredPart> {
        await this.keepOrder();
        return this.store.stored(query);
      },

      async keepOrder(): Promise<void> {
        if (this.store.tellOrder === undefined) return;
        if (performance.now() - this.orderAskedAt < askEveryMs) return;
        // First for those who begin to append now: the others are asked one by one.
        await this.store.tellOrder(orderToldMs);
        await callEveryNode(
          this.broker as never,
          "processor.tellOrder",
          { forMs: orderToldMs },
          askWithinMs,
        );
        this.orderAskedAt = performance.now();
      },

      /**
       * How many events there were in each of the seconds before an instant, the newest last, by
       * their timestamps.
       */
      async secondsBefore({
        params: { to, seconds },
        meta: { project = defaultProject },
      }: Pick<TypedContext<Actions["query.seconds"]["params"]>, "params" | "meta">): Promise<
        readonly number[]
      > {
        const ends = Array.from({ length: seconds }, (_, i) => to - 1_000 * (seconds - 1 - i));
        const limits = { timeoutMs: countWithinMs };
        return Promise.all(
          ends.map((end) =>
            this.store.countEvents({ project, from: end - 1_000, to: end }, limits),
          ),
        );
      },
    },
    created() {
      this.orderAskedAt = -Infinity;
    },
  });
}
