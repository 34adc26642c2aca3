import type { Routed } from "./edge.ts";
import { sendJob } from "./handlers.ts";
import type { ServerResponse } from "node:http";
import { defineMixin } from "../../lib/moleculer.ts";

export interface EraseEdge {
  eraseEvent(request: Routed, response: ServerResponse): Promise<void>;
  eraseEvents(request: Routed, response: ServerResponse): Promise<void>;
  eraseSubject(request: Routed, response: ServerResponse): Promise<void>;
}

/** Gives the gateway the routes that erase events, each a job. */
export function EraseEdgeMixin() {
  return defineMixin()({
    methods: {
      async eraseEvent(request: Routed, response: ServerResponse): Promise<void> {
        const { id, ...rest } = request.$params;
        const params = { ...rest, id: String(id) };
        sendJob(response, await request.$ctx.call("aggregator.erase.event", params));
      },

      async eraseEvents(request: Routed, response: ServerResponse): Promise<void> {
        sendJob(response, await request.$ctx.call("aggregator.erase.events", request.$params));
      },

      async eraseSubject(request: Routed, response: ServerResponse): Promise<void> {
        const { userId, ...rest } = request.$params;
        const params = { ...rest, userId: String(userId) };
        sendJob(response, await request.$ctx.call("aggregator.erase.subject", params));
      },
    },
  });
}
