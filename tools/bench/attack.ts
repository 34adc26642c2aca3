import { setTimeout as delay } from "node:timers/promises";
import { ServiceProcess } from "../../test/service-process.ts";

/*
 * Whether a request of a key can stop the process: `node tools/bench/attack.ts [events]`. The service has a heap of 512 MB.
 * Each question is asked four times at once; the process must answer health after it, and be the one that was started.
 */

const total = Number(process.argv[2] ?? 100_000);
const key = "a".repeat(20);
const hour = 3_600_000;
const firstAt = 1_700_000_000_000;

const service = await ServiceProcess.create({
  API_KEYS: `${key}:a`,
  LOG_LEVEL: "warn",
  NODE_OPTIONS: "--max-old-space-size=512",
});

const headers = { "X-Api-Key": key, "Content-Type": "application/json" };

function ask(path: string, init: RequestInit = {}): Promise<Response> {
  return fetch(`${service.url}/api/v1${path}`, { ...init, headers });
}

function event(n: number): object {
  return {
    type: n % 2 === 0 ? `type-${n % 5_000}` : `step-${n % 3}`,
    source: `source-${n % 977}`,
    timestamp: firstAt + (n * 10 * 24 * hour) / total,
    correlationId: `c-${n % 50}`,
    metadata: { userId: `u-${n % (total / 4)}` },
    data: {
      n,
      text: `${"v".repeat(200)}${n}`,
      few: n % 7,
      tags: [n % 11, n % 13, `t${n}`],
      page: `/p/${n % 20_000}`,
    },
  };
}

async function fill(): Promise<void> {
  for (let i = 0; i < total; i += 1_000) {
    const body = JSON.stringify(Array.from({ length: 1_000 }, (_, j) => event(i + j)));
    const response = await ask("/events/batch", { method: "POST", body });
    await response.arrayBuffer();
    if (response.status !== 202) i -= 1_000;
  }
  for (;;) {
    const { total: counted } = (await (await ask("/events/counts?limit=1")).json()) as {
      total: number;
    };
    if (counted >= total) return;
    await delay(500);
  }
}

const post = (path: string, question: object) => () =>
  ask(path, { method: "POST", body: JSON.stringify(question) });
const get = (path: string) => () => ask(path);

const many = (count: number, prefix: string) =>
  Array.from({ length: count }, (_, i) => `${prefix}${i}`);
const deep = (levels: number): unknown =>
  levels === 0 ? ["is", "data.few", 1] : ["not", deep(levels - 1)];
const steps = many(3, "step-").map((type) => ({ type }));
const metrics = ["count", "uniques", "p50:data.n", "p90:data.n", "p99:data.n", "avg:data.n"];
const range = { from: firstAt, to: firstAt + 10 * 24 * hour };

const attacks: Readonly<Record<string, () => Promise<Response>>> = {
  "every value of a long text": post("/query", {
    metrics: ["count"],
    dimensions: ["data.text"],
    range,
  }),
  "sketches for each of many groups": post("/query", { metrics, dimensions: ["data.text"], range }),
  "four dimensions": post("/query", {
    metrics,
    dimensions: ["data.text", "data.page", "data.n", "data.tags[]"],
    range,
  }),
  "users by hour and type": post("/query", {
    metrics: ["uniques"],
    dimensions: ["time:hour", "type"],
    range,
  }),
  "counts by minute": get(
    `/events/counts?interval=minute&from=${range.from}&to=${range.from + 160 * hour}`,
  ),
  "counts by hour of sources": get("/events/counts?interval=hour&groupBy=source"),
  "counts of users' sources": get(
    `/events/counts?groupBy=context.device&source=source-1&interval=hour`,
  ),
  "a funnel with a breakdown": post("/query/funnel", {
    steps,
    breakdown: "data.text",
    range,
  }),
  "a funnel of all pages": post("/query/funnel", {
    steps: [steps[0], steps[0], steps[0]],
    breakdown: "data.page",
    range,
  }),
  retention: post("/query/retention", {
    first: steps[0],
    returning: steps[1],
    interval: "day",
    breakdown: "data.text",
    range,
  }),
  paths: post("/query/paths", { after: steps[0], length: 5, limit: 1_000, range }),
  "a large list of values": post("/query", {
    metrics: ["count"],
    dimensions: ["data.few"],
    filters: ["is", "data.text", many(100, "v".repeat(1_000))],
  }),
  "a filter 5,000 deep": () =>
    ask("/query", {
      method: "POST",
      body: `{"filters":${'["not",'.repeat(5_000)}1${"]".repeat(5_000)}}`,
    }),
  "a deep filter that is taken": post("/query", { metrics: ["count"], filters: deep(6) }),
  "the largest page": get("/events?limit=1000"),
  "a list by a filter": get("/events?limit=1000&data.few=3&include=total"),
  "all as NDJSON": get("/events/export"),
  "all as CSV": get("/events/export?format=csv"),
  "a long story": get("/stories/c-1?limit=1000"),
  "the mail report": get("/reports/mail?groupBy=data.text"),
  "a large body": post("/events/batch", many(1_000, "x".repeat(4_000))),
  "a body of brackets": () => ask("/events", { method: "POST", body: "[".repeat(900_000) }),
};

try {
  await service.start();
  const { pid } = service;
  await fill();
  for (const [name, attack] of Object.entries(attacks)) {
    const startedAt = performance.now();
    const answers = Array.from({ length: 4 }, async () => {
      const response = await attack();
      const body = await response.text();
      if (response.status === 400) return body;
      return `${response.status} (${body.length})`;
    });
    const ends = await Promise.allSettled(answers);
    const outcomes = ends.map((end) =>
      end.status === "fulfilled" ? end.value : String(end.reason),
    );
    const health = await fetch(`${service.url}/health`).then(
      ({ status }) => status,
      () => "gone",
    );
    const ms = Math.round(performance.now() - startedAt);
    console.log(name.padEnd(36), [...new Set(outcomes)].join(", "), `${ms} ms, health ${health}`);
    if (health === "gone" || service.pid !== pid) throw new Error(service.output.slice(-2_000));
  }
} finally {
  await service.dispose();
}
