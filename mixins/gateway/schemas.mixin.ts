import type { ServerResponse } from "node:http";
import { unknownParameter } from "../../lib/http/query-string.ts";
import { ServiceError } from "../../lib/errors.ts";
import { defineMixin } from "../../lib/moleculer.ts";
import type { Edge, Routed } from "./edge.ts";
import { refuseBody, refuseParameters, sendJson, takeJson } from "./handlers.ts";

export interface SchemasEdge {
  putSchema(request: Routed, response: ServerResponse): Promise<void>;
  removeSchema(request: Routed, response: ServerResponse): Promise<void>;
  inferSchema(request: Routed, response: ServerResponse): Promise<void>;
  patchQuarantined(request: Routed, response: ServerResponse): Promise<void>;
  dropQuarantined(request: Routed, response: ServerResponse): Promise<void>;
  replayQuarantined(request: Routed, response: ServerResponse): Promise<void>;
  replayMany(request: Routed, response: ServerResponse): Promise<void>;
}

/** A little more than the limit of a schema or an event, for the text around it. */
const bodyLimits = { wireBytes: 131_072, inflatedBytes: 131_072 };

const patchTypes = ["application/merge-patch+json", "application/json"] as const;

/** Gives the gateway the routes that change schemas and the quarantine. */
export function SchemasEdgeMixin() {
  return defineMixin<{ needs: Pick<Edge, "takeBody"> }>()({
    methods: {
      async putSchema(request: Routed, response: ServerResponse): Promise<void> {
        const body = await takeJson(this, request, response, bodyLimits);
        const type = String(request.$params["type"]);
        const { created, saved } = await request.$ctx.call("query.schemas.put", { type, body });
        const location = `/api/v1/schemas/${encodeURIComponent(type)}`;
        sendJson(response, saved, created ? 201 : 200, created ? { location } : {});
      },

      async removeSchema(request: Routed, response: ServerResponse): Promise<void> {
        refuseParameters(request);
        const type = String(request.$params["type"]);
        await request.$ctx.call("query.schemas.remove", { type });
        response.writeHead(204).end();
      },

      async inferSchema(request: Routed, response: ServerResponse): Promise<void> {
        const body = await takeJson(this, request, response, bodyLimits);
        const { events, ...others } = objectOf(body);
        const [stray] = Object.keys(others);
        if (stray !== undefined) throw unknownParameter(stray, "only events can be told here");
        const type = String(request.$params["type"]);
        const params = { type, ...(events !== undefined && { events }) };
        sendJson(response, await request.$ctx.call("query.schemas.infer", params));
      },

      /** Applies a merge patch, whichever of the two types it is sent as. */
      async patchQuarantined(request: Routed, response: ServerResponse): Promise<void> {
        const patch = await takeJson(this, request, response, bodyLimits, patchTypes);
        const params = { id: idOf(request), patch };
        sendJson(response, await request.$ctx.call("processor.quarantine.patch", params));
      },

      async dropQuarantined(request: Routed, response: ServerResponse): Promise<void> {
        refuseParameters(request);
        await request.$ctx.call("processor.quarantine.drop", { id: idOf(request) });
        response.writeHead(204).end();
      },

      async replayQuarantined(request: Routed, response: ServerResponse): Promise<void> {
        refuseParameters(request);
        refuseBody(request);
        const params = { id: idOf(request) };
        sendJson(response, await request.$ctx.call("processor.quarantine.replay", params));
      },

      async replayMany(request: Routed, response: ServerResponse): Promise<void> {
        refuseBody(request);
        const { $ctx, $params } = request;
        sendJson(response, await $ctx.call("processor.quarantine.replayMany", $params));
      },
    },
  });
}

/** @throws ServiceError VALIDATION */
function objectOf(body: unknown): Readonly<Record<string, unknown>> {
  if (typeof body === "object" && body !== null && !Array.isArray(body)) {
    return body as Readonly<Record<string, unknown>>;
  }
  const errors = [{ pointer: "", code: "object", message: "this must be an object" }];
  throw new ServiceError("VALIDATION", undefined, { errors });
}

function idOf({ $params }: Routed): string {
  return String($params["id"]);
}
