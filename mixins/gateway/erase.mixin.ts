import type { Routed } from "./edge.ts";
import type { ServerResponse } from "node:http";
import { defineMixin } from "../../lib/moleculer.ts";
import type { ShownJob } from "../../lib/questions/jobs.ts";

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
        begun(response, await request.$ctx.call("aggregator.erase.event", params));
      },

      async eraseEvents(request: Routed, response: ServerResponse): Promise<void> {
        begun(response, await request.$ctx.call("aggregator.erase.events", request.$params));
      },

      async eraseSubject(request: Routed, response: ServerResponse): Promise<void> {
        const { userId, ...rest } = request.$params;
        const params = { ...rest, userId: String(userId) };
        begun(response, await request.$ctx.call("aggregator.erase.subject", params));
      },
    },
  });
}

export function begun(response: ServerResponse, job: ShownJob): void {
  response.writeHead(202, {
    "content-type": "application/json; charset=utf-8",
    location: `/api/v1/jobs/${job.id}`,
  });
  response.end(JSON.stringify(job));
}
