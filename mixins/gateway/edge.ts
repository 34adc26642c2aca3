import type { Server, IncomingMessage, ServerResponse } from "node:http";
import type { Meta } from "../../lib/contracts.ts";
import type { Bodies } from "../../lib/http/bodies.ts";
import type { BodyLimits } from "../../lib/http/body.ts";
import type { Context } from "moleculer";
import type { Admitting } from "./access.mixin.ts";
import type { Scope } from "../../lib/api-keys.ts";
import type { Parameters } from "../../lib/http/query-string.ts";

/** What moleculer-web gives to `this`. */
interface Web {
  server: Server;
  httpHandler(request: IncomingMessage, response: ServerResponse): Promise<void>;
  resolveAlias(url: string, method: string): unknown;
}

export interface Edge extends Web, Admitting {
  draining: boolean;
  /** Whether the client wants no body: moleculer-web is told that it asks with GET. */
  isHead(request: IncomingMessage): boolean;
  /**
   * Answers a request itself and says so, or leaves it to the routes. Then it is also the one that counts
   * the answer and puts the request's id on it.
   */
  intercept(request: IncomingMessage, response: ServerResponse): boolean;
  /** Whether `intercept` has an answer for a POST to this path, and whether it is the only one that has any there. */
  collectingAt(path: string): "alone" | "besides" | undefined;
  answerProblem(request: IncomingMessage, response: ServerResponse, error: unknown): void;
  bodies: Bodies;
  /**
   * The body of a caller's request, as `readBody` reads it. What it holds counts until the response is closed.
   * @param caller as `callerOf` tells it
   */
  takeBody(
    request: IncomingMessage,
    response: ServerResponse,
    limits: BodyLimits,
    caller: string,
  ): Promise<Buffer>;
  /** Throws VALIDATION. */
  refuseShadowed(request: Aliased): void;
  admitCaller(
    context: Context<unknown, Meta>,
    route: Route,
    request: IncomingMessage,
    response: ServerResponse,
  ): void;
}
export interface Route {
  readonly opts: { readonly scope?: Scope };
}

/** What moleculer-web adds to a request before it calls an alias. */
export interface Aliased extends IncomingMessage {
  /** Who asks, and of which project, where a key is asked for. */
  caller?: string;
  project?: string;
  readonly query: Parameters;
  readonly $alias: { readonly keys: readonly { readonly name: string }[] };
}
