import type { ServerResponse } from "node:http";
import { plainJsonOf } from "../lib/http/json-text.ts";
import { requireMediaType } from "../lib/http/media-type.ts";
import { ServiceError } from "../lib/errors.ts";
import { defineMixin } from "../lib/moleculer.ts";
import type { Aliased, Edge } from "./http-edge.mixin.ts";

/** What moleculer-web keeps with a request. */
interface Routed extends Aliased {
  /** What the action will be called with. */
  $params?: Readonly<Record<string, unknown>>;
}

/** What AskEdgeMixin gives to `this`. */
export interface AskEdge {
  takeQuestion(request: Aliased, response: ServerResponse): Promise<void>;
}

const maxQuestionBytes = 262_144;
const limits = { wireBytes: maxQuestionBytes, inflatedBytes: maxQuestionBytes };

/** Gives the gateway questions that come as a body. */
export function AskEdgeMixin() {
  return defineMixin<Edge>()({
    methods: {
      /**
       * Before an alias: make the body, an object of JSON, the action's parameters.
       * @throws ServiceError VALIDATION also for parameters in the URL: a question is in its body alone
       */
      async takeQuestion(request: Routed, response: ServerResponse): Promise<void> {
        const [stray] = Object.keys(request.$params ?? {});
        if (stray !== undefined) {
          const message = "a question is asked in the body; the URL takes no parameters";
          throw new ServiceError("VALIDATION", undefined, {
            errors: [{ pointer: stray, code: "unknown_parameter", message }],
          });
        }
        requireMediaType(request.headers["content-type"], ["application/json"]);
        const question = plainJsonOf(
          await this.takeBody(request, response, limits, request.caller ?? ""),
        );
        if (typeof question !== "object" || question === null || Array.isArray(question)) {
          throw new ServiceError("VALIDATION", undefined, {
            errors: [{ pointer: "", code: "object", message: "a question is an object" }],
          });
        }
        request.$params = question as Readonly<Record<string, unknown>>;
      },
    },
  });
}
