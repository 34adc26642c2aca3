import { fork } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import type { HealthReport } from "../../mixins/gateway/operations.mixin.ts";
import { freePort } from "../servers/free-ports.ts";
import { startService, whenReady, type RunningService } from "../service-process.ts";
import type { Generator } from "./load.ts";

/** One line of the result. */
export interface Row {
  readonly measure: string;
  readonly value: number;
  readonly unit:
    | "of bare"
    | "of alone"
    | "of batches"
    | "of 1 million"
    | "times"
    | "ms"
    | "s"
    | "MB"
    | "MB/min"
    | "events/s"
    | "µs CPU/event"
    | "bytes/event";
  /** The least or the most that the value should be. */
  readonly goal?: { readonly least: number } | { readonly most: number };
  /** How the value was measured: the two sides of a ratio, the number of samples. */
  readonly detail: string;
}

/** A server that runs in a process of its own beside the service. */
export interface ForkedServer {
  readonly url: string;
  readonly pid: number;
}

/** A measurement. It starts what it needs through the bench, which ends it. */
export type Measurement = (bench: Bench) => Promise<readonly Row[]>;

/**
 * The shipped configuration, whatever the shell or `.env` says: one open process with nothing to
 * install. Empty counts as not set.
 */
const shipped = {
  NODE_ENV: "",
  HOST: "",
  SERVICES: "",
  RABBITMQ_URL: "",
  MONGODB_URI: "",
  REDIS_URL: "",
  REDIS_HOST: "",
  API_KEYS: "",
  LOG_LEVEL: "",
};

/** One run: its scratch folder, its processes, and how thorough it is. */
export class Bench {
  readonly quick: boolean;
  /** Of a soak. */
  readonly minutes: number;
  readonly generator: Generator;
  readonly scratch: string;
  readonly #stops = new Set<() => Promise<void>>();

  constructor({ quick, generator, minutes }: Pick<Bench, "quick" | "generator" | "minutes">) {
    this.quick = quick;
    this.minutes = minutes;
    this.generator = generator;
    this.scratch = mkdtempSync(join(tmpdir(), "maily-analytics-bench-"));
  }

  /** Prints what is being done, apart from the result. */
  say(text: string): void {
    process.stderr.write(`${text}\n`);
  }

  /** A file in the scratch folder. */
  file(name: string, content: string): string {
    const path = join(this.scratch, name);
    writeFileSync(path, content);
    return path;
  }

  /** Registers something that ends with the bench, at the same time as the others. */
  atEnd(stop: () => Promise<void>): void {
    this.#stops.add(stop);
  }

  /**
   * Starts a service on an empty data folder, in its shipped configuration but for these variables.
   * It ends with `end`, or with the bench.
   */
  async spawn(
    variables: Readonly<Record<string, string>> = {},
  ): Promise<RunningService & { readonly dataDir: string }> {
    const dataDir = mkdtempSync(join(this.scratch, "data-"));
    const logFile = join(dataDir, "service.log");
    const port = await freePort();
    const env = { ...shipped, OPS_PORT: String(port), ...variables };
    const service = startService({ port, dataDir, logFile, env });
    this.#stops.add(service.stop);
    return { ...service, dataDir };
  }

  /** Starts a service, as `spawn` does, and waits until it is ready. */
  async service(
    variables: Readonly<Record<string, string>> = {},
  ): Promise<RunningService & { readonly dataDir: string }> {
    const service = await this.spawn(variables);
    await whenReady(service);
    return service;
  }

  async end(service: RunningService): Promise<void> {
    this.#stops.delete(service.stop);
    await service.stop();
  }

  /** Starts a bare server to compare with; a durable one where it gets a file. */
  bareServer(databaseFile?: string): Promise<ForkedServer> {
    return this.forked("bare-server.ts", databaseFile === undefined ? [] : [databaseFile]);
  }

  /** A server of this folder that sends its port and ends with its parent. */
  async forked(file: string, args: readonly string[]): Promise<ForkedServer> {
    const child = fork(new URL(file, import.meta.url), args, {
      execArgv: ["--disable-warning=ExperimentalWarning"],
    });
    this.#stops.add(async () => {
      if (!child.connected) return;
      const ended = once(child, "exit");
      child.disconnect();
      await ended;
    });
    const [port] = (await once(child, "message")) as [number];
    return { url: `http://127.0.0.1:${port}`, pid: child.pid! };
  }

  /** End all processes, then remove the scratch folder. */
  async close(): Promise<void> {
    await Promise.all([...this.#stops].map((stop) => stop()));
    rmSync(this.scratch, { recursive: true, force: true });
  }
}

/** Wait until a service has worked off its queue and its rollups, at most ten minutes. */
export async function settled({ url }: { readonly url: string }, everyMs = 200): Promise<void> {
  const deadline = performance.now() + 600_000;
  for (;;) {
    const { stages } = (await (await fetch(`${url}/health`)).json()) as HealthReport;
    const backlog = (stages["processor"]?.backlog ?? 0) + (stages["aggregator"]?.backlog ?? 0);
    if (backlog === 0) return;
    if (performance.now() > deadline) throw new Error("the service does not come to rest");
    await delay(everyMs);
  }
}
