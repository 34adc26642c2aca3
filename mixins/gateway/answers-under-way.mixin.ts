import type { ServerResponse } from "node:http";
import type { Config } from "../../lib/config.ts";
import { AnswersUnderWay } from "../../lib/concurrency/held-bytes.ts";
import { namesTag } from "../../lib/http/headers.ts";
import { cutWhenSlow } from "../../lib/http/sending.ts";
import { defineMixin } from "../../lib/moleculer.ts";
import { listText } from "../../lib/questions/lists/written-list.ts";
import type { Aliased, Edge } from "./edge.ts";
import { randomUUID } from "node:crypto";
import type { Context } from "moleculer";
import { keepLeaving, onceClosed } from "../../lib/concurrency/callers.ts";
import type { Meta } from "../../lib/contracts.ts";

const observeEveryMs = 1_000;

/** What AnswersUnderWayMixin gives to `this`. */
export interface Sending {
  /**
   * Checks, before an alias runs, that there is room for an answer of its project; from then on a
   * slow client is disconnected.
   * @throws ServiceError TOO_MANY_REQUESTS, OVERLOADED
   */
  makeRoom(request: Aliased, response: ServerResponse): void;
  /** Holds room for one part of an answer that is sent in parts. */
  holdRoom(request: Aliased, response: ServerResponse, bytes: number): void;
}

/**
 * Gives the gateway bounds on the answers that clients have not read yet, and disconnects clients
 * that read nothing.
 */
export function AnswersUnderWayMixin({ reading: { answerMaxBytes, takeWithinMs } }: Config) {
  return defineMixin<{
    needs: Pick<Edge, "bodies">;
    state: { underWay: AnswersUnderWay; observing: NodeJS.Timeout };
  }>()({
    methods: {
      makeRoom({ project }: Aliased, response: ServerResponse): void {
        cutWhenSlow(response, takeWithinMs);
        if (project !== undefined) this.underWay.check(project);
      },

      holdRoom({ project = "" }: Aliased, response: ServerResponse, bytes: number): void {
        this.underWay.hold(response, project, bytes);
      },

      /**
       * Replaces moleculer-web's answer with an action's result, which would be bytes where the
       * result is an object with the type `Buffer`: here it is JSON whatever it holds, and its bytes
       * are counted.
       */
      sendResponse(request: Aliased, response: ServerResponse, result: unknown): void {
        if (response.headersSent) return;
        const tag = response.getHeader("ETag");
        if (typeof tag === "string" && namesTag(request.headers["if-none-match"], tag)) {
          response.writeHead(304).end();
          return;
        }
        // A text takes no memory outside of the heap, which would be collected too seldom.
        const body = listText(result) ?? Buffer.from(JSON.stringify(result));
        this.holdRoom(request, response, Buffer.byteLength(body));
        response.setHeader("Content-Type", "application/json; charset=utf-8");
        response.end(body);
      },
    },
    created() {
      this.underWay = AnswersUnderWay.of(this.broker, answerMaxBytes);
      this.observing = setInterval(() => {
        const { metrics } = this;
        metrics.set("analytics_answer_bytes", this.underWay.heldBytes);
        metrics.set("analytics_body_bytes", this.bodies.heldBytes);
      }, observeEveryMs).unref();
    },
    stopped() {
      clearInterval(this.observing);
    },
  });
}

/** What LeavingMixin gives to `this`. */
export interface Leaving {
  /** Stops every later call for a request when its client leaves before the answer. */
  watchCaller(context: Context<unknown, Meta>, response: ServerResponse): void;
}

/**
 * Gives the gateway `this.watchCaller(context, response)`: services that answer reads then learn
 * that nobody waits any more.
 */
export function LeavingMixin() {
  return defineMixin()({
    methods: {
      watchCaller(context: Context<unknown, Meta>, response: ServerResponse): void {
        const call = randomUUID();
        context.meta.call = call;
        const left = new AbortController();
        keepLeaving(context, left.signal);
        onceClosed(response, () => {
          if (response.writableEnded) return;
          left.abort();
          void this.broker.broadcast("caller.left", { call }, ["query"]);
        });
      },
    },
  });
}
