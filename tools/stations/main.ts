/**
 * `node tools/stations/main.ts [pipeline|edge]`: through how many files one event passes until it
 * is answered and until it is counted, and one question. A file counts where one of its functions
 * runs meanwhile, in any thread, that does not run at rest. `edge` needs the RabbitMQ of the tests.
 */
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { freePort } from "../servers/free-ports.ts";
import { startRabbitmq } from "../servers/servers.ts";
import { startService, whenReady, type RunningService } from "../service-process.ts";

type Files = ReadonlySet<string>;

const probe = join(import.meta.dirname, "probe.ts");
const scratch = mkdtempSync(join(tmpdir(), "stations-"));
const eventsPath = "/api/v1/events";
const event = {
  type: "email.opened",
  source: "mailer",
  data: { plan: "pro", amount: 3 },
  metadata: {
    userId: "u1",
    ip: "203.0.113.7",
    url: "https://shop.example/a?utm_campaign=spring",
    referrer: "https://www.google.com/",
    userAgent: "Mozilla/5.0 (X11; Linux x86_64) Chrome/126.0.0.0 Safari/537.36",
  },
};
const questions: readonly (readonly [title: string, path: string, body?: object])[] = [
  ["a count by day, from rollups", `${eventsPath}/counts?range=7d&interval=day`],
  ["a query, from rollups", "/api/v1/query", { metrics: ["count"], dimensions: ["type"] }],
  [
    "a query, from events",
    "/api/v1/query",
    { metrics: ["count", "avg:data.amount"], dimensions: ["data.plan"] },
  ],
  [
    "a funnel, from events",
    "/api/v1/query/funnel",
    { steps: [{ type: "email.sent" }, { type: "email.opened" }] },
  ],
  ["a list of one event", `${eventsPath}?limit=1`],
];

/** A service whose threads tell which files run. */
class Watched {
  readonly service: RunningService;
  readonly #folder: string;
  #turn = 0;

  constructor(service: RunningService, folder: string) {
    this.service = service;
    this.#folder = folder;
  }

  /** The files of which a function ran since the last call. */
  async ran(): Promise<Files> {
    const turn = `${this.#turn++}.`;
    process.kill(this.service.pid, "SIGUSR2");
    await delay(1_500);
    const reports = readdirSync(this.#folder).filter((name) => name.startsWith(turn));
    const texts = reports.map((name) => readFileSync(join(this.#folder, name), "utf8"));
    return new Set(texts.flatMap((text) => JSON.parse(text) as string[]));
  }

  async request(path: string, body?: object): Promise<void> {
    const headers = { "content-type": "application/json" };
    const post = body && { method: "POST", headers, body: JSON.stringify(body) };
    const response = await fetch(this.service.url + path, post);
    const text = await response.text();
    if (!response.ok) throw new Error(`${path}: ${response.status} ${text}`);
  }
}

async function start(name: string, env: Readonly<Record<string, string>>): Promise<Watched> {
  const folder = mkdtempSync(join(scratch, `${name}-`));
  const service = startService({
    port: await freePort(),
    dataDir: join(folder, "data"),
    env: {
      STATIONS_FOLDER: folder,
      NODE_OPTIONS: `--import ${probe}`,
      // A thread that waits for a job by Atomics hears no signal.
      PISCINA_DISABLE_ATOMICS: "1",
      LOG_LEVEL: "error",
      ...env,
    },
    logFile: join(folder, "log"),
  });
  return new Watched(service, folder);
}

/** Prints the files that run while some work is done and settles, besides those at rest. */
async function show(
  title: string,
  watched: Watched,
  rest: Files,
  work: () => Promise<void>,
  settleMs: number,
): Promise<void> {
  await watched.ran();
  await work();
  await delay(settleMs);
  const ran = await watched.ran();
  const own = ran.difference(rest);
  console.log(`\n${title}: ${own.size} files, ${ran.size} with those at rest`);
  list(own);
  console.log("  of those at rest:");
  list(ran.intersection(rest));
}

function list(files: Files): void {
  const folderOf = (file: string) => file.slice(0, file.lastIndexOf("/"));
  for (const [folder, its] of Map.groupBy([...files].toSorted(), folderOf)) {
    console.log(`  ${folder}: ${its.map((file) => file.slice(folder.length + 1)).join(" ")}`);
  }
}

async function atRest(watched: Watched): Promise<Files> {
  await delay(5_000);
  await watched.ran();
  await delay(4_000);
  return watched.ran();
}

async function pipeline(): Promise<void> {
  const watched = await start("pipeline", {});
  try {
    await whenReady(watched.service, { withinMs: 60_000 });
    for (let i = 0; i < 20; i++) await watched.request(eventsPath, event);
    await delay(5_000);
    for (const [, path, body] of questions) await watched.request(path, body);
    const rest = await atRest(watched);
    const post = () => watched.request(eventsPath, event);
    await show("an event from POST to counted", watched, rest, post, 5_000);
    for (const [title, path, body] of questions) {
      await post();
      await delay(4_000);
      await show(title, watched, rest, () => watched.request(path, body), 300);
    }
  } finally {
    await watched.service.stop();
  }
}

async function edge(): Promise<void> {
  const rabbitmq = await startRabbitmq();
  const watched = await start("edge", {
    SERVICES: "api-gateway,ingest",
    RABBITMQ_URL: rabbitmq.url,
    MONGODB_URI: "mongodb://127.0.0.1:1/none",
  });
  try {
    // Without the other services it is never ready, but it collects.
    await delay(20_000);
    for (let i = 0; i < 20; i++) await watched.request(eventsPath, event);
    const rest = await atRest(watched);
    const post = () => watched.request(eventsPath, event);
    await show("an event from POST to 202, on RabbitMQ", watched, rest, post, 300);
  } finally {
    await watched.service.stop();
    await rabbitmq.stop();
  }
}

try {
  if (process.argv[2] !== "edge") await pipeline();
  if (process.argv[2] !== "pipeline") await edge();
} finally {
  rmSync(scratch, { recursive: true, force: true });
}
