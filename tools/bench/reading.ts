import { fork } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { connect } from "node:net";
import { setPriority, tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { freePort } from "../servers/free-ports.ts";
import { startService, whenReady } from "../service-process.ts";
import type { StormEnds, StormRequest } from "./scan-storm.ts";
import { threadTimes, usedBetween } from "./thread-times.ts";

/*
 * What reads may cost others, on a process as `npm start` runs it: `node tools/bench/reading.ts [events] [storm|memory]`.
 * - 200 clients of one project, in a process of their own, each with a request that scans, which leave after 1.5 s
 *   and ask again, or when they may again: a filtered list of another project before, and from when all have left.
 * - Collecting of a third project on four connections meanwhile, against collecting alone in turn, and what each thread used
 *   of a processor.
 * - 64 clients that ask for the largest page of events of 60 KB and read nothing: memory, and whether health answers.
 */
const total = Number(process.argv[2] ?? 100_000);
const part = process.argv[3] as "storm" | "memory" | undefined;
const keys = {
  a: "a".repeat(20),
  b: "b".repeat(20),
  collecting: "c".repeat(20),
  large: "d".repeat(20),
} as const;
type Project = keyof typeof keys;

const dataDir = mkdtempSync(join(tmpdir(), "maily-analytics-reading-"));
const apiKeys = Object.entries(keys).map(([project, key]) => `${key}:${project}`);
const service = startService({
  port: await freePort(),
  dataDir,
  env: { API_KEYS: apiKeys.join(), LOG_LEVEL: "warn" },
});

function ask(project: Project, path: string, init: RequestInit = {}): Promise<Response> {
  const headers = { "X-Api-Key": keys[project], "Content-Type": "application/json" };
  return fetch(`${service.url}/api/v1${path}`, { ...init, headers });
}

async function post(project: Project, events: readonly object[]): Promise<number> {
  const response = await ask(project, "/events/batch", {
    method: "POST",
    body: JSON.stringify(events),
  });
  await response.arrayBuffer();
  return response.status === 202 ? events.length : 0;
}

function eventsFrom(first: number, count: number, padding: number): readonly object[] {
  return Array.from({ length: count }, (_, i) => ({
    type: `t${(first + i) % 3}`,
    source: "bench",
    timestamp: 1_700_000_000_000 + (first + i) * 1_000,
    data: { n: first + i, pad: "x".repeat(padding) },
  }));
}

async function fill(project: Project, count: number, padding: number, size: number): Promise<void> {
  for (let i = 0; i < count; i += size) await post(project, eventsFrom(i, size, padding));
  for (;;) {
    const counted = (await (await ask(project, "/events/counts")).json()) as { total: number };
    if (counted.total >= count) return;
    await delay(200);
  }
}

/** The batch is made beforehand, so that making it is not measured. */
const batch = eventsFrom(0, 100, 100);

async function listMs(project: Project, n: number): Promise<number> {
  const startedAt = performance.now();
  const response = await ask(project, `/events?data.n=${n}&limit=1`);
  await response.arrayBuffer();
  if (response.status !== 200) throw new Error(`a list was answered ${response.status}`);
  return performance.now() - startedAt;
}

async function medianMs(project: Project, first: number): Promise<number> {
  const found: number[] = [];
  for (let i = 0; i < 9; i++) found.push(await listMs(project, first + i));
  return found.sort((x, y) => x - y)[4]!;
}

/**
 * Collects for a while, on a few connections, and says which threads worked for it. @returns events
 * a second
 */
async function rate(name: string, ms: number): Promise<number> {
  const before = threadTimes(service.pid);
  const startedAt = performance.now();
  let accepted = 0;
  const sender = async () => {
    while (performance.now() - startedAt < ms) accepted += await post("collecting", batch);
  };
  await Promise.all(Array.from({ length: 4 }, sender));
  const seconds = (performance.now() - startedAt) / 1_000;
  const used = usedBetween(before, threadTimes(service.pid))
    .map(([thread, usedMs]) => `${thread} ${(usedMs / seconds).toFixed(0)}`)
    .join(", ");
  console.log(`collecting ${name}: ${(accepted / seconds).toFixed(0)} events/s; ms/s: ${used}`);
  return accepted / seconds;
}

/** Resolves once all clients have left, with how their requests ended. */
async function storm(seconds: number): Promise<StormEnds> {
  const child = fork(new URL("scan-storm.ts", import.meta.url));
  // Clients stand for other machines, so they get only the processor time that the service leaves.
  setPriority(child.pid!, 10);
  const url = `${service.url}/api/v1`;
  child.send({ url, key: keys.a, clients: 200, seconds, patienceMs: 1_500 } satisfies StormRequest);
  const [ends] = (await once(child, "message")) as [StormEnds];
  return ends;
}

function rssMb(): number {
  const status = readFileSync(`/proc/${service.pid}/status`, "utf8");
  return Number(/VmRSS:\s+(\d+)/.exec(status)?.[1]) / 1_024;
}

const say = (measure: string, value: number, unit: string) =>
  console.log(`${measure}: ${value.toFixed(1)} ${unit}`);

async function measureLists(): Promise<void> {
  const before = await medianMs("b", 10);
  const storming = storm(6);
  await delay(1_000);
  const during = await listMs("b", 50);
  console.log("answers of the storm", await storming);
  const after = await medianMs("b", 100);
  say("a filtered list of another project, before", before, "ms");
  say("during", during, "ms");
  say("from the moment they left", after, "ms");
}

async function measureCollecting(): Promise<void> {
  const alone = [await rate("alone", 5_000)];
  const meanwhile: number[] = [];
  for (let i = 0; i < 2; i++) {
    const storming = storm(7);
    await delay(1_000);
    meanwhile.push(await rate("meanwhile", 5_000));
    console.log("answers of the storm", await storming);
    alone.push(await rate("alone", 5_000));
  }
  say("collecting meanwhile, of alone", mean(meanwhile) / mean(alone), "");
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

async function measureStorm(): Promise<void> {
  await fill("a", total, 200, 1_000);
  await fill("b", total, 200, 1_000);
  await measureLists();
  await measureCollecting();
}

async function measureMemory(): Promise<void> {
  await fill("large", 1_000, 60_000, 50);
  await delay(2_000);
  const rss = rssMb();
  const head = `GET /api/v1/events?limit=1000 HTTP/1.1\r\nHost: x\r\nX-Api-Key: ${keys.large}\r\n\r\n`;
  const { port } = new URL(service.url);
  const silent = Array.from({ length: 64 }, () => {
    const socket = connect(Number(port), "127.0.0.1");
    socket.on("error", () => undefined).pause();
    socket.write(head);
    return socket;
  });
  let most = rss;
  for (let i = 0; i < 50; i++) {
    await delay(200);
    most = Math.max(most, rssMb());
  }
  const startedAt = performance.now();
  const health = await fetch(`${service.url}/health`);
  say(`health ${health.status}`, performance.now() - startedAt, "ms");
  say("memory grew, with 64 clients that read nothing", most - rss, `MB (from ${rss.toFixed(0)})`);
  for (const socket of silent) socket.destroy();
}

try {
  await whenReady(service);
  if (part !== "memory") await measureStorm();
  if (part !== "storm") await measureMemory();
} finally {
  await service.stop();
  rmSync(dataDir, { recursive: true, force: true });
}
