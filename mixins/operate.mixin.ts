import type { IncomingMessage, ServerResponse } from "node:http";
import { collectDefaultMetrics, Registry } from "prom-client";
import type { StageHealth } from "../lib/contracts.ts";
import { defineMixin } from "../lib/moleculer.ts";
import { exposition } from "../lib/prometheus.ts";

const stages = ["ingest", "processor", "aggregator", "query"] as const;
const askWithinMs = 2_000;

export interface HealthReport {
  readonly status: "ok" | "degraded" | "down";
  readonly stages: Readonly<Record<string, StageHealth>>;
}

type Handler = (request: IncomingMessage, response: ServerResponse) => Promise<void> | void;

export interface Operating {
  live: Handler;
  ready: Handler;
  health: Handler;
  metricsText: Handler;
}

/** Gives a service what operators ask over HTTP: `this.live`, `this.ready`, `this.health`, `this.metricsText` as handlers. */
export function OperateMixin() {
  return defineMixin<{ processMetrics: Registry; draining: boolean }>()({
    methods: {
      live(_request: IncomingMessage, response: ServerResponse): void {
        sendJson(response, 200, { status: "ok" });
      },

      async ready(_request: IncomingMessage, response: ServerResponse): Promise<void> {
        if (this.draining)
          return sendJson(response, 503, { ready: false, reason: "shutting down" });
        const report = await this.healthReport();
        const reasons = Object.entries(report.stages)
          .filter(([, stage]) => stage.state === "down")
          .map(([name, stage]) => `${name}: ${stage.reason ?? "down"}`);
        if (reasons.length === 0) return sendJson(response, 200, { ready: true });
        return sendJson(response, 503, { ready: false, reason: reasons.join("; ") });
      },

      async health(_request: IncomingMessage, response: ServerResponse): Promise<void> {
        const report = await this.healthReport();
        sendJson(response, report.status === "down" ? 503 : 200, report);
      },

      async healthReport(): Promise<HealthReport> {
        const answers = await Promise.all(
          stages.map(async (stage) => [stage, await this.askHealth(stage)] as const),
        );
        const states = answers.map(([, { state }]) => state);
        const status = states.includes("down")
          ? "down"
          : states.includes("degraded")
            ? "degraded"
            : "ok";
        return { status, stages: Object.fromEntries(answers) };
      },

      async askHealth(stage: (typeof stages)[number]): Promise<StageHealth> {
        const action = `${stage}.health`;
        if (!this.broker.registry.actions.isAvailable(action)) {
          return { state: "down", reason: "the service is not there" };
        }
        try {
          return await this.broker.call<StageHealth, object>(action, {}, { timeout: askWithinMs });
        } catch {
          return { state: "down", reason: "the service does not answer" };
        }
      },

      async metricsText(_request: IncomingMessage, response: ServerResponse): Promise<void> {
        if (!this.broker.isMetricsEnabled()) {
          return sendJson(response, 404, { status: "off", detail: "ENABLE_METRICS is false" });
        }
        await this.observeBacklog();
        response.writeHead(200, { "Content-Type": "text/plain; version=0.0.4; charset=utf-8" });
        response.end(exposition(this.broker.metrics) + (await this.processMetrics.metrics()));
      },

      /** Sets the gauges that are only known by asking. */
      async observeBacklog(): Promise<void> {
        const { processor, aggregator } = (await this.healthReport()).stages;
        const { metrics } = this.broker;
        metrics.set("analytics_queue_messages", processor?.backlog ?? null);
        metrics.set("analytics_queue_age_seconds", (processor?.lagMs ?? 0) / 1_000);
        metrics.set("analytics_dirty_buckets", aggregator?.backlog ?? null);
      },
    },
    created() {
      this.processMetrics = new Registry();
      collectDefaultMetrics({ register: this.processMetrics });
    },
    stopped() {
      this.processMetrics.clear();
    },
  });
}

function sendJson(response: ServerResponse, status: number, body: object): void {
  response.writeHead(status, {
    "Content-Type": "application/json; charset=utf-8",
    "Cache-Control": "no-store",
  });
  response.end(JSON.stringify(body));
}
