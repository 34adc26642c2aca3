import type { ServerResponse } from "node:http";
import type { Config } from "../../lib/config.ts";
import { AnswersUnderWay } from "../../lib/concurrency/answers-under-way.ts";
import { cutWhenSlow } from "../../lib/http/slow-client.ts";
import { defineMixin } from "../../lib/moleculer.ts";
import type { Aliased, Edge } from "./edge.ts";

const observeEveryMs = 1_000;

/** What AnswersUnderWayMixin gives to `this`. */
export interface Sending {
  /**
   * Before an alias of a project: whether there is room for an answer; from here on the client is
   * cut off if it is slow.
   * @throws ServiceError TOO_MANY_REQUESTS, OVERLOADED
   */
  makeRoom(request: Aliased, response: ServerResponse): void;
  /** Room for what an answer in parts holds at a time. */
  holdRoom(request: Aliased, response: ServerResponse, bytes: number): void;
}

/**
 * Gives the gateway bounds on the answers that its clients have not taken yet, and an end to those
 * that take nothing.
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

      /** In place of moleculer-web's: the bytes themselves, which then are counted. */
      encodeResponse(request: Aliased, response: ServerResponse, data: unknown): Buffer {
        const body = Buffer.from(JSON.stringify(data));
        this.holdRoom(request, response, body.length);
        return body;
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
