import { randomUUIDv7 } from "node:crypto";
import { mkdtempSync, rmSync, statSync } from "node:fs";
import { loadavg, tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { deltasOf } from "../../../lib/counting/delta.ts";
import { rolledUp } from "../../../lib/counting/dimensions.ts";
import type { StoredEvent } from "../../../lib/event/event.ts";
import { rollUpAll, storeBatch } from "../../../lib/store/protocol.ts";
import { SqliteStore } from "../../../lib/store/sqlite/sqlite-store.ts";
import type { EventQuery } from "../../../lib/event/filter.ts";

/**
 * How fast the SQLite store takes events and answers, from one event loop that does nothing else:
 * `node tools/bench/micro/store.ts [--events 1000000] [--users 100000] [--scattered] [--dir
 * /somewhere]`. Events of 20 types, 500 a batch, 8 batches at a time, about 400 bytes each. Users
 * come and go as visitors do, or, with `--scattered`, each event is of a random one. "main" is the
 * CPU time of the event loop's thread. Latencies are from call to answer, the hop to the thread
 * included.
 */
const { values } = parseArgs({
  options: {
    events: { type: "string", default: "1000000" },
    users: { type: "string", default: "100000" },
    scattered: { type: "boolean", default: false },
    dir: { type: "string", default: tmpdir() },
  },
});
const total = Number(values.events);
const users = Number(values.users);
const batchSize = 500;
const concurrency = 8;
const project = "bench";
const hourMs = 3_600_000;

/** Events are spread over 30 days, 720 hours. */
const start = Date.UTC(2024, 0, 1);
const stepMs = (720 * hourMs) / total;
const dimensions = rolledUp([]);

const folder = mkdtempSync(join(values.dir, "store-bench-"));
const file = join(folder, "store.sqlite");
const store = new SqliteStore({ file });
try {
  console.log(`load before: ${loadavg()[0]!.toFixed(2)}`);
  await store.open();
  await fill();
  await rollUps();
  await reads();
} finally {
  await store.close();
  rmSync(folder, { recursive: true });
}

function eventAt(index: number): StoredEvent {
  const visitor = Math.floor((index / total) * users) + Math.random() * 60;
  const user = Math.floor(values.scattered ? Math.random() * users : visitor);
  return {
    id: randomUUIDv7(),
    type: `mail.kind${Math.floor(Math.random() * 20)}`,
    data: { plan: index % 3 === 0 ? "pro" : "free", amount: index % 100, items: [1, 2, 3] },
    timestamp: Math.floor(start + index * stepMs),
    source: "web",
    ...(index % 4 === 0 && { correlationId: `order-${index % 50_000}` }),
    metadata: { userId: `user-${user}`, sessionId: randomUUIDv7(), url: "https://shop.example/" },
    receivedAt: start,
    project,
    context: {
      browser: "Chrome",
      os: "Linux",
      device: "desktop",
      bot: false,
      host: "shop.example",
    },
    batch: "",
    hash: "3b1c9a77d0e94f10aa11bb",
  };
}

async function fill(): Promise<void> {
  const rates: number[] = [];
  let next = 0;
  let makingMicros = 0;
  let stored = 0;
  let mark = performance.now();
  const make = () => {
    const before = cpuMicros();
    const from = next;
    next += batchSize;
    const events = Array.from({ length: batchSize }, (_, i) => eventAt(from + i));
    makingMicros += cpuMicros() - before;
    return events;
  };
  const writer = async () => {
    while (next < total) {
      await store.append(randomUUIDv7(), make());
      stored += batchSize;
      if (stored % (total / 10) !== 0) continue;
      rates.push(total / 10 / ((performance.now() - mark) / 1_000));
      mark = performance.now();
    }
  };
  const before = cpuMicros();
  const began = performance.now();
  await Promise.all(Array.from({ length: concurrency }, writer));
  const seconds = (performance.now() - began) / 1_000;
  const micros = (cpuMicros() - before - makingMicros) / total;
  report(
    "append",
    `${Math.round(total / seconds)} events/s`,
    `main ${micros.toFixed(1)} µs an event`,
  );
  report("append, each tenth", rates.map((rate) => Math.round(rate)).join(" "));
  report("file", `${Math.round(statSync(file).size / 2 ** 20)} MB`);
}

/** The whole protocol for some thousand batches, and the rollups of all 720 hours of types. */
async function rollUps(): Promise<void> {
  const count = 40_000;
  const batches = Array.from({ length: count / batchSize }, (_, b) => {
    const batch = randomUUIDv7();
    const events = Array.from({ length: batchSize }, (_, i) =>
      eventAt(((b * batchSize + i) * total) / count),
    );
    return { batch, project, events, deltas: deltasOf(batch, project, events, dimensions) };
  });
  const began = performance.now();
  await Promise.all(batches.map((done) => storeBatch(store, done, () => Promise.resolve([]))));
  const seconds = (performance.now() - began) / 1_000;
  report("protocol, steps 2 to 5", `${Math.round(count / seconds)} events/s`);
  const rolling = performance.now();
  const before = cpuMicros();
  const buckets = await rollUpAll(store, 200);
  const rollSeconds = (performance.now() - rolling) / 1_000;
  const micros = (cpuMicros() - before) / buckets;
  report(
    "rolling up",
    `${Math.round(buckets / rollSeconds)} buckets/s`,
    `main ${micros.toFixed(0)} µs a bucket`,
  );
}

async function reads(): Promise<void> {
  const query: EventQuery = { project, order: "desc", limit: 100 };
  const at = () => Math.floor(start + Math.random() * 720 * hourMs);
  const type = () => `mail.kind${Math.floor(Math.random() * 20)}`;
  const deep = () => ({ timestamp: at(), id: "m" });
  const user = () => `user-${Math.floor(Math.random() * users)}`;
  await latency("list by type, first page", () => store.events({ ...query, types: [type()] }));
  await latency("list by type, at depth", () =>
    store.events({ ...query, types: [type()], after: deep() }),
  );
  await latency("list by three types, at depth", () =>
    store.events({ ...query, types: [type(), type(), type()], after: deep() }),
  );
  await latency("list, at depth", () => store.events({ ...query, after: deep() }));
  await latency("list by user", () => store.events({ ...query, userId: user() }));
  await latency("list by correlation", () =>
    store.events({ ...query, correlationId: `order-${Math.floor(Math.random() * 12_500) * 4}` }),
  );
  await latency("event by id, missing", () => store.event(project, randomUUIDv7()));
  const range = { from: start, to: start + 720 * hourMs };
  await latency("720 hours of types", () => store.rollups(project, "hour", [range], "types"));
  await latency("720 hours of a dimension", () =>
    store.rollups(project, "hour", [range], "context.device"),
  );
  await latency("fingerprint of 30 days", () => store.fingerprint(project, range));
  await latency("count of a minute", () => {
    const from = at();
    return store.countEvents({ project, from, to: from + 60_000 });
  });
  await latency(
    "count all by property",
    () => {
      const where = [{ path: ["data", "plan"], op: "is", values: ["pro"] }] as const;
      return store.countEvents({ project, where });
    },
    3,
  );
}

async function latency(name: string, call: () => Promise<unknown>, times = 400): Promise<void> {
  await call();
  const waited: number[] = [];
  for (let i = 0; i < times; i += 1) {
    const began = performance.now();
    await call();
    waited.push(performance.now() - began);
  }
  waited.sort((a, b) => a - b);
  const quantile = (share: number) => waited[Math.floor((waited.length - 1) * share)]!.toFixed(2);
  report(name, `p50 ${quantile(0.5)} ms`, `p99 ${quantile(0.99)} ms`);
}

/** CPU time of this thread. */
function cpuMicros(): number {
  const { user, system } = process.threadCpuUsage();
  return user + system;
}

function report(name: string, ...parts: readonly string[]): void {
  console.log([name.padEnd(30), ...parts].join("  "));
}
