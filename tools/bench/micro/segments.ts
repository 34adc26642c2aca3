import { mkdtempSync, rmSync } from "node:fs";
import { loadavg, tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { zstdCompressSync } from "node:zlib";
import type { StoredEvent } from "../../../lib/event/event.ts";
import type { FoldJob } from "../../../lib/questions/folds.ts";
import { MongoStore } from "../../../lib/store/mongo/mongo-store.ts";
import { collectionsOf, toDocument } from "../../../lib/store/mongo/documents.ts";
import { announce } from "../../../lib/store/mongo/segments/announce.ts";
import { SqliteStore } from "../../../lib/store/sqlite/sqlite-store.ts";
import type { EventStore } from "../../../lib/store/store.ts";
import { silent } from "../../../lib/log.ts";
import { mailEvents } from "../../demo/mail-events.ts";
import { startFerretdb, startMongoJava } from "../../servers/servers.ts";

/**
 * Measures what sealing costs, and how long questions take on a shared store's segments beside the
 * embedded store: `node tools/bench/micro/segments.ts [--events 1000000] [--rounds 5] [--server
 * ferretdb] [--segment-events 1000] [--merge]`. Sealing and questions: CPU of this process, which folds on both stores; questions also
 * wall time, both stores in turn, the median round. *Cold* is a store that has just been opened and
 * has no columns on its disk yet, in a process whose code is compiled; *first* is the first time in
 * the process. The events are the demo's mails of 30 days.
 *
 * With `--segment-events` segments have so many events, as where batches are small and seldom; with
 * `--merge` those are merged as soon as there are enough of them.
 *
 * The servers of the tests hold no million events, so each event's document is removed as soon as it
 * is sealed, and the questions then find in the server what they read on MongoDB: segments, and the
 * batches of the last minute.
 */
const { values: asked } = parseArgs({
  options: {
    events: { type: "string", default: "1000000" },
    rounds: { type: "string", default: "5" },
    server: { type: "string", default: "mongo-java" },
    "segment-events": { type: "string", default: "16384" },
    merge: { type: "boolean", default: false },
  },
});
const total = Number(asked.events);
const rounds = Number(asked.rounds);
const dayMs = 86_400_000;
const from = Date.UTC(2024, 0, 1);
const to = from + 30 * dayMs;
const periods = [{ start: from, end: to }];
const steps = ["email.sent", "email.delivered", "email.opened", "email.clicked"].map((type) => ({
  type,
}));
const breakdown = {
  kind: "breakdown",
  dimensions: [{ path: ["metadata", "templateId"] }],
  metrics: [{ op: "count" }],
  periods,
  totals: true,
  maxGroups: 100_000,
} as const;
const jobs: Readonly<Record<string, FoldJob>> = {
  "count by type": { ...breakdown, dimensions: [{ path: ["type"] }] },
  "count by template": breakdown,
  uniques: { ...breakdown, dimensions: [], metrics: [{ op: "uniques" }] },
  "funnel of 4 steps": { kind: "funnel", steps, strictlyLater: false, by: "user", range: {} },
  retention: {
    kind: "retention",
    first: steps[0]!,
    returning: steps[3]!,
    interval: "day",
    timezone: "UTC",
    by: "user",
    range: { from, to },
  },
  paths: { kind: "paths", after: steps[0]!, length: 3, by: "user", limit: 100, range: {} },
};

const batchSize = 500;
const sealEvery = 32 * batchSize;
const segmentMaxEvents = Number(asked["segment-events"]);
// What is sealed together is merged while its events are there.
const mergedSegments = Math.ceil(sealEvery / segmentMaxEvents);
const bundleLimits = asked.merge
  ? { events: sealEvery, bytes: 33_554_432, segments: mergedSegments }
  : { events: 0, bytes: 0, segments: 1 };
const server = await (asked.server === "ferretdb" ? startFerretdb() : startMongoJava());
const dir = mkdtempSync(join(tmpdir(), "segments-"));
const mongo = sharedStore("columns");
const sqlite = new SqliteStore({ file: join(dir, "store.sqlite"), readers: 2, log: silent });
try {
  await Promise.all([mongo.open(), sqlite.open()]);
  await load();
  const segments = await mongo.db.collection("segments").find().toArray();
  const bytes = segments.reduce((sum, one) => sum + (one["bytes"] as number), 0);
  const bundles = await mongo.db.collection("bundles").countDocuments();
  console.log(
    `${segments.length} segments, ${(bytes / total).toFixed(1)} bytes an event; ${bundles} bundles`,
  );
  for (const [question, job] of Object.entries(jobs)) await measure(question, job);
} finally {
  await Promise.allSettled([mongo.close(), sqlite.close()]);
  await server.stop();
  rmSync(dir, { recursive: true, force: true });
}

function sharedStore(folder: string): MongoStore {
  const segmentCache = { folder: join(dir, folder), maxBytes: 1_073_741_824 };
  return new MongoStore({
    ...{ uri: server.url, database: "bench", adoptsAfterMs: 0 },
    ...{ segmentCache, segmentMaxEvents, bundleLimits },
  });
}

/** Inserts documents directly: the bench does not measure storing. */
async function load(): Promise<void> {
  const collections = collectionsOf(mongo.db);
  const sealed: { readonly seal: number; readonly bare: number; readonly wall: number }[] = [];
  let bodies: string[] = [];
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
    bodies.push(...documents.map(({ body }) => body));
    batch = [];
    if (bodies.length < sealEvery) continue;
    sealed.push(await sealAll(bodies));
    bodies = [];
    if (count < total) await collections.events.deleteMany({});
  }
  // The first segments are sealed by code that is not compiled yet.
  const warm = sealed.slice(sealed.length >> 1);
  const medianOf = (what: "seal" | "bare" | "wall") =>
    warm.map((one) => one[what]).toSorted((a, b) => a - b)[warm.length >> 1]!;
  console.log(`${total} events on ${asked.server}; load ${loadavg()[0]!.toFixed(2)}`);
  console.log(
    `sealing, the later ${warm.length} segments: ${medianOf("seal").toFixed(1)} µs of CPU an event, ` +
      `${medianOf("wall").toFixed(1)} of wall time; bodies parsed and compressed: ${medianOf("bare").toFixed(1)}`,
  );
}

/** Seals what there is, and does the least that this could take: parse each body, compress all. */
async function sealAll(bodies: readonly string[]) {
  const events = bodies.length;
  const startedAt = performance.now();
  const seal = await cpuMs(async () => {
    while ((await mongo.seal(Date.now() + 2 * dayMs)).isMore);
  });
  const wall = performance.now() - startedAt;
  const bare = await cpuMs(() => {
    for (const body of bodies) JSON.parse(body);
    zstdCompressSync(bodies.join("\n"));
  });
  return mapped({ seal, bare, wall }, (ms) => (ms * 1_000) / events);
}

async function measure(question: string, job: FoldJob): Promise<void> {
  const asked = { embedded: sqlite, segments: mongo } as const;
  const first = { embedded: await ask(sqlite, job), segments: await ask(mongo, job) };
  const walls: { embedded: number; segments: number }[] = [];
  const cpus: { embedded: number; segments: number }[] = [];
  for (let round = 0; round < rounds; round++) {
    const [embedded, segments] = [await ask(asked.embedded, job), await ask(asked.segments, job)];
    walls.push({ embedded: embedded.wall, segments: segments.wall });
    cpus.push({ embedded: embedded.cpu, segments: segments.cpu });
  }
  const colds: { cold: number }[] = [];
  for (let round = 0; round < rounds; round++) {
    const opened = sharedStore(`cold ${question} ${round}`);
    await opened.open();
    colds.push({ cold: (await ask(opened, job)).wall });
    await opened.close();
  }
  const wall = { ...medians(walls), ...medians(colds) };
  const cpu = medians(cpus);
  const nsOf = (ms: number) => ((ms * 1e6) / total).toFixed(0);
  console.log(
    `${question}: embedded ${wall.embedded.toFixed(0)} ms, segments ${wall.segments.toFixed(0)} ` +
      `(${(wall.segments / wall.embedded).toFixed(2)}), cold ${wall.cold.toFixed(0)} ` +
      `(${(wall.cold / wall.embedded).toFixed(2)}); first ${first.embedded.wall.toFixed(0)} and ` +
      `${first.segments.wall.toFixed(0)}; ` +
      `CPU an event ${nsOf(cpu.embedded)} and ${nsOf(cpu.segments)} ns, ` +
      `fastest ${nsOf(Math.min(...cpus.map(({ segments }) => segments)))}`,
  );
}

async function ask(store: EventStore, job: FoldJob): Promise<{ wall: number; cpu: number }> {
  const startedAt = performance.now();
  const cpu = await cpuMs(async () => {
    const filter = { project: "p", from, to };
    const { events } = await store.analyze(filter, job, { timeoutMs: 50_000 });
    if (events !== total) throw new Error(`${events} of ${total} events`);
  });
  return { wall: performance.now() - startedAt, cpu };
}

async function cpuMs(work: () => Promise<void> | void): Promise<number> {
  const before = process.cpuUsage();
  await work();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1_000;
}

function medians<Name extends string>(
  all: readonly Readonly<Record<Name, number>>[],
): Record<Name, number> {
  return mapped(all[0]!, (_, name) => {
    const sorted = all.map((one) => one[name]).toSorted((a, b) => a - b);
    return sorted[sorted.length >> 1]!;
  });
}

function mapped<Name extends string>(
  numbers: Readonly<Record<Name, number>>,
  change: (value: number, name: Name) => number,
): Record<Name, number> {
  const entries = Object.entries(numbers) as [Name, number][];
  return Object.fromEntries(entries.map(([name, n]) => [name, change(n, name)])) as never;
}
