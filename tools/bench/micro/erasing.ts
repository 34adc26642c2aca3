import { randomUUIDv7 } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { loadavg, tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { setImmediate as turn, setTimeout as delay } from "node:timers/promises";
import { parseArgs } from "node:util";
import { deltasOf, keyCells } from "../../../lib/counting/delta.ts";
import { grainMs, startOf, type Bucket } from "../../../lib/counting/bucket.ts";
import { rolledUp } from "../../../lib/counting/dimensions.ts";
import { differences } from "../../../lib/counting/drift.ts";
import type { StoredEvent } from "../../../lib/event/event.ts";
import { pack } from "../../../lib/store/rows.ts";
import type { Compacted } from "../../../lib/store/compacting.ts";
import { carryOut, newErasure, type ErasureState } from "../../../lib/store/erasure-job.ts";
import { stateOf } from "../../../lib/store/job-progress.ts";
import { measure } from "../../../lib/store/measured.ts";
import { MongoStore } from "../../../lib/store/mongo/mongo-store.ts";
import { rollUp, rollUpAll, storePack } from "../../../lib/store/protocol.ts";
import type { EventStore } from "../../../lib/store/store.ts";
import { startFerretdb, startMongoJava, type RunningServer } from "../../servers/servers.ts";
import { SqliteStore } from "../../../lib/store/sqlite/sqlite-store.ts";

/**
 * Measures how long it takes to erase one of many users while batches come in, whether counts are
 * right afterwards, and what compaction saves: `node tools/bench/micro/erasing.ts [--events
 * 1000000] [--users 10000] [--hours 24] [--batch 500] [--server ferretdb]`. Events are of random
 * users, spread evenly over the hours. The second erasure's worker dies after some calls, and
 * another worker finishes its job. Of each erasure the store's operations are told that took the
 * longest in sum. With `--server` (`ferretdb`, `mongo-java`) it runs on MongoDB's protocol, without
 * compaction.
 */
const { values } = parseArgs({
  options: {
    events: { type: "string", default: "1000000" },
    users: { type: "string", default: "10000" },
    hours: { type: "string", default: "24" },
    batch: { type: "string", default: "500" },
    server: { type: "string" },
    dir: { type: "string", default: tmpdir() },
  },
});
const total = Number(values.events);
const users = Number(values.users);
const hours = Number(values.hours);
const batchSize = Number(values.batch);
const project = "bench";
const start = Date.UTC(2024, 0, 1);
const dimensions = rolledUp([]);
const range = { from: start, to: start + hours * grainMs.hour };

const folder = mkdtempSync(join(values.dir, "erasing-bench-"));
const file = join(folder, "store.sqlite");
const server = values.server === undefined ? undefined : await serverOf(values.server);
const store =
  server === undefined
    ? new SqliteStore({ file })
    : new MongoStore({ uri: server.url, database: "bench" });
/** The seconds that operations of the store took, and how many they were. */
const spent = new Map<string, { seconds: number; calls: number }>();
try {
  console.log(`load before: ${loadavg()[0]!.toFixed(2)}`);
  await store.open();
  measure(store, (verb, seconds) => {
    const before = spent.get(verb) ?? { seconds: 0, calls: 0 };
    spent.set(verb, { seconds: before.seconds + seconds, calls: before.calls + 1 });
  });
  await fill();
  await erase("erasing one user", 7, Infinity);
  await erase("erasing one user, killed once", 8, 100);
  if (server === undefined) await compact();
} finally {
  await store.close();
  await server?.stop();
  rmSync(folder, { recursive: true });
}

function serverOf(name: string): Promise<RunningServer> {
  return name === "mongo-java" ? startMongoJava() : startFerretdb();
}

function eventAt(index: number): StoredEvent {
  return {
    id: randomUUIDv7(),
    type: `mail.kind${index % 5}`,
    data: { plan: index % 3 === 0 ? "pro" : "free" },
    timestamp: Math.floor(start + (index / total) * hours * grainMs.hour),
    source: "web",
    metadata: { userId: `user-${Math.floor(Math.random() * users)}` },
    receivedAt: start,
    project,
    context: { browser: "Chrome", os: "Linux", device: "desktop", bot: false },
    batch: "",
    hash: "3b1c9a77d0e94f10aa11bb",
  };
}

async function keep(events: readonly StoredEvent[]): Promise<void> {
  const batch = randomUUIDv7();
  const deltas = deltasOf(batch, project, events, dimensions);
  // A batch does not own all of its events: the store refuses events of a person who is fenced off.
  await storePack(store, pack({ batch, project, events, deltas }), (owned) =>
    Promise.resolve(deltasOf(batch, project, owned, dimensions)),
  );
}

async function fill(): Promise<void> {
  const began = performance.now();
  let next = 0;
  const writer = async () => {
    while (next < total) {
      const from = next;
      next += batchSize;
      await keep(Array.from({ length: batchSize }, (_, i) => eventAt(from + i)));
      await turn();
    }
  };
  await Promise.all([writer(), writer(), writer(), writer()]);
  await rollUpAll(store, 200);
  report("stored and rolled up", `${Math.round(performance.now() - began)} ms for ${total}`);
}

/** @param dies the number of calls of the store after which the first worker dies */
async function erase(name: string, user: number, dies: number): Promise<void> {
  const userId = `user-${user}`;
  const theirs = await store.events({ project, userId, order: "asc", limit: 10_000 });
  const minutes = [...theirs.map(({ timestamp }) => timestamp), ...anyInstants()];
  let isOver = false;
  let meanwhile = 0;
  const load = async () => {
    while (!isOver) {
      await keep(Array.from({ length: 200 }, () => eventAt(Math.floor(Math.random() * total))));
      meanwhile += 200;
      await rollUp(store, "minute", 50);
      await delay(50);
    }
  };
  const loading = load();
  const id = randomUUIDv7();
  const asked = { erasure: { kind: "eraseSubject", userId }, reusable: false } as const;
  const began = performance.now();
  await store.putJob(newErasure(project, id, asked, Date.now()));
  spent.clear();
  const work = async (to: EventStore) => {
    const worker = { store: to, owner: "bench", now: Date.now, isEnding: () => false };
    await carryOut(worker, (await store.job(project, id))!, () => undefined);
  };
  if (dies < Infinity) await work(until(dies)).catch(() => undefined);
  await work(store);
  const ms = performance.now() - began;
  isOver = true;
  await loading;
  const { status, erased } = stateOf<ErasureState>((await store.job(project, id))!);
  const left = await store.countEvents({ project, userId });
  report(
    name,
    `${Math.round(ms)} ms`,
    `${status}: ${erased} events of ${theirs.length}, ${left} left`,
  );
  const longest = [...spent].sort(([, a], [, b]) => b.seconds - a.seconds).slice(0, 8);
  for (const [verb, { seconds, calls }] of longest) {
    report("", verb.padEnd(16), `${seconds.toFixed(1)} s in ${calls} calls`);
  }
  report("", `${meanwhile} events came in meanwhile; ${await differing(minutes)}`);
}

function until(calls: number): EventStore {
  let left = calls;
  return new Proxy(store, {
    get(target, name) {
      const value: unknown = Reflect.get(target, name, target);
      if (typeof value !== "function") return value;
      // `leavesOut` answers at once, from memory.
      if (name === "leavesOut") return value.bind(target) as unknown;
      return async (...args: unknown[]): Promise<unknown> => {
        const result: unknown = await Reflect.apply(value, target, args);
        left -= 1;
        if (left <= 0) throw new Error("dead");
        return result;
      };
    },
  });
}

function anyInstants(): readonly number[] {
  return Array.from({ length: 50 }, () => Math.floor(start + Math.random() * hours * grainMs.hour));
}

/**
 * Counts the minutes whose rollups differ from their events, in any section, including sketches of
 * users.
 */
async function differing(instants: readonly number[]): Promise<string> {
  await rollUpAll(store, 200);
  let found = 0;
  const minutes = new Set(instants.map((instant) => startOf("minute", instant)));
  for (const at of minutes) {
    const minute: Bucket = { project, grain: "minute", start: at };
    const events: StoredEvent[] = [];
    const wanted = { project, from: at, to: at + grainMs.minute, order: "asc" } as const;
    for (let isWhole = false; !isWhole;) {
      const page = await store.events({ ...wanted, limit: 1_000, after: events.at(-1) });
      events.push(...page);
      isWhole = page.length < 1_000;
    }
    const rollup = await store.rollup(minute);
    if (rollup === undefined) found += events.length === 0 ? 0 : 1;
    else if (differences(rollup.cells, keyCells(events, dimensions)).length > 0) found += 1;
  }
  return `${found} of ${minutes.size} minutes differ from a recount`;
}

async function compact(): Promise<void> {
  const deltas = await bytesOf("deltas", "recounts");
  const summed = await sums();
  const began = performance.now();
  let removed = 0;
  for (let from: number | undefined = range.from; from !== undefined;) {
    const part: Compacted = await store.compact(project, { ...range, from }, Date.now(), 25);
    removed += part.deltas;
    from = part.next;
  }
  const ms = Math.round(performance.now() - began);
  report("compacting", `${ms} ms`, `${removed} deltas gone`);
  const after = await bytesOf("deltas", "recounts");
  const perEvent = (bytes: number) => `${(bytes / total).toFixed(1)} bytes an event`;
  report("deltas", perEvent(deltas), `afterwards ${perEvent(after)}`);
  report(
    "sum of a minute",
    `${summed.toFixed(2)} ms`,
    `afterwards ${(await sums()).toFixed(2)} ms`,
  );
  report("", await differing(anyInstants()));
}

/**
 * About the bytes of some tables' rows: without an extension the number of their pages is unknown.
 */
async function bytesOf(...tables: readonly string[]): Promise<number> {
  await store.ping();
  const db = new DatabaseSync(file, { readOnly: true });
  try {
    let sum = 0;
    for (const table of tables) {
      const columns = db.prepare(`PRAGMA table_info(${table})`).all();
      const lengths = columns.map(
        ({ name }) => `coalesce(length(CAST(${String(name)} AS BLOB)), 0) + 1`,
      );
      const [row] = db.prepare(`SELECT total(${lengths.join(" + ")}) AS n FROM ${table}`).all();
      sum += Number(row!["n"]);
    }
    return sum;
  } finally {
    db.close();
  }
}

/** The time of a minute's sum: the mean of two hundred sums. */
async function sums(): Promise<number> {
  const times = 200;
  const began = performance.now();
  for (let i = 0; i < times; i++) {
    const at = range.from + Math.floor(Math.random() * hours * 60) * grainMs.minute;
    await store.sumDeltas({ project, grain: "minute", start: at });
  }
  return (performance.now() - began) / times;
}

function report(name: string, ...parts: readonly string[]): void {
  console.log([name.padEnd(30), ...parts].join("  "));
}
