import { fork } from "node:child_process";
import { once } from "node:events";
import { readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { seeded } from "../demo/random.ts";
import type { RunningService } from "../service-process.ts";
import { settled, type Bench, type ForkedServer, type Row } from "./bench.ts";
import type { CountedLoad, CountedRequest } from "./counted-load.ts";
import { sampleEvent, sampleEvents } from "./sample-events.ts";
import { median } from "./statistics.ts";
import { threadTimes, usedBetween } from "./thread-times.ts";

const batchEvents = 200;
const minuteMs = 60_000;
const dayMs = 24 * 60 * minuteMs;

/** The kind of events, and the CPU time that one may take, microseconds. */
interface Work {
  readonly name: string;
  readonly path: string;
  readonly connections: number;
  readonly most: number;
  /** Bodies of one round, of `events` events in all. */
  readonly bodies: (events: number, round: number) => Iterable<string>;
  readonly events: number;
}

const works: readonly Work[] = [
  {
    name: "single POST, live",
    path: "/api/v1/events",
    connections: 64,
    most: 70,
    events: 30_000,
    bodies: function* (events) {
      const body = JSON.stringify(sampleEvent());
      for (let index = 0; index < events; index++) yield body;
    },
  },
  {
    name: "batches of 200, live",
    path: "/api/v1/events/batch",
    connections: 8,
    most: 28,
    events: 100_000,
    bodies: (events) => batchesOf(events, () => undefined),
  },
  {
    name: "batches of 200, history in order, 100 events a minute",
    path: "/api/v1/events/batch",
    connections: 8,
    most: 35,
    events: 100_000,
    bodies: (events, round) => {
      const from = Date.now() - 39 * dayMs + ((round * events) / 100) * minuteMs;
      return batchesOf(events, (index) => from + (index * minuteMs) / 100);
    },
  },
  {
    name: "batches of 200, in no order over 39 days",
    path: "/api/v1/events/batch",
    connections: 8,
    most: 120,
    events: 20_000,
    bodies: (events, round) => {
      const [from, random] = [Date.now() - 39 * dayMs, seeded(7, round, 0)];
      return batchesOf(events, () => from + Math.floor(random.next() * 39 * dayMs));
    },
  },
];

/**
 * Contents as a mail sender's, all different people's, with the instants that are given, in bodies
 * of `batchEvents`.
 */
function* batchesOf(
  events: number,
  instant: (index: number) => number | undefined,
): Generator<string> {
  const contents = sampleEvents(5_000);
  for (let first = 0; first < events; first += batchEvents) {
    const batch = Array.from({ length: batchEvents }, (_, index) => {
      const timestamp = instant(first + index);
      const content = contents[(first + index) % contents.length]!;
      return timestamp === undefined ? content : { ...content, timestamp };
    });
    yield JSON.stringify({ events: batch });
  }
}

/**
 * CPU time of an event from its POST until it is counted, by thread, from `/proc` (Linux). Each
 * kind of work goes to a service of its own, warmed by a round that is not counted; a round has a
 * fixed number of events, so that what else the machine does changes how long it takes and not how
 * much is done. Beside it what a bare node:http server takes for the same single requests, and a
 * bare insert of the same events into SQLite.
 */
export async function cpu(bench: Bench): Promise<readonly Row[]> {
  const rows: Row[] = [];
  const bare = await bareRequests(bench);
  rows.push(row("bare node:http, single POST", bare));
  rows.push(row("bare SQLite insert, 200 a transaction", bareInserts(bench)));
  for (const work of works) {
    bench.say(`  ${work.name}`);
    const service = await bench.service();
    const { rounds, events } = await worked(bench, work, service);
    // The log, of some 25 MB however many events there are, is copied and removed by that.
    await bench.end(service);
    const against =
      work.connections === 64
        ? `, ${(total(rounds) / total(bare)).toFixed(1)} times the bare server's`
        : "";
    rows.push({ ...row(work.name, rounds, against), goal: { most: work.most } });
    rows.push({
      measure: `${work.name}: disk`,
      value: storeBytes(service.dataDir) / events,
      unit: "bytes/event",
      detail: `files of the store once it has ended, by the ${events} events in them`,
    });
  }
  return rows;
}

/** Microseconds of CPU an event by thread, one of them a round. */
type Rounds = readonly ReadonlyMap<string, number>[];

async function worked(
  bench: Bench,
  work: Work,
  service: RunningService,
): Promise<{ readonly rounds: Rounds; readonly events: number }> {
  const events = bench.quick ? work.events / 5 : work.events;
  const rounds: ReadonlyMap<string, number>[] = [];
  for (let round = 0; round <= measuredRounds(bench); round++) {
    const bodyFile = bench.file("bodies.ndjson", [...work.bodies(events, round)].join("\n"));
    const url = `${service.url}${work.path}`;
    const used = await usedBy(service.pid, events, async () => {
      await postCounted({ url, bodyFile, connections: work.connections });
      await settled(service, 500);
    });
    if (round > 0) rounds.push(used);
  }
  return { rounds, events: events * (measuredRounds(bench) + 1) };
}

function measuredRounds({ quick }: Bench): number {
  return quick ? 1 : 3;
}

/** The bytes of the store's files. */
function storeBytes(dataDir: string): number {
  return readdirSync(dataDir)
    .filter((name) => name.startsWith("store."))
    .reduce((sum, name) => sum + statSync(join(dataDir, name)).size, 0);
}

async function bareRequests(bench: Bench): Promise<Rounds> {
  const server: ForkedServer = await bench.bareServer();
  const events = bench.quick ? 6_000 : 30_000;
  const bodyFile = bench.file("bare.ndjson", [...works[0]!.bodies(events, 0)].join("\n"));
  const rounds: ReadonlyMap<string, number>[] = [];
  for (let round = 0; round <= measuredRounds(bench); round++) {
    const used = await usedBy(server.pid, events, () =>
      postCounted({ url: server.url, bodyFile, connections: 64 }),
    );
    if (round > 0) rounds.push(used);
  }
  return rounds;
}

/** The same events, a row each, 200 a transaction, WAL and `synchronous=FULL`, in this process. */
function bareInserts(bench: Bench): Rounds {
  const database = new DatabaseSync(join(bench.scratch, "inserts.sqlite"));
  database.exec("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL");
  database.exec("CREATE TABLE events (id INTEGER PRIMARY KEY, event TEXT NOT NULL)");
  const insert = database.prepare("INSERT INTO events (event) VALUES (?)");
  const lines = sampleEvents(5_000).map((event) => JSON.stringify(event));
  const rounds: ReadonlyMap<string, number>[] = [];
  for (let round = 0; round <= measuredRounds(bench); round++) {
    const before = process.cpuUsage();
    for (let first = 0; first < lines.length; first += batchEvents) {
      database.exec("BEGIN");
      for (const line of lines.slice(first, first + batchEvents)) insert.run(line);
      database.exec("COMMIT");
    }
    const { user, system } = process.cpuUsage(before);
    if (round > 0) rounds.push(new Map([["main", (user + system) / lines.length]]));
  }
  database.close();
  return rounds;
}

async function usedBy(
  pid: number,
  events: number,
  work: () => Promise<unknown>,
): Promise<ReadonlyMap<string, number>> {
  const before = threadTimes(pid);
  await work();
  const used = usedBetween(before, threadTimes(pid));
  return new Map(used.map(([name, ms]) => [name, (ms * 1_000) / events]));
}

/** Sends each line of a file as a request, in a process of its own; resolves when all are answered. */
export async function postCounted(request: CountedRequest): Promise<void> {
  const load = fork(new URL("counted-load.ts", import.meta.url));
  load.send(request);
  const [{ failed }] = (await Promise.race([
    once(load, "message"),
    once(load, "exit").then(() => Promise.reject(new Error("the load generator has ended"))),
  ])) as [CountedLoad];
  const ended = once(load, "exit");
  load.disconnect();
  await ended;
  if (failed > 0) throw new Error(`${failed} requests to ${request.url} failed`);
}

/** The total of the median round, microseconds an event. */
function total(rounds: Rounds): number {
  return median(rounds.map(sum));
}

function sum(round: ReadonlyMap<string, number>): number {
  return [...round.values()].reduce((one, other) => one + other, 0);
}

function row(measure: string, rounds: Rounds, against = ""): Row {
  const names = [...new Set(rounds.flatMap((round) => [...round.keys()]))];
  const threads = names
    .map((name) => [name, median(rounds.map((round) => round.get(name) ?? 0))] as const)
    .filter(([, used]) => used >= 0.5)
    .sort(([, one], [, other]) => other - one)
    .map(([name, used]) => `${name} ${used.toFixed(1)}`)
    .join(", ");
  const sums = rounds.map(sum);
  const spread = `${Math.min(...sums).toFixed(0)} to ${Math.max(...sums).toFixed(0)} in ${rounds.length} rounds`;
  return {
    measure,
    value: total(rounds),
    unit: "µs CPU/event",
    detail: `${threads}; ${spread}${against}`,
  };
}
