import type { ServerResponse } from "node:http";
import type { Actions } from "../../lib/contracts.ts";
import { plainJsonOf, requireMediaType } from "../../lib/http/body.ts";
import { preconditionOf, entityTagOf } from "../../lib/http/headers.ts";
import { refuseParameters, sendJson, takeJson } from "./handlers.ts";
import { defineMixin } from "../../lib/moleculer.ts";
import type { Aliased, Edge, Routed } from "./edge.ts";
import { ServiceError } from "../../lib/errors.ts";

export interface SavedQuestionsEdge {
  saveQuestion(request: Routed, response: ServerResponse): Promise<void>;
  removeQuestion(request: Routed, response: ServerResponse): Promise<void>;
  /**
   * Runs after an alias: turns its action's result into the answer. A saved question's version
   * becomes the entity tag.
   */
  takeVersion(request: Aliased, response: ServerResponse, result: unknown): unknown;
}

/** A little more than the limit of a question, for the text around it. */
const savedQuestionLimits = { wireBytes: 81_920, inflatedBytes: 81_920 };

/** Gives the gateway the routes that save or remove a question, with their preconditions. */
export function SavedQuestionsEdgeMixin() {
  return defineMixin<{ needs: Pick<Edge, "takeBody"> }>()({
    methods: {
      async saveQuestion(request: Routed, response: ServerResponse): Promise<void> {
        refuseParameters(request);
        const demand = preconditionOf(request.headers);
        const body = await takeJson(this, request, response, savedQuestionLimits);
        const params = { name: String(request.$params["name"]), body, demand };
        const { created, version, saved } = await request.$ctx.call("query.saved.put", params);
        sendJson(response, saved, created ? 201 : 200, {
          etag: entityTagOf(version),
          ...(created && { location: `/api/v1/queries/${encodeURIComponent(saved.name)}` }),
        });
      },

      async removeQuestion(request: Routed, response: ServerResponse): Promise<void> {
        refuseParameters(request);
        const demand = preconditionOf(request.headers);
        const params = { name: String(request.$params["name"]), demand };
        await request.$ctx.call("query.saved.remove", params);
        response.writeHead(204).end();
      },

      takeVersion({ $alias }: Aliased, response: ServerResponse, result: unknown): unknown {
        if ($alias.action !== "query.saved.get") return result;
        const { version, saved } = result as Actions["query.saved.get"]["result"];
        response.setHeader("ETag", entityTagOf(version));
        return saved;
      },
    },
  });
}

/** What moleculer-web keeps with a request. */
interface QuestionRequest extends Aliased {
  /** The parameters of the action's call. */
  $params?: Readonly<Record<string, unknown>>;
}

/** What AskEdgeMixin gives to `this`. */
export interface AskEdge {
  takeQuestion(request: Aliased, response: ServerResponse): Promise<void>;
}

const maxQuestionBytes = 262144;
const questionLimits = { wireBytes: maxQuestionBytes, inflatedBytes: maxQuestionBytes };

/** Gives the gateway questions that come as a body. */
export function AskEdgeMixin() {
  return defineMixin<{ needs: Pick<Edge, "takeBody"> }>()({
    methods: {
      /**
       * Runs before an alias: makes the body, an object of JSON, the action's parameters.
       * @throws ServiceError VALIDATION also for parameters in the URL: such a question is in its
       *   body alone
       */
      async takeQuestion(request: QuestionRequest, response: ServerResponse): Promise<void> {
        const [stray] = Object.keys(request.$params ?? {});
        if (stray !== undefined) {
          const message = "a question is asked in the body; the URL takes no parameters";
          throw new ServiceError("VALIDATION", undefined, {
            errors: [{ pointer: stray, code: "unknown_parameter", message }],
          });
        }
        requireMediaType(request.headers["content-type"], ["application/json"]);
        const question = plainJsonOf(
          await this.takeBody(request, response, questionLimits, request.identity!),
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
