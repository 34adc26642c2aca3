import { randomUUIDv7 } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { loadavg, tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { DatabaseSync } from "node:sqlite";
import { parseArgs } from "node:util";
import { funnelFilter, readFunnelJob } from "../../../lib/questions/sequences/funnel.ts";
import { pathsFilter, readPathsJob } from "../../../lib/questions/sequences/paths.ts";
import { readRetentionJob, retentionFilter } from "../../../lib/questions/sequences/retention.ts";
import type { StoredEvent } from "../../../lib/event/event.ts";
import { SqliteStore } from "../../../lib/store/sqlite/sqlite-store.ts";

/**
 * How long the SQLite store takes to answer funnels, retention and paths, from call to answer:
 * `node tools/bench/micro/sequences.ts [--events 1000000] [--users 100000] [--dir /somewhere]`.
 * Events of 5 types spread over 30 days; users come and go as visitors do. Once every full chunk
 * has its columns; the fastest and the slowest of five rounds.
 */
const { values } = parseArgs({
  options: {
    events: { type: "string", default: "1000000" },
    users: { type: "string", default: "100000" },
    dir: { type: "string", default: tmpdir() },
  },
});
const total = Number(values.events);
const users = Number(values.users);
const batchSize = 500;
const rounds = 5;
const project = "bench";
const start = Date.UTC(2024, 0, 1);
const spanMs = 30 * 86_400_000;
const types = ["shop.home", "shop.add_to_cart", "shop.cart", "shop.shipping", "shop.payment"];

const folder = mkdtempSync(join(values.dir, "sequences-bench-"));
const file = join(folder, "store.sqlite");
const store = new SqliteStore({ file });
try {
  await store.open();
  await fill();
  await columns();
  await answers();
} finally {
  await store.close();
  rmSync(folder, { recursive: true });
}

async function fill(): Promise<void> {
  let next = 0;
  const writer = async () => {
    while (next < total) {
      const from = next;
      next += batchSize;
      const events = Array.from({ length: batchSize }, (_, i) => eventAt(from + i));
      await store.append(randomUUIDv7(), events);
    }
  };
  await Promise.all(Array.from({ length: 8 }, writer));
}

function eventAt(index: number): StoredEvent {
  const user = Math.floor((index / total) * users + Math.random() * 60);
  return {
    id: randomUUIDv7(),
    type: types[Math.floor(Math.random() * types.length)]!,
    data: { plan: index % 3 === 0 ? "pro" : "free" },
    timestamp: Math.floor(start + (index / total) * spanMs),
    source: "web",
    metadata: { userId: `user-${user}`, sessionId: `session-${Math.floor(index / 8)}` },
    receivedAt: start,
    project,
    context: { device: "desktop" },
    batch: "",
    hash: "3b1c9a77d0e94f10aa11bb",
  };
}

/** Waits until no more chunks get their columns. */
async function columns(): Promise<void> {
  const db = new DatabaseSync(file, { readOnly: true });
  const columnChunks = () =>
    db.prepare("SELECT count(DISTINCT chunk) AS count FROM columns").get()!["count"];
  for (let before: unknown = -1; before !== columnChunks(); await delay(5_000))
    before = columnChunks();
  console.log(`chunks with columns: ${String(columnChunks())}; load: ${loadavg()[0]!.toFixed(2)}`);
  db.close();
}

async function answers(): Promise<void> {
  const steps = types.map((type) => ({ type }));
  const limits = { timeoutMs: 60_000 };
  const funnel = readFunnelJob({ steps, window: "7d" });
  const byPlan = readFunnelJob({ steps, window: "7d", breakdown: "data.plan" });
  const retention = readRetentionJob({ first: { type: types[0] } });
  const paths = readPathsJob({ after: { type: types[2] }, length: 3 });
  const of = { project };
  await measure("funnel of 5 steps", () =>
    store.analyze({ ...of, ...funnelFilter(funnel) }, funnel, limits),
  );
  await measure("the same by plan", () =>
    store.analyze({ ...of, ...funnelFilter(byPlan) }, byPlan, limits),
  );
  await measure("retention by day", () =>
    store.analyze({ ...of, ...retentionFilter(retention) }, retention, limits),
  );
  await measure("paths of 3", () => store.analyze({ ...of, ...pathsFilter(paths) }, paths, limits));
}

async function measure(name: string, call: () => Promise<{ events: number }>): Promise<void> {
  const waited: number[] = [];
  let events = 0;
  for (let round = 0; round < rounds; round++) {
    const began = performance.now();
    ({ events } = await call());
    waited.push(performance.now() - began);
  }
  waited.sort((a, b) => a - b);
  const [fastest, slowest] = [waited[0]!, waited.at(-1)!].map(Math.round);
  console.log(`${name.padEnd(20)} ${events} events  ${fastest} to ${slowest} ms`);
}
