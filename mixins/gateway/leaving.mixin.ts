import { randomUUID } from "node:crypto";
import type { ServerResponse } from "node:http";
import type { Context } from "moleculer";
import { keepLeaving } from "../../lib/concurrency/callers.ts";
import type { Meta } from "../../lib/contracts.ts";
import { defineMixin } from "../../lib/moleculer.ts";

/** What LeavingMixin gives to `this`. */
export interface Leaving {
  /** Stops every later call for a request when its client leaves before the answer. */
  watchCaller(context: Context<unknown, Meta>, response: ServerResponse): void;
}

/**
 * Gives the gateway `this.watchCaller(context, response)`: services that answer reads then learn
 * that nobody waits any more.
 */
export function LeavingMixin() {
  return defineMixin()({
    methods: {
      watchCaller(context: Context<unknown, Meta>, response: ServerResponse): void {
        const call = randomUUID();
        context.meta.call = call;
        const left = new AbortController();
        keepLeaving(context, left.signal);
        response.once("close", () => {
          if (response.writableEnded) return;
          left.abort();
          void this.broker.broadcast("caller.left", { call }, ["query"]);
        });
      },
    },
  });
}
