import { readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { parseEnv } from "node:util";
import { isKnownPassword } from "./known-passwords.ts";
import { itemsOf, type Variable } from "./variable.ts";
import { serviceNames, variables, type ServiceName } from "./variables.ts";

export { serviceNames, type ServiceName };

/** Whether a service opens the event store. */
export function touchesStore(name: ServiceName): boolean {
  return name === "processor" || name === "aggregator" || name === "query";
}

type Variables = typeof variables;
type Values = { readonly [Name in keyof Variables]: ReturnType<Variables[Name]["read"]> };

/** All that the environment decides, read once. */
export type Config = ReturnType<typeof configOf>;

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
/**
 * Reads the configuration from an environment.
 * @param console whether the process is an operator's console: where there is a cluster it joins
 * that without services of its own, unless SERVICES names some
 * @throws ConfigError that names every bad variable
 */
export function readConfig(environment: Environment, console = false): Config {
  const problems: string[] = [];
  const entries = Object.entries<Variable<unknown>>(variables);
  const texts = new Map(
    entries.map(([name, { isSecret }]) => {
      const text = environment[name]?.trim() || undefined;
      return [name, isSecret ? secretOf(name, text, environment, problems) : text];
    }),
  );
  const given = (name: string) => texts.get(name);
  const values = Object.fromEntries(
    entries.map(([name, variable]) => [name, variable.read(given(name), name, problems)]),
  ) as Values;
  const namesServices = itemsOf(given("SERVICES") ?? "").length > 0;
  const joinsOnly = console && given("RABBITMQ_URL") !== undefined;
  const config = configOf(values, namesServices || joinsOnly ? values.SERVICES : serviceNames);
  checkOpen(config, problems);
  checkParts(config, given, problems);
  checkPasswords(config, given, problems);
  checkRedis(config, problems);
  checkClusterName(config, problems);
  checkRetention(config.retention, problems);
  if (problems.length > 0) throw new ConfigError(problems);
  return Object.freeze(config);
}

function segmentCacheOf(values: Values, services: readonly ServiceName[]) {
  const { SEGMENT_CACHE_BYTES: maxBytes, SEGMENT_CACHE_DIR, DATA_DIR, MONGODB_URI } = values;
  if (MONGODB_URI === null || !services.includes("query")) return undefined;
  return { maxBytes, folder: resolve(SEGMENT_CACHE_DIR || join(DATA_DIR, "segments")) };
}

function configOf(values: Values, services: readonly ServiceName[]) {
  const dataDir = resolve(values.DATA_DIR);
  const { REDIS_URL, REDIS_HOST, REDIS_PORT } = values;
  const redisOfHost = REDIS_HOST === undefined ? null : `redis://${REDIS_HOST}:${REDIS_PORT}`;
  return {
    env: values.NODE_ENV,
    host: values.HOST,
    port: values.PORT,
    opsPort: values.OPS_PORT,
    dataDir,
    services,
    mongodbUri: values.MONGODB_URI,
    rabbitmqUrl: values.RABBITMQ_URL,
    redisUrl: REDIS_URL ?? redisOfHost,
    clusterName: values.CLUSTER_NAME,
    metrics: values.ENABLE_METRICS,
    logLevel: values.LOG_LEVEL,
    otlpEndpoint: values.OTEL_EXPORTER_OTLP_ENDPOINT ?? null,
    /** Where it is empty the service is open, as project `default`. */
    apiKeys: values.API_KEYS,
    keysTrustedMs: values.KEYS_TRUSTED_MS,
    queueMaxBytes: values.QUEUE_MAX_BYTES,
    /** Dimensions that are rolled up besides the built-in ones, as paths: `data.plan`. */
    rollupDimensions: values.ROLLUP_DIMENSIONS,
    /** The retention of projects that have none of their own. */
    retention: {
      events: values.RETENTION_EVENTS_DAYS || null,
      minutes: values.RETENTION_MINUTES_DAYS || null,
      hours: values.RETENTION_HOURS_DAYS || null,
      days: values.RETENTION_DAYS_DAYS || null,
      types: {},
    },
    fullIp: values.STORE_FULL_IP,
    enrichThreads: values.ENRICH_THREADS,
    rateLimits: {
      eventsPerSecond: values.RATE_LIMIT_EVENTS_PER_SECOND,
      readsPerSecond: values.RATE_LIMIT_READS_PER_SECOND,
      wrongKeysPerSecond: values.RATE_LIMIT_WRONG_KEYS_PER_SECOND,
    },
    http: {
      maxConnections: values.HTTP_MAX_CONNECTIONS,
      maxHeaderBytes: values.HTTP_MAX_HEADER_BYTES,
      maxHeaders: values.HTTP_MAX_HEADERS,
      maxUrlBytes: values.HTTP_MAX_URL_BYTES,
      headersTimeoutMs: values.HTTP_HEADERS_TIMEOUT_MS,
      requestTimeoutMs: values.HTTP_REQUEST_TIMEOUT_MS,
      keepAliveMs: values.HTTP_KEEP_ALIVE_MS,
      minBodyBytesPerSecond: values.HTTP_MIN_BODY_BYTES_PER_SECOND,
      maxBodyBytesInFlight: values.HTTP_MAX_BODY_BYTES_IN_FLIGHT,
    },
    /** The origins whose pages may call the API; `*`: all. Empty: no other origin. */
    corsOrigins: values.CORS_ORIGINS,
    prefetch: values.PROCESSOR_PREFETCH || (values.RABBITMQ_URL === null ? 64 : 32),
    queryMaxEvents: values.QUERY_MAX_EVENTS,
    queryShareEvents: values.QUERY_SHARE_EVENTS,
    segmentMaxEvents: values.SEGMENT_MAX_EVENTS,
    /** Of processes that answer questions and have a shared store; absent where nothing is kept. */
    segmentCache: segmentCacheOf(values, services),
    queryTimeoutMs: values.QUERY_TIMEOUT_MS,
    queryConcurrency: values.QUERY_CONCURRENCY,
    reading: {
      maxWaiting: values.QUERY_MAX_WAITING,
      pageMaxBytes: values.PAGE_MAX_BYTES,
      cacheMaxBytes: values.CACHE_MAX_BYTES,
      answerMaxBytes: values.ANSWER_MAX_BYTES_UNDER_WAY,
      takeWithinMs: values.ANSWER_TAKE_WITHIN_MS,
    },
    streams: {
      maxClients: values.STREAM_MAX_CLIENTS,
      windowEvents: values.STREAM_WINDOW_EVENTS,
    },
    /** SQLite's `synchronous` level is FULL; these are the embedded files. */
    files: {
      lock: join(dataDir, "lock.sqlite"),
      queue: join(dataDir, "queue.sqlite"),
      store: join(dataDir, "store.sqlite"),
    },
  } as const;
}

/** Coarser data is kept at least as long as finer data. */
function checkRetention({ events, minutes, hours, days }: Config["retention"], problems: string[]) {
  const longest = (age: number | null) => age ?? Infinity;
  const steps = [
    ["RETENTION_EVENTS_DAYS", events, "RETENTION_MINUTES_DAYS", minutes],
    ["RETENTION_MINUTES_DAYS", minutes, "RETENTION_HOURS_DAYS", hours],
    ["RETENTION_HOURS_DAYS", hours, "RETENTION_DAYS_DAYS", days],
  ] as const;
  for (const [finer, age, coarser, least] of steps) {
    if (longest(age) > longest(least)) problems.push(`${coarser} must be at least ${finer}`);
  }
}

/** Allows a service without keys only on its own machine. */
function checkOpen({ services, apiKeys, env, host }: Config, problems: string[]): void {
  const isOpen =
    apiKeys.length === 0 && !problems.some((problem) => problem.startsWith("API_KEYS"));
  if (!services.includes("api-gateway") || !isOpen) return;
  if (env !== "production" && loopback.has(host)) return;
  problems.push(
    "API_KEYS is empty; without keys the service runs only on HOST 127.0.0.1 and outside NODE_ENV=production",
  );
}

/** The text of a secret: the variable's own, or the content of the file that `NAME_FILE` names. */
function secretOf(
  name: string,
  text: string | undefined,
  environment: Environment,
  problems: string[],
): string | undefined {
  const file = environment[`${name}_FILE`]?.trim() || undefined;
  if (file === undefined) return text;
  if (text !== undefined) {
    problems.push(`${name} and ${name}_FILE are both set; one of them is enough`);
    return text;
  }
  try {
    const held = readFileSync(file, "utf8").trim();
    if (held !== "") return held;
    problems.push(`${name}_FILE names ${file}, which is empty`);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    problems.push(`${name}_FILE names ${file}, which cannot be read (${code})`);
  }
  return undefined;
}

/** Refuses, in production, passwords that stand in manuals and examples. */
function checkPasswords(
  { env, rabbitmqUrl }: Config,
  given: (name: string) => string | undefined,
  problems: string[],
): void {
  if (env !== "production") return;
  // RabbitMQ's client says guest, with the password guest, where neither is named.
  if (rabbitmqUrl !== null && /^[^:]+:\/\/(?::?@|[^@]*$)/.test(rabbitmqUrl)) {
    problems.push(
      "RABBITMQ_URL has a password that everybody knows, the default user's, as it names none; set one of your own on the server",
    );
  }
  for (const name of ["MONGODB_URI", "RABBITMQ_URL", "REDIS_URL"] as const) {
    const [, user = "", password] = /^[^:]+:\/\/([^:@/]*):([^@/]*)@/.exec(given(name) ?? "") ?? [];
    if (password === undefined || !isKnownPassword(password, user)) continue;
    problems.push(`${name} has a password that everybody knows; set one of your own on the server`);
  }
  for (const [index, entry] of itemsOf(given("API_KEYS") ?? "").entries()) {
    if (!isKnownPassword(entry.split(":", 1)[0]!)) continue;
    problems.push(`API_KEYS entry ${index + 1} has a key that everybody knows; make a random one`);
  }
}

/** RabbitMQ's names of queues have 255 bytes, and those with `amq.` in front are its own. */
function checkClusterName({ clusterName }: Config, problems: string[]): void {
  if (Buffer.byteLength(clusterName) <= 100 && !/^amq(?:\.|$)/.test(clusterName)) return;
  problems.push(
    "CLUSTER_NAME begins the names of RabbitMQ's queues: it must have at most 100 bytes, and be neither amq nor begin with amq.",
  );
}

/** Redis' client would take the database 0 in the place of one that is no number. */
function checkRedis({ redisUrl }: Config, problems: string[]): void {
  if (redisUrl === null || /^\/?\d*$/.test(new URL(redisUrl).pathname)) return;
  problems.push("REDIS_URL must end with its port, or with the number of a database: /0");
}

/**
 * Demands, of a process that runs only some of the services, the variables that these share with
 * the others.
 */
function checkParts(
  { services }: Config,
  given: (name: string) => string | undefined,
  problems: string[],
): void {
  if (services.length === serviceNames.length) return;
  if (given("RABBITMQ_URL") === undefined) {
    problems.push(
      "RABBITMQ_URL is missing: a process that runs only some SERVICES needs a shared broker",
    );
  }
  if (services.some(touchesStore) && given("MONGODB_URI") === undefined) {
    problems.push(
      "MONGODB_URI is missing: processor, aggregator and query in separate processes need a shared store",
    );
  }
}

/** Whether the service is open to this machine alone: it must then answer under no other name. */
export function isLocalOnly({ apiKeys, host }: Pick<Config, "apiKeys" | "host">): boolean {
  return apiKeys.length === 0 && loopback.has(host);
}

/**
 * Adds the variables of `.env` to those of the environment. Some editors begin a file with a byte
 * order mark, which would become a part of the first name.
 * @throws ConfigError where there is such a file that cannot be read
 */
function readEnvFile(): void {
  try {
    const text = readFileSync(".env", "utf8").replace(/^\uFEFF/, "");
    for (const [name, value] of Object.entries(parseEnv(text))) process.env[name] ??= value;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code !== "ENOENT") throw new ConfigError([`.env cannot be read (${code})`]);
  }
}

let loaded: Config | undefined;

/**
 * The configuration of this process: `.env` and the environment, which wins, are read here, once.
 */
export function loadConfig(): Config {
  if (loaded === undefined) {
    readEnvFile();
    loaded = readConfig(process.env, process.argv.includes("--repl"));
  }
  return loaded;
}
