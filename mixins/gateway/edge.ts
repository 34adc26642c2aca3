import type { Server, IncomingMessage, ServerResponse } from "node:http";
import type { Meta } from "../../lib/contracts.ts";
import type { Bodies } from "../../lib/concurrency/held-bytes.ts";
import type { BodyLimits } from "../../lib/http/body.ts";
import type { Context } from "moleculer";
import type { Identity } from "../../lib/http/identity.ts";
import type { AccessChecks } from "./access.mixin.ts";
import type { Needed } from "../../lib/keys/configured.ts";
import type { Parameters } from "../../lib/http/query-string.ts";
import type { TypedContext } from "../../lib/moleculer.ts";
import type { Raw } from "../../lib/questions/reading/field.ts";

/** What moleculer-web gives to `this`. */
export interface Web {
  server: Server;
  httpHandler(request: IncomingMessage, response: ServerResponse): Promise<void>;
  /** In the order in which they are tried. */
  aliases: readonly Alias[];
}

/** An address of moleculer-web's table. */
export interface Alias {
  readonly re: RegExp;
  /** The parameters in the address; empty for a fixed one. */
  readonly keys: readonly object[];
  isMethod(method: string): boolean;
  /** The parameters' values; false where the address does not match. */
  match(url: string): object | false;
}

/**
 * A POST that is answered in front of moleculer-web's routes, which would cost too much for
 * collecting.
 */
interface FrontRoute {
  /**
   * Answers a request, counts the answer and sets the request's id on it. `search` is the URL's
   * part after the `?`.
   */
  answer(request: IncomingMessage, response: ServerResponse, search: string): void;
  /** Whether POST is the only method of the path; otherwise moleculer-web handles the others. */
  readonly isAlone: boolean;
}

/** What HttpEdgeMixin gives to `this`. */
export interface Edge extends Web, AccessChecks {
  draining: boolean;
  /** Called first when the edge drains: each ends answers that would not end by themselves. */
  atDrain: Set<() => void>;
  /** The front routes by path; a mixin registers its own when it is created. */
  frontRoutes: Map<string, FrontRoute>;
  /** Whether the client wants no body (HEAD): moleculer-web sees a GET. */
  isHead(request: IncomingMessage): boolean;
  answerProblem(request: IncomingMessage, response: ServerResponse, error: unknown): void;
  bodies: Bodies;
  /**
   * Reads the body of a caller's request with `readBody`. Its memory is counted until the response
   * is closed. The time that it takes is not part of the time limit of the request's calls.
   * @throws UnknownKey where the caller's key has ended before the body was complete, and as
   *   `readBody`
   */
  takeBody(
    request: IncomingMessage,
    response: ServerResponse,
    limits: BodyLimits,
    identity: Identity,
  ): Promise<Buffer>;
  /** @throws ServiceError VALIDATION */
  refuseShadowed(request: Aliased): void;
  checkCaller(
    context: Context<unknown, Meta>,
    route: Route,
    request: IncomingMessage,
    response: ServerResponse,
  ): void;
}

export interface Route {
  readonly opts: { readonly scope?: Needed };
}

/** A request that was matched to an alias; moleculer-web and the gateway have added these fields. */
export interface Aliased extends IncomingMessage {
  /** The caller and its project, where the route needs a key. */
  identity?: Identity;
  project?: string;
  readonly query: Parameters;
  readonly $alias: {
    /** The action that the alias calls; absent where a handler answers. */
    readonly action?: string;
    readonly keys: readonly { readonly name: string }[];
  };
}

/** A request that a handler answers: its context, and the parameters of the path and the query. */
export interface Routed extends Aliased {
  readonly $ctx: TypedContext<unknown>;
  readonly $params: Raw;
}
