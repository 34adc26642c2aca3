import { existsSync } from "node:fs";
import { join, resolve } from "node:path";
import { readApiKeys, type ApiKey } from "./api-keys.ts";
import { maxQueryMs } from "./call-limits.ts";
import { readOrigins } from "./http/cors.ts";
import { readHttpLimits, type HttpLimits } from "./http/limits.ts";
import { readReadingLimits, type ReadingLimits } from "./reading-limits.ts";

export const serviceNames = ["api-gateway", "ingest", "processor", "aggregator", "query"] as const;
export type ServiceName = (typeof serviceNames)[number];

/** Whether a service opens the event store. */
export function touchesStore(name: ServiceName): boolean {
  return name === "processor" || name === "aggregator" || name === "query";
}

/** All that the environment decides, read once. */
export interface Config {
  readonly env: "production" | "development" | "test";
  readonly host: string;
  readonly port: number;
  /** Health and metrics of a process without the gateway; 0: nowhere. */
  readonly opsPort: number;
  readonly dataDir: string;
  readonly services: readonly ServiceName[];
  readonly mongodbUri: string | null;
  readonly rabbitmqUrl: string | null;
  readonly redisUrl: string | null;
  readonly clusterName: string;
  readonly metrics: boolean;
  readonly logLevel: "fatal" | "error" | "warn" | "info" | "debug" | "trace";
  /** Empty: open, as project `default`. */
  readonly apiKeys: readonly ApiKey[];
  readonly queueMaxBytes: number;
  /** Dimensions that are rolled up besides the built-in ones, as paths: `data.plan`. */
  readonly rollupDimensions: readonly string[];
  /** Store addresses whole instead of cut to /24 and /48. */
  readonly fullIp: boolean;
  readonly enrichThreads: number;
  /** What one key, or one client address where there are no keys, may do a second on average; 0: any. */
  readonly rateLimits: {
    readonly eventsPerSecond: number;
    readonly readsPerSecond: number;
    /** Of one client address. */
    readonly wrongKeysPerSecond: number;
  };
  readonly http: HttpLimits;
  /** Whose pages may ask; `*`: all. Empty: none of another origin. */
  readonly corsOrigins: readonly string[];
  /** Batches that one processor handles at a time. */
  readonly prefetch: number;
  /** The most events one question may be expected to read. */
  readonly queryMaxEvents: number;
  /** After this time a question that reads events is stopped. */
  readonly queryTimeoutMs: number;
  /** How many questions may read events at a time. */
  readonly queryConcurrency: number;
  readonly reading: ReadingLimits;
  /** SQLite's `synchronous` level is FULL; these are the embedded files. */
  readonly files: { readonly lock: string; readonly queue: string; readonly store: string };
}

/** Every bad variable, named in one message. */
export class ConfigError extends Error {
  override readonly name = "ConfigError";
  readonly problems: readonly string[];

  constructor(problems: readonly string[]) {
    super(
      `The configuration is invalid:\n${problems.map((problem) => `  - ${problem}`).join("\n")}`,
    );
    this.problems = problems;
  }
}

export type Environment = Readonly<Record<string, string | undefined>>;

const loopback = new Set(["127.0.0.1", "::1", "localhost"]);
const dimensionPath = /^(data|metadata|context)(\.[A-Za-z0-9_-]{1,64}){1,8}$/;

/**
 * Read the configuration from an environment.
 * @param console whether the process is an operator's console: where there is a cluster it joins that
 * without services of its own, unless SERVICES names some
 * @throws ConfigError that names every bad variable
 */
export function readConfig(environment: Environment, console = false): Config {
  const problems: string[] = [];
  const text = (name: string) => environment[name]?.trim() || undefined;

  function oneOf<T extends string>(name: string, allowed: readonly T[], otherwise: T): T {
    const value = text(name) ?? otherwise;
    if ((allowed as readonly string[]).includes(value)) return value as T;
    problems.push(`${name} is ${JSON.stringify(value)}; allowed are ${allowed.join(", ")}`);
    return otherwise;
  }

  function integer(name: string, otherwise: number, min: number, max: number): number {
    const value = text(name);
    if (value === undefined) return otherwise;
    const number = /^\d+$/.test(value) ? Number(value) : NaN;
    if (number >= min && number <= max) return number;
    problems.push(
      `${name} is ${JSON.stringify(value)}; it must be a whole number from ${min} to ${max}`,
    );
    return otherwise;
  }

  function flag(name: string, otherwise: boolean): boolean {
    return oneOf(name, ["true", "false"], otherwise ? "true" : "false") === "true";
  }

  function url(name: string, schemes: readonly string[]): string | null {
    const value = text(name);
    if (value === undefined) return null;
    const scheme = /^([a-z][a-z0-9+.-]*):\/\/[^\s/]+/i.exec(value)?.[1]?.toLowerCase();
    if (scheme !== undefined && schemes.includes(scheme)) return value;
    // The value may hold a password: it is not repeated.
    problems.push(
      `${name} must begin with ${schemes.map((known) => `${known}://`).join(" or ")} and name a host`,
    );
    return null;
  }

  function list(name: string): readonly string[] {
    return (text(name) ?? "")
      .split(",")
      .map((item) => item.trim())
      .filter((item) => item !== "");
  }

  function services(): readonly ServiceName[] {
    const asked = list("SERVICES");
    if (asked.length === 0) return joinsOnly ? [] : serviceNames;
    const unknown = asked.filter((name) => !(serviceNames as readonly string[]).includes(name));
    if (unknown.length > 0) {
      problems.push(`SERVICES names ${unknown.join(", ")}; known are ${serviceNames.join(", ")}`);
    }
    return serviceNames.filter((name) => asked.includes(name));
  }

  function rollupDimensions(): readonly string[] {
    const asked = list("ROLLUP_DIMENSIONS");
    const bad = asked.filter((path) => !dimensionPath.test(path));
    if (bad.length > 0) {
      problems.push(
        `ROLLUP_DIMENSIONS names ${bad.join(", ")}; a dimension is a path such as data.plan`,
      );
    }
    return [...new Set(asked)];
  }

  function redisUrl(): string | null {
    const whole = url("REDIS_URL", ["redis", "rediss"]);
    const host = text("REDIS_HOST");
    if (whole !== null || host === undefined) return whole;
    return `redis://${host}:${integer("REDIS_PORT", 6379, 1, 65_535)}`;
  }

  const env = oneOf("NODE_ENV", ["production", "development", "test"], "development");
  const host = text("HOST") ?? "127.0.0.1";
  const joinsOnly = console && text("RABBITMQ_URL") !== undefined;
  const dataDir = resolve(text("DATA_DIR") ?? "./data");
  const config: Config = {
    env,
    host,
    port: integer("PORT", 4000, 0, 65_535),
    opsPort: integer("OPS_PORT", 0, 0, 65_535),
    dataDir,
    services: services(),
    mongodbUri: url("MONGODB_URI", ["mongodb", "mongodb+srv"]),
    rabbitmqUrl: url("RABBITMQ_URL", ["amqp", "amqps"]),
    redisUrl: redisUrl(),
    clusterName: text("CLUSTER_NAME") ?? "analytics",
    metrics: flag("ENABLE_METRICS", true),
    logLevel: oneOf("LOG_LEVEL", ["fatal", "error", "warn", "info", "debug", "trace"], "info"),
    apiKeys: readApiKeys(list("API_KEYS"), problems),
    queueMaxBytes: integer("QUEUE_MAX_BYTES", 1_073_741_824, 65_536, Number.MAX_SAFE_INTEGER),
    rollupDimensions: rollupDimensions(),
    fullIp: flag("STORE_FULL_IP", false),
    enrichThreads: integer("ENRICH_THREADS", 1, 1, 64),
    prefetch: integer("PROCESSOR_PREFETCH", 8, 1, 1_000),
    queryMaxEvents: integer("QUERY_MAX_EVENTS", 10_000_000, 1, Number.MAX_SAFE_INTEGER),
    queryTimeoutMs: integer("QUERY_TIMEOUT_MS", 20_000, 100, maxQueryMs),
    queryConcurrency: integer("QUERY_CONCURRENCY", 2, 1, 100),
    reading: readReadingLimits(integer),
    rateLimits: {
      eventsPerSecond: integer("RATE_LIMIT_EVENTS_PER_SECOND", 0, 0, 1_000_000_000),
      readsPerSecond: integer("RATE_LIMIT_READS_PER_SECOND", 0, 0, 1_000_000_000),
      wrongKeysPerSecond: integer("RATE_LIMIT_WRONG_KEYS_PER_SECOND", 1, 0, 1_000_000_000),
    },
    http: readHttpLimits(integer),
    corsOrigins: readOrigins(list("CORS_ORIGINS"), problems),
    files: {
      lock: join(dataDir, "lock.sqlite"),
      queue: join(dataDir, "queue.sqlite"),
      store: join(dataDir, "store.sqlite"),
    },
  };

  const open =
    config.apiKeys.length === 0 && !problems.some((problem) => problem.startsWith("API_KEYS"));
  if (
    config.services.includes("api-gateway") &&
    open &&
    (env === "production" || !loopback.has(host))
  ) {
    problems.push(
      "API_KEYS is empty; without keys the service runs only on HOST 127.0.0.1 and outside NODE_ENV=production",
    );
  }
  if (config.services.length < serviceNames.length) {
    if (config.rabbitmqUrl === null && text("RABBITMQ_URL") === undefined) {
      problems.push(
        "RABBITMQ_URL is missing: a process that runs only some SERVICES needs a shared broker",
      );
    }
    if (
      config.services.some(touchesStore) &&
      config.mongodbUri === null &&
      text("MONGODB_URI") === undefined
    ) {
      problems.push(
        "MONGODB_URI is missing: processor, aggregator and query in separate processes need a shared store",
      );
    }
  }
  if (problems.length > 0) throw new ConfigError(problems);
  return Object.freeze(config);
}

/** Whether the service is open, for this machine alone: then it must answer to no other name. */
export function isLocalOnly({ apiKeys, host }: Pick<Config, "apiKeys" | "host">): boolean {
  return apiKeys.length === 0 && loopback.has(host);
}

let loaded: Config | undefined;

/** The configuration of this process: `.env` and the environment, which wins, are read here, once. */
export function loadConfig(): Config {
  if (loaded === undefined) {
    if (existsSync(".env")) process.loadEnvFile(".env");
    loaded = readConfig(process.env, process.argv.includes("--repl"));
  }
  return loaded;
}
