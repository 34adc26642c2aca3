import { Deliveries } from "../../lib/concurrency/deliveries.ts";
import type { Actions } from "../../lib/contracts.ts";
import { defaultProject } from "../../lib/event/event.ts";
import type { Receipt } from "../../lib/event/receipt.ts";
import { defineMixin, type TypedContext } from "../../lib/moleculer.ts";
import type { Collecting } from "./collect.mixin.ts";
import type { WaitingStored } from "./wait-stored.mixin.ts";

type CollectCall = Pick<
  TypedContext<Actions["ingest.collect"]["params"]>,
  "id" | "nodeID" | "params" | "meta" | "call"
>;

/**
 * Gives a service `this.answerCollect(ctx)`: the answer to a call of `ingest.collect`. A call of
 * another node that is delivered again ends as it did before; where its events were kept then, they
 * are published again under the same ids, for the answer's sake.
 */
export function CollectCallMixin() {
  return defineMixin<{
    needs: Collecting & WaitingStored;
    state: { deliveries: Deliveries<Receipt> };
  }>()({
    methods: {
      answerCollect(ctx: CollectCall): Promise<Receipt> {
        if (ctx.nodeID === this.broker.nodeID) return this.carryOut(ctx, false);
        return this.deliveries.carryOut(ctx.id, (again) => this.carryOut(ctx, again));
      },

      async carryOut(ctx: CollectCall, again: boolean): Promise<Receipt> {
        const waitMs = ctx.params.waitMs ?? undefined;
        const { requestIds, traceparent } = ctx.meta;
        const project = ctx.meta.project ?? defaultProject;
        const collecting = this.collect(ctx.params.events, project, {
          ...{ id: ctx.id, again, watched: waitMs !== undefined },
          story: { requestIds, traceparent },
        });
        // Moleculer keeps the context while the disk is waited for; it must not keep the events as
        // long.
        ctx.params = { events: [] };
        const { receipt, hashedIds } = await collecting;
        const { batch } = receipt;
        if (waitMs === undefined || batch === null) return receipt;
        return { ...receipt, outcomes: await this.outcomesOf(ctx, hashedIds, batch, waitMs) };
      },
    },
    created() {
      this.deliveries = new Deliveries();
    },
  });
}
