import { mkdtempSync, rmSync } from "node:fs";
import { loadavg, tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import type { StoredEvent } from "../../../lib/event/event.ts";
import type { FoldJob } from "../../../lib/questions/folds.ts";
import { MongoStore } from "../../../lib/store/mongo/mongo-store.ts";
import { toDocument } from "../../../lib/store/mongo/documents.ts";
import { announce } from "../../../lib/store/mongo/segments/announce.ts";
import { collectionsOf } from "../../../lib/store/mongo/documents.ts";
import { SqliteStore } from "../../../lib/store/sqlite/sqlite-store.ts";
import type { EventStore } from "../../../lib/store/store.ts";
import { silent } from "../../../lib/log.ts";
import { mailEvents } from "../../demo/mail-events.ts";
import { startFerretdb, startMongoJava } from "../../servers/servers.ts";

/**
 * Measures how long questions take on a shared store, with its segments and without them, and on
 * the embedded store: `node tools/bench/micro/segments.ts [--events 200000] [--rounds 5] [--server
 * ferretdb]`. Reports wall time in milliseconds, the fastest round and the median. The events are
 * the demo's mails of 30 days.
 */
const { values: asked } = parseArgs({
  options: {
    events: { type: "string", default: "200000" },
    rounds: { type: "string", default: "5" },
    server: { type: "string", default: "ferretdb" },
  },
});
const total = Number(asked.events);
const rounds = Number(asked.rounds);
const dayMs = 86_400_000;
const from = Date.UTC(2024, 0, 1);
const to = from + 30 * dayMs;
const steps = ["email.sent", "email.delivered", "email.opened", "email.clicked"].map((type) => ({
  type,
}));
const breakdown = {
  kind: "breakdown",
  dimensions: [{ path: ["metadata", "templateId"] }],
  metrics: [{ op: "count" }, { op: "uniques" }],
  periods: [{ start: from, end: to }],
  totals: true,
  maxGroups: 100_000,
} as const;
const jobs: Readonly<Record<string, FoldJob>> = {
  "funnel of 4 steps": { kind: "funnel", steps, strictlyLater: false, by: "user", range: {} },
  "breakdown with uniques": breakdown,
  paths: { kind: "paths", after: steps[0]!, length: 3, by: "user", limit: 100, range: {} },
};

const batchSize = 500;
const server = asked.server === "mongo-java" ? await startMongoJava() : await startFerretdb();
const dir = mkdtempSync(join(tmpdir(), "segments-"));
const mongo = new MongoStore({ uri: `${server.url}`, database: "bench", adoptsAfterMs: 0 });
const sqlite = new SqliteStore({ file: join(dir, "store.sqlite"), readers: 2, log: silent });
try {
  await Promise.all([mongo.open(), sqlite.open()]);
  await load();
  console.log(`${total} events on ${asked.server}; load ${loadavg()[0]!.toFixed(2)}`);
  await measure("embedded", sqlite);
  await measure("streamed", mongo);
  const cpu = process.cpuUsage();
  const startedAt = performance.now();
  while ((await mongo.seal(Date.now() + dayMs)).isMore);
  const { user, system } = process.cpuUsage(cpu);
  const wall = ((performance.now() - startedAt) / total) * 1_000;
  console.log(
    `sealing: ${((user + system) / total).toFixed(1)} µs of CPU an event, ${wall.toFixed(1)} of wall time`,
  );
  const segments = await mongo.db.collection("segments").find().toArray();
  const bytes = segments.reduce((sum, one) => sum + (one["bytes"] as number), 0);
  console.log(`${segments.length} segments, ${(bytes / total).toFixed(1)} bytes an event`);
  await measure("segments", mongo);
} finally {
  await Promise.allSettled([mongo.close(), sqlite.close()]);
  await server.stop();
  rmSync(dir, { recursive: true, force: true });
}

/** Inserts the documents directly: the bench does not measure storing. */
async function load(): Promise<void> {
  const collections = collectionsOf(mongo.db);
  let batch: StoredEvent[] = [];
  let count = 0;
  for (const event of mailEvents({ seed: 1, mails: total, from, to })) {
    if (count++ === total) break;
    batch.push({
      ...event,
      metadata: { ...event.metadata, userId: event.metadata?.["recipient"] },
      project: "p",
      batch: `b${Math.floor((count - 1) / batchSize)}`,
      hash: "",
      context: {},
      timestamp: Number(event.timestamp),
      receivedAt: Number(event.timestamp),
    } as unknown as StoredEvent);
    if (batch.length < batchSize && count < total) continue;
    const name = batch[0]!.batch;
    const documents = batch.map((one) => toDocument(one, name));
    await collections.events.insertMany(documents);
    await announce(collections, name, documents, Date.now());
    await sqlite.append(name, batch);
    batch = [];
  }
}

async function measure(name: string, store: EventStore): Promise<void> {
  for (const [question, job] of Object.entries(jobs)) {
    const times: number[] = [];
    let events = 0;
    for (let round = 0; round < (name === "streamed" ? 2 : rounds); round++) {
      const startedAt = performance.now();
      ({ events } = await store.analyze({ project: "p", from, to }, job, { timeoutMs: 50_000 }));
      times.push(performance.now() - startedAt);
    }
    const [first] = times;
    times.sort((a, b) => a - b);
    const [fastest, median] = [times[0]!, times[times.length >> 1]!];
    console.log(
      `${name}, ${question}: ${fastest.toFixed(0)} ms, median ${median.toFixed(0)}, first ${first!.toFixed(0)}, ${events} events`,
    );
  }
}
