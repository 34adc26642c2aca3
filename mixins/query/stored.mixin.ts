import { askWithinMs } from "../../lib/call-limits.ts";
import type { Actions } from "../../lib/contracts.ts";
import { defaultProject, type ProjectId } from "../../lib/event/event.ts";
import type { EventFilter } from "../../lib/event/filter.ts";
import { defineMixin, type TypedContext } from "../../lib/moleculer.ts";
import { callEveryNode } from "../../lib/runtime/call-every-node.ts";
import { hiddenOf, type HiddenEvents } from "../../lib/store/hidden.ts";
import {
  orderRecordedMs,
  type PlacedEvent,
  type StoredPart,
  type StoredQuery,
} from "../../lib/store/stored.ts";
import type { Storing } from "../store.mixin.ts";

/** How often processors are asked anew to keep the order, while somebody follows it. */
const requestEveryMs = 10_000;
const countWithinMs = 2_000;

interface OrderKeeping {
  orderRequestedAt: number;
  /** The request that is under way: two at once would mark a gap that there is none of. */
  requesting: Promise<void> | undefined;
}

/** Gives a service what those need who follow the order of storing. */
export function StoredMixin() {
  return defineMixin<{ needs: Storing; state: OrderKeeping }>()({
    methods: {
      /**
       * The events behind a place, without those that an open erasure removes.
       * @throws where a store keeps the order only on demand and a processor cannot be told so:
       *   ServiceError SERVICE_UNAVAILABLE where there is none
       */
      async storedAfter(query: StoredQuery): Promise<StoredPart> {
        await this.keepOrder();
        const hidden = new Map<ProjectId, HiddenEvents | undefined>();
        for (const project of query.projects) {
          hidden.set(project, await hiddenOf(this.store, project));
        }
        const part = await this.store.stored(query);
        const isHidden = ({ event }: PlacedEvent) =>
          hidden.get(event.project)?.hides(event) === true;
        return without(part, part.events.filter(isHidden));
      },

      async keepOrder(): Promise<void> {
        if (this.store.tellOrder === undefined) return;
        if (performance.now() - this.orderRequestedAt < requestEveryMs) return;
        this.requesting ??= this.requestOrder().finally(() => (this.requesting = undefined));
        await this.requesting;
      },

      async requestOrder(): Promise<void> {
        // The store's note reaches processors that start later; those that run now are called.
        await this.store.tellOrder?.(orderRecordedMs);
        await callEveryNode(
          this.broker as never,
          "processor.tellOrder",
          { forMs: orderRecordedMs },
          askWithinMs,
        );
        this.orderRequestedAt = performance.now();
      },

      /**
       * How many events there were in each of the seconds before an instant, the newest last, by
       * their timestamps.
       */
      async secondsBefore({
        params: { to, seconds },
        meta,
      }: Pick<TypedContext<Actions["query.seconds"]["params"]>, "params" | "meta">): Promise<
        readonly number[]
      > {
        const project = meta.project ?? defaultProject;
        const ends = Array.from({ length: seconds }, (_, i) => to - 1_000 * (seconds - 1 - i));
        const limits = { timeoutMs: countWithinMs };
        const hidden = await hiddenOf(this.store, project);
        return Promise.all(
          ends.map((end) => {
            const second: EventFilter = { project, from: end - 1_000, to: end };
            return this.store.countEvents(hidden?.narrowed(second) ?? second, limits);
          }),
        );
      },
    },
    created() {
      this.orderRequestedAt = -Infinity;
      this.requesting = undefined;
    },
  });
}

/** A part without some of its events; it still ends where it ended. */
function without(part: StoredPart, hidden: readonly PlacedEvent[]): StoredPart {
  if (hidden.length === 0) return part;
  const left = new Set(hidden);
  const counts = part.counts.map(([project, type, count]) => {
    const own = hidden.filter(({ event }) => event.project === project && event.type === type);
    return [project, type, count - own.length] as const;
  });
  return {
    ...part,
    events: part.events.filter((one) => !left.has(one)),
    counts: counts.filter(([, , count]) => count > 0),
  };
}
