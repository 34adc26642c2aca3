import type { IncomingMessage, ServerResponse } from "node:http";
import { ServiceError } from "../../lib/errors.ts";
import type { Cors } from "../../lib/http/cors.ts";
import { pathOf } from "../../lib/http/server.ts";
import { defineMixin } from "../../lib/moleculer.ts";
import type { Alias, Edge } from "./edge.ts";

interface Resolved {
  readonly alias: Alias;
  readonly params: object;
}

const methods = ["GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE"];

/**
 * Gives the gateway the answers about methods: it answers `OPTIONS`, and distinguishes a wrong
 * method from a wrong path.
 */
export function HttpMethodsMixin(cors: Cors | undefined) {
  return defineMixin<{ needs: Pick<Edge, "answerProblem" | "frontRoutes" | "aliases"> }>()({
    methods: {
      /**
       * Runs before routing: moleculer-web would run the action of the method that a preflight
       * names.
       */
      answerOptions(request: IncomingMessage, response: ServerResponse): void {
        const path = pathOf(request);
        const allow = path === "*" ? methods : this.allowedAt(path);
        if (allow.length === 0) throw nothingHere();
        const preflight = cors?.preflightHeaders(request, allow);
        response.writeHead(204, { Allow: allow.join(", "), ...preflight }).end();
      },

      /**
       * Replaces moleculer-web's matching: an address that stands in the table literally
       * (`/events/counts`) is no id (`/events/:id`), whatever the method.
       */
      resolveAlias(url: string, method = "GET"): Resolved | false {
        for (const alias of this.aliases) {
          if (!alias.isMethod(method)) continue;
          const params = alias.match(url);
          if (params === false) continue;
          if (alias.keys.length > 0 && this.isFixed(url)) continue;
          return { alias, params };
        }
        return false;
      },

      isFixed(url: string): boolean {
        return (
          this.frontRoutes.has(url) ||
          this.aliases.some(({ keys, re }) => keys.length === 0 && re.test(url))
        );
      },

      /** The methods of an address; none where it does not exist. */
      allowedAt(path: string): readonly string[] {
        const front = this.frontRoutes.get(path);
        if (front?.isAlone) return ["OPTIONS", "POST"];
        const known = methods.filter(
          (method) =>
            (method === "POST" && front !== undefined) ||
            this.resolveAlias(path, method === "HEAD" ? "GET" : method) !== false,
        );
        return known.length === 0 ? [] : ["OPTIONS", ...known];
      },

      /** @throws ServiceError METHOD_NOT_ALLOWED, or MALFORMED where only the body is wrong */
      refuseBody(request: IncomingMessage): void {
        const { method = "" } = request;
        const allow = this.allowedAt(pathOf(request));
        if (allow.length > 0 && !allow.includes(method)) {
          throw new ServiceError("METHOD_NOT_ALLOWED", undefined, { allow });
        }
        throw new ServiceError("MALFORMED", `A request with ${method} takes no body here`);
      },

      /** Replaces moleculer-web's answer. */
      send404(request: IncomingMessage, response: ServerResponse): void {
        const allow = this.allowedAt(pathOf(request));
        const error =
          allow.length > 0
            ? new ServiceError("METHOD_NOT_ALLOWED", undefined, { allow })
            : nothingHere();
        this.answerProblem(request, response, error);
      },
    },
  });
}

export function nothingHere(): ServiceError {
  return new ServiceError("NOT_FOUND", "There is nothing at this address");
}
