import type { IncomingMessage, ServerResponse } from "node:http";
import type { ServiceBroker } from "moleculer";
import { Registry } from "prom-client";
import { serviceNames, type Config } from "../config.ts";
import type { StageHealth } from "../health.ts";
import { askWithinMs } from "../call-limits.ts";
import { hasMetrics, metricsOf } from "../metric-registry.ts";
import { isKnown } from "./known-node.ts";
import { collectProcessMetrics } from "./process-metrics.ts";
import type { QueueDepth } from "../queue/queue.ts";

export type Stage = "ingest" | "processor" | "aggregator" | "query";

export interface HealthReport {
  readonly status: "ok" | "degraded" | "down";
  readonly stages: Readonly<Partial<Record<Stage, StageHealth>>>;
}

/** As in a problem with this status that names no other time. */
const retryAfterSeconds = 5;

type Handler = (request: IncomingMessage, response: ServerResponse) => Promise<void> | void;

/** The handlers of an operator's HTTP requests. */
export interface Operating {
  live: Handler;
  ready: Handler;
  health: Handler;
  metricsText: Handler;
}

/** The paths; the same in every process. */
export const operatingPaths = {
  "/health/live": "live",
  "/health/ready": "ready",
  "/health": "health",
  "/metrics": "metricsText",
} as const satisfies Readonly<Record<string, keyof Operating>>;

/**
 * Answers operators about this process. A process with the gateway answers for the whole pipeline,
 * any other one for its own services.
 */
export class Operations implements Operating {
  readonly #broker: ServiceBroker;
  readonly #stages: readonly Stage[];
  readonly #onlyHere: boolean;
  readonly #process = new Registry();

  constructor(broker: ServiceBroker, services: Config["services"]) {
    this.#broker = broker;
    this.#onlyHere = !services.includes("api-gateway");
    this.#stages = (this.#onlyHere ? services : serviceNames).filter(
      (name) => name !== "api-gateway",
    );
    collectProcessMetrics(this.#process);
  }

  live(_request: IncomingMessage, response: ServerResponse): void {
    sendJson(response, 200, { status: "ok" });
  }

  async ready(_request: IncomingMessage, response: ServerResponse): Promise<void> {
    const reason = this.#notYet() ?? (await this.#downStages()) ?? (await this.#unknown());
    if (reason === undefined) return sendJson(response, 200, { ready: true });
    sendJson(response, 503, { ready: false, reason });
  }

  async health(_request: IncomingMessage, response: ServerResponse): Promise<void> {
    const report = await this.#report();
    sendJson(response, report.status === "down" ? 503 : 200, report);
  }

  async metricsText(_request: IncomingMessage, response: ServerResponse): Promise<void> {
    if (!hasMetrics(this.#broker)) {
      return sendJson(response, 404, { status: "off", detail: "ENABLE_METRICS is false" });
    }
    await this.#observeBacklog();
    response.writeHead(200, {
      "Content-Type": "text/plain; version=0.0.4; charset=utf-8",
      "Cache-Control": "no-store",
      "X-Content-Type-Options": "nosniff",
    });
    response.end((await metricsOf(this.#broker).text()) + (await this.#process.metrics()));
  }

  /** Each stage of the pipeline in order, beginning with the gateway, which is this process. */
  async stages(): Promise<readonly ({ readonly name: string } & StageHealth)[]> {
    const { stages } = await this.#report();
    const listed = this.#stages.map((name) => ({ name, ...stages[name]! }));
    return [{ name: "gateway", state: "ok" }, ...listed];
  }

  close(): void {
    this.#process.clear();
  }

  #notYet(): string | undefined {
    const { transit, started, stopping } = this.#broker as ServiceBroker & Running;
    if (stopping) return "shutting down";
    if (transit && !transit.tx.connected) return "the message broker (RABBITMQ_URL) is away";
    return started ? undefined : "starting";
  }

  async #downStages(): Promise<string | undefined> {
    const { stages } = await this.#report();
    const down = Object.entries(stages).filter(([, { state }]) => state === "down");
    if (down.length === 0) return undefined;
    return down.map(([name, { reason }]) => `${name}: ${reason ?? "down"}`).join("; ");
  }

  /**
   * A process is not ready before the gateways know its services: until then they send it no calls.
   */
  async #unknown(): Promise<string | undefined> {
    if (!this.#onlyHere || (await isKnown(this.#broker, this.#stages, askWithinMs)))
      return undefined;
    return "the gateway does not know this process yet";
  }

  async #report(): Promise<HealthReport> {
    const answers = await Promise.all(
      this.#stages.map(async (stage) => [stage, await this.#ask(stage)] as const),
    );
    const states = answers.map(([, { state }]) => state);
    const status = (["down", "degraded"] as const).find((state) => states.includes(state));
    return { status: status ?? "ok", stages: Object.fromEntries(answers) };
  }

  /** Asks twice, since the first node may have died a moment ago. */
  async #ask(stage: Stage): Promise<StageHealth> {
    const action = `${stage}.health`;
    const { nodeID, registry } = this.#broker;
    for (let attempt = 1; attempt <= 2; attempt++) {
      if (!registry.actions.isAvailable(action)) {
        return { state: "down", reason: "the service is not there" };
      }
      const options = { timeout: askWithinMs, ...(this.#onlyHere && { nodeID }) };
      try {
        return await this.#broker.call<StageHealth, object>(action, {}, options);
      } catch (error) {
        this.#broker.logger.debug({ err: error, stage }, "a stage did not answer");
      }
    }
    return { state: "down", reason: "the service does not answer" };
  }

  async #depth(): Promise<QueueDepth | undefined> {
    try {
      return await this.#broker.call<QueueDepth, object>(
        "processor.backlog",
        {},
        { timeout: askWithinMs },
      );
    } catch (error) {
      this.#broker.logger.debug({ err: error }, "the processor does not report its backlog");
      return undefined;
    }
  }

  /** Sets the gauges whose values must be read first. */
  async #observeBacklog(): Promise<void> {
    const { processor, aggregator } = (await this.#report()).stages;
    const metrics = metricsOf(this.#broker);
    if (processor !== undefined) {
      metrics.set("analytics_queue_messages", processor.backlog ?? null);
      const { lagMs } = processor;
      metrics.set("analytics_queue_age_seconds", lagMs === undefined ? null : lagMs / 1_000);
      const depth = await this.#depth();
      metrics.set("analytics_queue_bytes", depth?.sizeBytes ?? null);
      metrics.set("analytics_queue_dead", depth?.dead ?? null);
      metrics.set("analytics_queue_due_seconds", depth === undefined ? null : dueSeconds(depth));
    }
    if (aggregator !== undefined) {
      metrics.set("analytics_dirty_buckets", aggregator.backlog ?? null);
    }
  }
}

/** How long a message has been due; 0 where none is. */
function dueSeconds({ dueSince }: QueueDepth): number {
  const now = Date.now();
  return Math.max(0, now - (dueSince ?? now)) / 1_000;
}

/** Members of Moleculer's broker that its types leave out. */
interface Running {
  readonly started: boolean;
  readonly stopping: boolean;
  readonly transit?: { readonly tx: { readonly connected: boolean } };
}

function sendJson(response: ServerResponse, status: number, body: object): void {
  response.writeHead(status, {
    "Content-Type": "application/json; charset=utf-8",
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
    ...(status === 503 && { "Retry-After": String(retryAfterSeconds) }),
  });
  response.end(JSON.stringify(body));
}
