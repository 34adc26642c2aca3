import type { IncomingMessage, ServerResponse } from "node:http";
import type { Config } from "../../lib/config.ts";
import { defineMixin } from "../../lib/moleculer.ts";
import { Operations } from "../../lib/runtime/operations.ts";

export type { HealthReport } from "../../lib/runtime/operations.ts";

/**
 * Gives a service the answers to operators over HTTP: `this.live`, `this.ready`, `this.health`,
 * `this.metricsText` as handlers.
 */
export function OperateMixin({ services }: Config) {
  return defineMixin<{ state: { operations: Operations } }>()({
    methods: {
      live(request: IncomingMessage, response: ServerResponse): void {
        this.operations.live(request, response);
      },
      ready(request: IncomingMessage, response: ServerResponse): Promise<void> {
        return this.operations.ready(request, response);
      },
      health(request: IncomingMessage, response: ServerResponse): Promise<void> {
        return this.operations.health(request, response);
      },
      metricsText(request: IncomingMessage, response: ServerResponse): Promise<void> {
        return this.operations.metricsText(request, response);
      },
    },
    created() {
      this.operations = new Operations(this.broker, services);
    },
    stopped() {
      this.operations.close();
    },
  });
}
