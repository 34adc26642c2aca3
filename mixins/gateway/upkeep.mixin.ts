import type { ServerResponse } from "node:http";
import { defineMixin } from "../../lib/moleculer.ts";
import type { Edge, Routed } from "./edge.ts";
import { sendJob, sendJson, takeJson } from "./handlers.ts";

export interface UpkeepEdge {
  beginAudit(request: Routed, response: ServerResponse): Promise<void>;
  setRetention(request: Routed, response: ServerResponse): Promise<void>;
  rebuildRollups(request: Routed, response: ServerResponse): Promise<void>;
}

const bodyLimits = { wireBytes: 16_384, inflatedBytes: 16_384 };

/** For as many types, with as long names, as there may be. */
const retentionLimits = { wireBytes: 65_536, inflatedBytes: 65_536 };

/**
 * Gives the gateway the routes about counts and retention: audits and rebuilds, each a job, and the
 * retention of a project.
 */
export function UpkeepEdgeMixin() {
  return defineMixin<{ needs: Pick<Edge, "takeBody"> }>()({
    methods: {
      async beginAudit(request: Routed, response: ServerResponse): Promise<void> {
        const body = await takeJson(this, request, response, bodyLimits);
        sendJob(response, await request.$ctx.call("aggregator.audits.begin", { body }));
      },

      async rebuildRollups(request: Routed, response: ServerResponse): Promise<void> {
        const body = await takeJson(this, request, response, bodyLimits);
        sendJob(response, await request.$ctx.call("aggregator.rollups.rebuild", { body }));
      },

      async setRetention(request: Routed, response: ServerResponse): Promise<void> {
        const body = await takeJson(this, request, response, retentionLimits);
        const shown = await request.$ctx.call("aggregator.retention.put", { body });
        sendJson(response, shown);
      },
    },
  });
}
