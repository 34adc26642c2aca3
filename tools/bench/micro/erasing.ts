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
import { ServiceError } from "../../../lib/errors.ts";
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
 * Measures how long it takes to erase one of many users, at rest and while batches come in, whether
 * counts are right afterwards, and what compaction saves: `node tools/bench/micro/erasing.ts
 * [--events 1000000] [--users 10000] [--hours 24] [--batch 500] [--late 1] [--checked 1000]
 * [--server ferretdb] [--heap 6g]`.
 * Events are of random users, spread evenly over the hours; of those that come in meanwhile `--late`
 * says how many are, the others are of the last hour. At most so many minutes as `--checked` says
 * are compared with a recount. The third erasure's worker dies after some
 * calls, and another worker finishes its job. Of each erasure the store's operations are told that
 * took the longest in sum. With `--server` (`ferretdb`, `mongo-java`) or MONGODB_URI it runs on
 * MongoDB's protocol, without compaction, in a database of its own that it removes; batches then
 * come in as if from another process, and the commands are told that an erasure at rest sends.
 */
const { values } = parseArgs({
  options: {
    events: { type: "string", default: "1000000" },
    users: { type: "string", default: "10000" },
    hours: { type: "string", default: "24" },
    batch: { type: "string", default: "500" },
    late: { type: "string", default: "1" },
    checked: { type: "string", default: "1000" },
    server: { type: "string" },
    heap: { type: "string" },
    dir: { type: "string", default: tmpdir() },
  },
});
const total = Number(values.events);
const users = Number(values.users);
const hours = Number(values.hours);
const late = Number(values.late);
const checked = Number(values.checked);
const batchSize = Number(values.batch);
const project = "bench";
const start = Date.UTC(2024, 0, 1);
const dimensions = rolledUp([]);
/** How often a call found the store away. */
let refusals = 0;
const range = { from: start, to: start + hours * grainMs.hour };

/** The time and the number of some operations. */
class Spent {
  readonly #by = new Map<string, { seconds: number; calls: number; found: number }>();

  add(name: string, seconds: number, found = 0): void {
    const before = this.#by.get(name) ?? { seconds: 0, calls: 0, found: 0 };
    const { calls } = before;
    const sums = { seconds: before.seconds + seconds, found: before.found + found };
    this.#by.set(name, { ...sums, calls: calls + 1 });
  }

  clear(): void {
    this.#by.clear();
  }

  tell(): void {
    const longest = [...this.#by].sort(([, a], [, b]) => b.seconds - a.seconds).slice(0, 12);
    for (const [name, { seconds, calls, found }] of longest) {
      const documents = found > 0 ? `, ${found} documents` : "";
      report("", name.padEnd(22), `${seconds.toFixed(1)} s in ${calls} calls${documents}`);
    }
  }
}

const folder = mkdtempSync(join(values.dir, "erasing-bench-"));
const file = join(folder, "store.sqlite");
const server = await serverOf(values.server, process.env["MONGODB_URI"]);
const database = `bench_${randomUUIDv7().slice(-8)}`;
const store: EventStore & { open(): Promise<void> } =
  server === undefined ? new SqliteStore({ file }) : mongoStore(server.url, true);
/** Where batches come in. On MongoDB's protocol that is another process's. */
const inflow = server === undefined ? store : mongoStore(server.url, false);
const verbs = new Spent();
const commands = new Spent();
try {
  console.log(`load before: ${loadavg()[0]!.toFixed(2)}`);
  await store.open();
  if (inflow !== store) await inflow.open();
  measure(store, (verb, seconds) => {
    verbs.add(verb, seconds);
  });
  await fill();
  await erase("erasing one user at rest", 6, Infinity, false);
  await erase("erasing one user", 7, Infinity);
  await erase("erasing one user, killed once", 8, 100);
  if (server === undefined) await compact();
} finally {
  if (inflow !== store) await inflow.close();
  if (store instanceof MongoStore) await store.db.dropDatabase();
  await store.close();
  await server?.stop();
  rmSync(folder, { recursive: true });
}

async function serverOf(
  name: string | undefined,
  uri: string | undefined,
): Promise<Pick<RunningServer, "url" | "stop"> | undefined> {
  if (name === "mongo-java") return startMongoJava(values.heap);
  if (name === "ferretdb") return startFerretdb();
  return uri === undefined ? undefined : { url: uri, stop: () => Promise.resolve() };
}

/** @param isWatched whether the commands are counted that are sent */
function mongoStore(url: string, isWatched: boolean): MongoStore {
  const uri = new URL(url);
  uri.pathname = database;
  if (isWatched) uri.searchParams.set("monitorCommands", "true");
  const mongo = new MongoStore({ uri: uri.href });
  for (const client of isWatched ? mongo.clients : []) {
    const names = new Map<number, string>();
    client.on("commandStarted", ({ commandName, command, requestId }) => {
      const collection: unknown = command[commandName === "getMore" ? "collection" : commandName];
      names.set(requestId, `${commandName} ${String(collection)}`);
    });
    client.on("commandSucceeded", ({ requestId, duration, reply }) => {
      const { cursor } = reply as { cursor?: { firstBatch?: unknown[]; nextBatch?: unknown[] } };
      const found = (cursor?.firstBatch ?? cursor?.nextBatch ?? []).length;
      commands.add(names.get(requestId) ?? "", duration / 1_000, found);
      names.delete(requestId);
    });
  }
  return mongo;
}

/** Tries again what a process would try again: a call that found the store away. */
async function retried<T>(work: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await work();
    } catch (error) {
      if (!(error instanceof ServiceError && error.retryable)) throw error;
      refusals += 1;
      await delay(200);
    }
  }
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

/** The place of an event that comes in now: in the last hour, or late, at any time. */
function arriving(): number {
  const since = Math.random() < late ? 0 : Math.max(0, 1 - 1 / hours);
  return Math.floor((since + Math.random() * (1 - since)) * total);
}

async function keep(events: readonly StoredEvent[]): Promise<void> {
  const batch = randomUUIDv7();
  const deltas = deltasOf(batch, project, events, dimensions);
  // A batch does not own all of its events: the store refuses events of a person who is fenced off.
  const packed = pack({ batch, project, events, deltas });
  await retried(() =>
    storePack(inflow, packed, (owned) =>
      Promise.resolve(deltasOf(batch, project, owned, dimensions)),
    ),
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
  await retried(() => rollUpAll(store, 200));
  report("stored and rolled up", `${Math.round(performance.now() - began)} ms for ${total}`);
}

/** @param dies the number of calls of the store after which the first worker dies */
async function erase(name: string, user: number, dies: number, isLoaded = true): Promise<void> {
  const userId = `user-${user}`;
  const wanted = { project, userId, order: "asc", limit: 10_000 } as const;
  const theirs = await retried(() => store.events(wanted));
  const minutes = [...theirs.map(({ timestamp }) => timestamp), ...anyInstants()];
  let isOver = false;
  let meanwhile = 0;
  const load = async () => {
    while (isLoaded && !isOver) {
      await keep(Array.from({ length: 200 }, () => eventAt(arriving())));
      meanwhile += 200;
      await retried(() => rollUp(store, "minute", 50));
      await delay(50);
    }
  };
  const loading = load();
  const id = randomUUIDv7();
  const asked = { erasure: { kind: "eraseSubject", userId }, reusable: false } as const;
  const began = performance.now();
  await retried(() => store.putJob(newErasure(project, id, asked, Date.now())));
  verbs.clear();
  commands.clear();
  const refusedBefore = refusals;
  const work = async (to: EventStore) => {
    const worker = { store: to, owner: "bench", now: Date.now, isEnding: () => false };
    await carryOut(worker, (await store.job(project, id))!, { erased: () => undefined });
  };
  if (dies < Infinity) await work(until(dies)).catch(() => undefined);
  await retried(() => work(store));
  const ms = performance.now() - began;
  isOver = true;
  await loading;
  const { status, erased } = stateOf<ErasureState>((await retried(() => store.job(project, id)))!);
  const left = await retried(() => store.countEvents({ project, userId }));
  report(
    name,
    `${Math.round(ms)} ms`,
    `${status}: ${erased} events of ${theirs.length}, ${left} left`,
  );
  verbs.tell();
  if (!isLoaded) commands.tell();
  const away =
    refusals === refusedBefore ? "" : `; the store was away for ${refusals - refusedBefore} calls`;
  report("", `${meanwhile} events came in meanwhile; ${await differing(minutes)}${away}`);
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
  await retried(() => rollUpAll(store, 200));
  let found = 0;
  const all = [...new Set(instants.map((instant) => startOf("minute", instant)))];
  const minutes = new Set(all.sort(() => Math.random() - 0.5).slice(0, checked));
  for (const at of minutes) {
    const minute: Bucket = { project, grain: "minute", start: at };
    const events: StoredEvent[] = [];
    const wanted = { project, from: at, to: at + grainMs.minute, order: "asc" } as const;
    for (let isWhole = false; !isWhole;) {
      const after = events.at(-1);
      const page = await retried(() => store.events({ ...wanted, limit: 1_000, after }));
      events.push(...page);
      isWhole = page.length < 1_000;
    }
    const rollup = await retried(() => store.rollup(minute));
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
