import { fork, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { connect } from "node:net";
import { setPriority } from "node:os";
import { setTimeout as delay } from "node:timers/promises";
import type { RunningService } from "../service-process.ts";
import { settled, type Bench, type Row } from "./bench.ts";
import type { LiveRequest, LiveTold } from "./live-clients.ts";
import { runLoad } from "./load.ts";
import { sampleEvents } from "./sample-events.ts";
import { interleaved, median } from "./statistics.ts";
import { threadTimes, usedBetween } from "./thread-times.ts";

const clients = 1_000;
const eventsPerSecond = 1_000;
const batchEvents = 10;
const stream = "/api/v1/events/stream";

/**
 * The thread that collects and sends: all clients wait for it. Its name is followed by its
 * niceness, if it has one.
 */
const loop = /^MainThread/;

/**
 * 1,000 clients of the stream of events: what they take of the event loop while 1,000 events a
 * second come, and what they leave of the rate of collecting; whether each got every event or was
 * told that it missed some; and what clients cost that take nothing.
 */
export async function live(bench: Bench): Promise<readonly Row[]> {
  // All clients are of one project, which may have half of the places.
  const service = await bench.service({ STREAM_MAX_CLIENTS: String(3 * clients) });
  const rows = [...(await withClients(bench, service)), ...(await withIdle(service))];
  await bench.end(service);
  return rows;
}

async function withClients(bench: Bench, service: RunningService): Promise<readonly Row[]> {
  const [rounds, seconds] = bench.quick ? [2, 4] : [4, 8];
  const body = JSON.stringify({ events: sampleEvents(batchEvents) });
  const bodyFile = bench.file("ten.json", body);
  const url = `${service.url}/api/v1/events/batch`;
  const load = { url, bodyFile, contentType: "application/json", connections: 8, seconds };

  const paced = () => loopTime(service, () => atPace(url, body, seconds));
  const full = async () => {
    const { perSecond, failed } = await runLoad(bench.generator, load, bench.scratch);
    if (failed > 0) throw new Error(`${failed} requests failed`);
    return perSecond * batchEvents;
  };
  await full();
  await settled(service);
  const pace = await alternately(service, rounds, paced);
  const rate = await alternately(service, rounds, full);
  const left = pace.beside.map(
    ({ cpuMs, seconds: took }, round) => 1 - (cpuMs - pace.alone[round]!.cpuMs) / (took * 1_000),
  );
  const cpuText = (of: readonly LoopTime[]) => median(of.map(({ cpuMs }) => cpuMs)).toFixed(0);
  bench.say(
    `  loop left ${left.map((one) => one.toFixed(2)).join(" ")}, rates ${rate.alone.map(Math.round).join(" ")} alone, ${rate.beside.map(Math.round).join(" ")} beside`,
  );
  const [rateAlone, rateBeside] = [median(rate.alone), median(rate.beside)];
  return [
    {
      measure: `event loop that ${clients} live clients leave at ${eventsPerSecond} events/s`,
      value: median(left),
      unit: "of alone",
      goal: { least: 0.9 },
      detail: `${cpuText(pace.alone)} ms of CPU in ${seconds} s without them, ${cpuText(pace.beside)} with; ${tallyText(pace.tallies)}`,
    },
    {
      measure: `collecting with ${clients} live clients`,
      value: rateBeside / rateAlone,
      unit: "of alone",
      goal: { least: 0.9 },
      detail: `${rateBeside.toFixed(0)} of ${rateAlone.toFixed(0)} events/s, medians of ${rounds}, batches of ${batchEvents}; ${tallyText(rate.tallies)}`,
    },
  ];
}

interface LoopTime {
  readonly cpuMs: number;
  readonly seconds: number;
}

/** The same work without clients and with, in turn, and what the clients got meanwhile. */
async function alternately<Value>(
  service: RunningService,
  rounds: number,
  work: () => Promise<Value>,
): Promise<{
  readonly alone: readonly Value[];
  readonly beside: readonly Value[];
  readonly tallies: readonly Tally[];
}> {
  const tallies: Tally[] = [];
  const [alone, beside] = await interleaved(rounds, [
    async () => {
      const value = await work();
      await settled(service);
      return value;
    },
    async () => {
      const listening = await listen(service.url);
      try {
        const before = await storedTotal(service);
        const value = await work();
        await settled(service);
        tallies.push(await tally(listening, (await storedTotal(service)) - before));
        return value;
      } finally {
        listening.disconnect();
        await once(listening, "exit");
      }
    },
  ]);
  return { alone: alone!, beside: beside!, tallies };
}

/** What clients got together. */
interface Tally {
  readonly events: number;
  readonly missed: number;
}

function tallyText(tallies: readonly Tally[]): string {
  const ofRound = (what: keyof Tally) =>
    (sum(tallies.map((tally) => tally[what])) / tallies.length / clients).toFixed(0);
  return `of each round a client got ${ofRound("events")} events and was told that it missed ${ofRound("missed")}, which is all`;
}

/** @throws where a client did not get every event, and was not told how many it missed */
async function tally(listening: ChildProcess, stored: number): Promise<Tally> {
  for (const deadline = performance.now() + 30_000; ;) {
    listening.send("tell");
    const [{ events, missed, ended }] = (await once(listening, "message")) as [LiveTold];
    const short = events.filter((count, client) => count + missed[client]! !== stored).length;
    if (short === 0 && ended === 0) return { events: sum(events), missed: sum(missed) };
    if (performance.now() > deadline)
      throw new Error(`${short} of ${clients} clients lack events of ${stored}, ${ended} were cut`);
    await delay(500);
  }
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}

async function listen(url: string): Promise<ChildProcess> {
  const child = fork(new URL("live-clients.ts", import.meta.url));
  // Clients stand for other machines, so they get only the processor time that the service leaves.
  setPriority(child.pid!, 10);
  child.send({ url: url + stream, clients } satisfies LiveRequest);
  await once(child, "message");
  return child;
}

/** What the event loop takes of a processor for some work, and how long the work lasts. */
async function loopTime(service: RunningService, work: () => Promise<void>): Promise<LoopTime> {
  const before = threadTimes(service.pid);
  const startedAt = performance.now();
  await work();
  const used = usedBetween(before, threadTimes(service.pid));
  const cpuMs = used.find(([name]) => loop.test(name))?.[1] ?? NaN;
  return { cpuMs, seconds: (performance.now() - startedAt) / 1_000 };
}

/** Posts what comes in so many seconds, at that pace or, where the machine is busy, more slowly. */
async function atPace(url: string, body: string, seconds: number): Promise<void> {
  const posts: Promise<void>[] = [];
  const everyMs = (1_000 * batchEvents) / eventsPerSecond;
  const startedAt = performance.now();
  while (posts.length < (seconds * 1_000) / everyMs) {
    const due = (performance.now() - startedAt) / everyMs;
    while (posts.length < Math.min(due, (seconds * 1_000) / everyMs)) posts.push(post(url, body));
    await delay(everyMs);
  }
  await Promise.all(posts);
}

async function post(url: string, body: string): Promise<void> {
  const headers = { "Content-Type": "application/json" };
  const response = await fetch(url, { method: "POST", headers, body });
  await response.arrayBuffer();
  if (response.status !== 202) throw new Error(`a post was answered ${response.status}`);
}

/** Clients that ask for the stream and take nothing, while large events come, until all are cut. */
async function withIdle(service: RunningService): Promise<readonly Row[]> {
  const idle = 32;
  const text = "x".repeat(60_000);
  const body = JSON.stringify(
    Array.from({ length: 8 }, () => ({ type: "large", source: "bench", data: { text } })),
  );
  /** The most memory while large events come. */
  const mostWhile = async (isOver: () => Promise<boolean>) => {
    let most = 0;
    for (const deadline = performance.now() + 180_000; performance.now() < deadline;) {
      await post(`${service.url}/api/v1/events/batch`, body);
      most = Math.max(most, rssMb(service.pid));
      if (await isOver()) return most;
      await delay(50);
    }
    const cut = (await metric(service, "analytics_live_cut_total")) - cutBefore;
    throw new Error(`of ${idle} clients that take nothing ${cut} were cut`);
  };
  const cutBefore = await metric(service, "analytics_live_cut_total");
  let rounds = 0;
  const alone = await mostWhile(() => Promise.resolve(++rounds === 40));
  const { port } = new URL(service.url);
  const head = `GET ${stream}?type=large HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\n\r\n`;
  const sockets = Array.from({ length: idle }, () => {
    const socket = connect(Number(port), "127.0.0.1");
    socket.on("error", () => undefined).pause();
    socket.write(head);
    return socket;
  });
  const beside = await mostWhile(
    async () => (await metric(service, "analytics_live_cut_total")) - cutBefore >= idle,
  );
  for (const socket of sockets) socket.destroy();
  return [
    {
      measure: "memory of a live client that takes nothing",
      value: Math.max(0, beside - alone) / idle,
      unit: "MB",
      goal: { most: 1 },
      detail: `${beside.toFixed(0)} MB at most with ${idle} of them, ${alone.toFixed(0)} MB without; all were cut`,
    },
  ];
}

function rssMb(pid: number): number {
  const status = readFileSync(`/proc/${pid}/status`, "utf8");
  return Number(/VmRSS:\s+(\d+)/.exec(status)?.[1]) / 1_024;
}

async function metric({ url }: RunningService, name: string): Promise<number> {
  const text = await (await fetch(`${url}/metrics`)).text();
  const line = text.split("\n").find((one) => one.startsWith(`${name} `));
  return Number(line?.slice(name.length) ?? 0);
}

async function storedTotal(service: RunningService): Promise<number> {
  return metric(service, 'analytics_events_total{outcome="stored"}');
}
