import type { ServerResponse } from "node:http";
import { plainJsonOf } from "../lib/http/json-text.ts";
import { requireMediaType } from "../lib/http/media-type.ts";
import { demandOf, entityTagOf } from "../lib/http/precondition.ts";
import { unknownParameter } from "../lib/http/query-string.ts";
import { defineMixin } from "../lib/moleculer.ts";
import type { Edge } from "./http-edge.mixin.ts";
import type { Routed } from "./export-edge.mixin.ts";

export interface SavedQuestionsEdge {
  saveQuestion(request: Routed, response: ServerResponse): Promise<void>;
  removeQuestion(request: Routed, response: ServerResponse): Promise<void>;
}

/** A little more than a question may have, for what is around it. */
const limits = { wireBytes: 81_920, inflatedBytes: 81_920 };

/** Gives the gateway the answers to requests that save a question or remove one, with their preconditions. */
export function SavedQuestionsEdgeMixin() {
  return defineMixin<Edge>()({
    methods: {
      async saveQuestion(request: Routed, response: ServerResponse): Promise<void> {
        refuseParameters(request);
        const demand = demandOf(request.headers);
        requireMediaType(request.headers["content-type"], ["application/json"]);
        const body = plainJsonOf(
          await this.takeBody(request, response, limits, request.caller ?? ""),
        );
        const params = { name: String(request.$params["name"]), body, demand };
        const { created, version, saved } = await request.$ctx.call("query.saved.put", params);
        response.writeHead(created ? 201 : 200, {
          "content-type": "application/json; charset=utf-8",
          etag: entityTagOf(version),
          ...(created && { location: `/api/v1/queries/${encodeURIComponent(saved.name)}` }),
        });
        response.end(JSON.stringify(saved));
      },

      async removeQuestion(request: Routed, response: ServerResponse): Promise<void> {
        refuseParameters(request);
        const demand = demandOf(request.headers);
        const params = { name: String(request.$params["name"]), demand };
        await request.$ctx.call("query.saved.remove", params);
        response.writeHead(204).end();
      },
    },
  });
}

/** @throws ServiceError VALIDATION: what is saved is in the body alone */
function refuseParameters({ query }: Routed): void {
  const [stray] = Object.keys(query);
  if (stray !== undefined) throw unknownParameter(stray, "this address takes no parameters");
}
