import { readApiKeys } from "./keys/configured.ts";
import { maxQueryMs } from "./call-limits.ts";
import {
  flag,
  hostName,
  integer,
  list,
  oneOf,
  secret,
  text,
  url,
  urlOfHost,
  type Variable,
} from "./variable.ts";

export const serviceNames = ["api-gateway", "ingest", "processor", "aggregator", "query"] as const;
export type ServiceName = (typeof serviceNames)[number];

/** A retention for projects that have none of their own. */
function age(of: string, atMost?: string): Variable<number> {
  const bound = atMost === undefined ? "" : ` No longer than ${atMost}.`;
  const says = `After how many days ${of} are dropped, where a project has no retention of its own. 0: never.${bound}`;
  return integer(0, 0, 36_500, says);
}

const most = Number.MAX_SAFE_INTEGER;

/**
 * Every variable that the service reads, in the order of `.env.example`, which is generated from
 * it.
 */
export const variables = {
  NODE_ENV: oneOf(
    ["production", "development", "test"],
    "development",
    "In production API_KEYS is required.",
  ),
  HOST: text(
    "127.0.0.1",
    "The address of the HTTP edge. Any other than loopback requires API_KEYS.",
  ),
  PORT: integer(4_000, 0, 65_535, "The port of the HTTP edge."),
  OPS_PORT: integer(
    0,
    0,
    65_535,
    "Where a process without the api-gateway answers /health/live, /health/ready, /health and /metrics, on HOST. 0: nowhere.",
  ),
  DATA_DIR: text(
    "./data",
    "Where the embedded queue and store keep their files. One process for each folder.",
  ),
  SERVICES: list(
    `Which services this process runs, by comma; empty: all of ${serviceNames.join(",")}. A part needs RABBITMQ_URL, and MONGODB_URI where it touches the store.`,
    readServices,
  ),
  MONGODB_URI: secret(
    url(["mongodb", "mongodb+srv"], "The store of a cluster. Empty: the embedded one."),
  ),
  RABBITMQ_URL: secret(
    urlOfHost(
      ["amqp", "amqps"],
      "The queue and the transporter of a cluster. Empty: the embedded ones.",
    ),
  ),
  REDIS_HOST: hostName(
    "The cache, the locks and the limits of a cluster. Empty: each process has its own.",
  ),
  REDIS_PORT: integer(6_379, 1, 65_535, "Of REDIS_HOST."),
  REDIS_URL: secret(
    urlOfHost(["redis", "rediss"], "The whole address in place of REDIS_HOST and REDIS_PORT."),
  ),
  CLUSTER_NAME: {
    ...text("analytics", "Nodes of the same name are one cluster."),
    bounds: "up to 100 bytes, and neither amq nor amq. in front",
  },
  ENABLE_METRICS: flag(true, "GET /metrics in the Prometheus format."),
  LOG_LEVEL: oneOf(["fatal", "error", "warn", "info", "debug", "trace"], "info", "What is logged."),
  OTEL_EXPORTER_OTLP_ENDPOINT: urlOfHost(
    ["http", "https"],
    "Where an OpenTelemetry collector takes traces over OTLP/HTTP (/v1/traces is added). The exporter reads OTEL_EXPORTER_OTLP_HEADERS by itself. Empty: nothing is traced.",
  ),
  API_KEYS: secret(
    list(
      "The first keys, which give others by POST /api/v1/keys: by comma, in a file also by line, KEY:PROJECT or KEY:PROJECT:SCOPE+SCOPE with scopes of events:write events:read live:read admin; without scopes a key has all but admin. A key has at least 16 visible characters of ASCII. Empty: open, as project default, on loopback only.",
      readApiKeys,
    ),
  ),
  KEYS_TRUSTED_MS: integer(
    300_000,
    10_000,
    86_400_000,
    "How long a gateway that cannot look keys up goes on with those that it knows; then they are answered 503 until it can. Keys of API_KEYS always hold.",
  ),
  RATE_LIMIT_EVENTS_PER_SECOND: integer(
    0,
    0,
    1_000_000_000,
    "How many events each key (each client address where there are no keys) may send a second, on average; up to ten seconds' worth at once. Beyond it: 429 with Retry-After. 0: any. All gateways share the limits where there is a Redis.",
  ),
  RATE_LIMIT_READS_PER_SECOND: integer(0, 0, 1_000_000_000, "How many reads, likewise. 0: any."),
  RATE_LIMIT_WRONG_KEYS_PER_SECOND: integer(
    1,
    0,
    1_000_000_000,
    "How many wrong keys a second one client address may send, on average; beyond it 429 instead of 401. 0: any.",
  ),
  CORS_ORIGINS: list(
    "Whose pages may ask from a browser: origins such as https://app.example, by comma, or * for all. Empty: only pages of this service.",
    readOrigins,
  ),
  HTTP_MAX_CONNECTIONS: integer(
    10_000,
    1,
    1_000_000,
    "Connections of clients; more are closed at once.",
  ),
  HTTP_MAX_HEADER_BYTES: integer(
    16_384,
    1_024,
    1_048_576,
    "Of a request's line and its header fields together.",
  ),
  HTTP_MAX_HEADERS: integer(100, 10, 10_000, "Header fields of a request."),
  HTTP_MAX_URL_BYTES: integer(8_192, 256, 1_048_576, "Of a request's address."),
  HTTP_HEADERS_TIMEOUT_MS: integer(
    10_000,
    100,
    600_000,
    "How long the head of a request may take to come.",
  ),
  HTTP_REQUEST_TIMEOUT_MS: integer(
    60_000,
    100,
    600_000,
    "How long a whole request may take to come.",
  ),
  HTTP_KEEP_ALIVE_MS: integer(
    65_000,
    1,
    600_000,
    "How long a connection may idle between two requests.",
  ),
  HTTP_MIN_BODY_BYTES_PER_SECOND: integer(
    1_000,
    0,
    most,
    "How fast a body must come on average once it is five seconds on its way.",
  ),
  HTTP_MAX_BODY_BYTES_IN_FLIGHT: integer(
    134_217_728,
    10_485_760,
    most,
    "Bytes of bodies that may be held whose requests are not yet answered: beyond it 503; one key, or address, may have half of it: 429.",
  ),
  QUEUE_MAX_BYTES: integer(
    1_073_741_824,
    8_388_608,
    most,
    "What may wait on the queue, in bytes; at least as much as one request may bring. Beyond it collecting answers 503.",
  ),
  ROLLUP_DIMENSIONS: list(
    "Properties to count by besides the built-in dimensions, by comma, such as data.plan.",
    readDimensions,
  ),
  RETENTION_EVENTS_DAYS: age("events", "RETENTION_MINUTES_DAYS"),
  RETENTION_MINUTES_DAYS: age("counts by minute", "RETENTION_HOURS_DAYS"),
  RETENTION_HOURS_DAYS: age("counts by hour", "RETENTION_DAYS_DAYS"),
  RETENTION_DAYS_DAYS: age("counts by day"),
  STORE_FULL_IP: flag(
    false,
    "Keep IP addresses whole, on the queue and in the store, instead of cut to /24 (IPv4) and /48 (IPv6).",
  ),
  ENRICH_THREADS: integer(1, 1, 64, "Threads that enrich events."),
  PROCESSOR_PREFETCH: integer(
    0,
    0,
    1_000,
    "Batches that one processor handles at a time; 0: 64 of the embedded queue, 32 of RabbitMQ.",
  ),
  QUERY_MAX_EVENTS: integer(
    10_000_000,
    1,
    most,
    "The most events that one question may be expected to read, where no rollup answers it (also filtered lists and totals, exports).",
  ),
  QUERY_SHARE_EVENTS: integer(
    200_000,
    1,
    most,
    "A question that reads as many events is divided among the query nodes that there are, where the store is MongoDB.",
  ),
  SEGMENT_MAX_EVENTS: integer(
    16_384,
    1,
    16_384,
    "The most events that an aggregator turns into one segment of columns, where the store is MongoDB; a batch stays whole. Fewer only to try things on few events.",
  ),
  SEGMENT_CACHE_BYTES: integer(
    2_147_483_648,
    0,
    most,
    "What a query process may keep on its disk of the columns that it has fetched from MongoDB, about. 0: nothing, and what was kept is removed at the next start.",
  ),
  SEGMENT_CACHE_DIR: text(
    "",
    "Where it keeps them; safe to delete at any time, and several processes may share it. Empty: in DATA_DIR.",
  ),
  QUERY_TIMEOUT_MS: integer(
    10_000,
    100,
    maxQueryMs,
    "After this time such a question is stopped; a list then ends there, with a cursor. Whatever hangs, an answer takes at most 1 s more than this, or 10.5 s where that is longer; the edge waits 1.5 s more.",
  ),
  QUERY_CONCURRENCY: integer(
    2,
    1,
    100,
    "How many such questions run at a time; one project at most one less, where there are several.",
  ),
  QUERY_MAX_WAITING: integer(20, 0, 10_000, "How many more of a project may wait; then 429."),
  CACHE_MAX_BYTES: integer(
    33_554_432,
    0,
    most,
    "What the answers that are kept for a minute may take in memory; one may have an eighth. With a Redis they are kept there, and larger ones than that eighth are not. 0: none are kept.",
  ),
  ANSWER_MAX_BYTES_UNDER_WAY: integer(
    16_777_216,
    1_048_576,
    most,
    "What answers may hold in memory, in bytes, while they are made and until clients have taken them, one project's half of it; beyond it reads are answered 429 or 503.",
  ),
  ANSWER_TAKE_WITHIN_MS: integer(
    60_000,
    100,
    3_600_000,
    "A client that takes nothing of its answer for so long is cut off.",
  ),
  PAGE_MAX_BYTES: integer(
    2_097_152,
    65_536,
    67_108_864,
    "A page of a list ends after so many bytes of JSON, in a cluster after 8 MiB at the latest, with a cursor.",
  ),
  STREAM_MAX_CLIENTS: integer(
    1_000,
    1,
    100_000,
    "Clients of one gateway that are told what happens (events as they are stored, live numbers); more are a 503, and more than half of one project a 429.",
  ),
  STREAM_WINDOW_EVENTS: integer(
    10_000,
    0,
    1_000_000,
    "The most events, of all projects, that may lie between the last one a stream's client has and the newest for it to go on there.",
  ),
} satisfies Readonly<Record<string, Variable<unknown>>>;

/**
 * The text of `.env.example`: every variable with what it decides, the allowed values and its
 * default.
 */
export function environmentExample(): string {
  const head = [
    "# Every variable the service reads, with its default. Copy to .env and change what you need.",
    "# All of them are optional. Written by: npm run env-example",
  ];
  const parts = Object.entries<Variable<unknown>>(variables).map(
    ([name, { example, bounds, says, isSecret }]) =>
      [
        ...wrapped(bounds === undefined ? says : `${says} (${bounds})`),
        `${name}=${example}`,
        ...(isSecret ? [`# Or a file that holds it:`, `${name}_FILE=`] : []),
      ].join("\n"),
  );
  return `${[head.join("\n"), ...parts].join("\n\n")}\n`;
}

function wrapped(sentence: string): readonly string[] {
  const lines: string[] = [];
  for (const word of sentence.split(" ")) {
    const line = lines.at(-1);
    if (line !== undefined && line.length + word.length < 99)
      lines[lines.length - 1] = `${line} ${word}`;
    else lines.push(`# ${word}`);
  }
  return lines;
}

const dimensionPath = /^(data|metadata|context)(\.[A-Za-z0-9_-]{1,64}){1,8}$/;
/** An origin as browsers write it: in lower case, without a path and its scheme's own port. */
const webOrigin = /^(?!http:.*:80$|https:.*:443$)[a-z][a-z0-9+.-]*:\/\/[a-z0-9._:[\]-]+$/;

function readServices(names: readonly string[], problems: string[]): readonly ServiceName[] {
  const unknown = names.filter((name) => !(serviceNames as readonly string[]).includes(name));
  if (unknown.length > 0) {
    problems.push(`SERVICES names ${unknown.join(", ")}; known are ${serviceNames.join(", ")}`);
  }
  return serviceNames.filter((name) => names.includes(name));
}

function readDimensions(paths: readonly string[], problems: string[]): readonly string[] {
  const bad = paths.filter((path) => !dimensionPath.test(path));
  if (bad.length > 0) {
    problems.push(
      `ROLLUP_DIMENSIONS names ${bad.join(", ")}; a dimension is a path such as data.plan`,
    );
  }
  return [...new Set(paths)];
}

function readOrigins(entries: readonly string[], problems: string[]): readonly string[] {
  if (entries.some((origin) => origin !== "*" && !webOrigin.test(origin))) {
    problems.push(
      "CORS_ORIGINS must be origins as browsers write them, such as https://app.example (in lower case, " +
        "without a path and without the port 80 of http or 443 of https), by comma, or *",
    );
  }
  return entries;
}
