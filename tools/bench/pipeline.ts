import { fork } from "node:child_process";
import { once } from "node:events";
import { setTimeout as delay } from "node:timers/promises";
import type { CountsAnswer } from "../../lib/answers/counts.ts";
import type { RunningService } from "../service-process.ts";
import { settled, type Bench, type Row } from "./bench.ts";
import { runLoad } from "./load.ts";
import type { Pace, PacedRequest } from "./paced-load.ts";
import { sampleEvents } from "./sample-events.ts";
import { quantile } from "./statistics.ts";
import { timedRequest } from "./timed-request.ts";

export const batchEvents = 100;
const probers = 2;

/** How often a prober asks: half of it, on average, is part of each latency. */
const pollMs = 20;

/**
 * How fast the pipeline works off events, and how soon one is counted while it runs at half of
 * that.
 */
export async function pipeline(bench: Bench): Promise<readonly Row[]> {
  const service = await bench.service();
  const bodyFile = bench.file(
    "pipeline.json",
    JSON.stringify({ events: sampleEvents(batchEvents) }),
  );
  const sustained = await drainRate(bench, service, bodyFile);
  await settled(service);
  const half = await latencyAt(bench, service, bodyFile, sustained.perSecond / 2);
  await bench.end(service);

  const detail = `${half.latencies.length} probes at ${Math.round(half.perSecond)} events/s`;
  return [
    {
      measure: "sustained rate",
      value: sustained.perSecond,
      unit: "events/s",
      detail: `${sustained.drained} events of a backlog in ${sustained.seconds.toFixed(1)} s`,
    },
    {
      measure: "sustained rate while events come",
      value: sustained.throughPerSecond,
      unit: "events/s",
      detail: "all of them, from the first request until the last was counted",
    },
    {
      measure: "accepted to counted at half of the sustained rate, p50",
      value: quantile(half.latencies, 0.5),
      unit: "ms",
      goal: { most: 250 },
      detail,
    },
    {
      measure: "accepted to counted at half of the sustained rate, p99",
      value: quantile(half.latencies, 0.99),
      unit: "ms",
      goal: { most: 1_000 },
      detail,
    },
  ];
}

interface DrainRate {
  readonly perSecond: number;
  /** All events, by the time from the first request until the last event was counted. */
  readonly throughPerSecond: number;
  readonly drained: number;
  readonly seconds: number;
}

/** Builds up a backlog, then lets the pipeline alone with it. */
export async function drainRate(
  bench: Bench,
  service: RunningService,
  bodyFile: string,
): Promise<DrainRate> {
  const url = `${service.url}/api/v1/events/batch`;
  const seconds = bench.quick ? 4 : 12;
  const load = { url, bodyFile, contentType: "application/json", connections: 64, seconds };
  const before = await countOf(service, {});
  const begunAt = performance.now();
  await runLoad(bench.generator, load, bench.scratch);
  const endedAt = Date.now();

  const first = await countOf(service, {});
  const startedAt = performance.now();
  let last = first;
  while (Date.parse(last.meta.asOf) < endedAt) {
    await delay(100);
    last = await countOf(service, {});
  }
  const drained = last.total - first.total;
  const took = (performance.now() - startedAt) / 1_000;
  if (drained < 10 * batchEvents) {
    throw new Error("no backlog builds up: the rate cannot be told from how it is worked off");
  }
  const through = (last.total - before.total) / ((performance.now() - begunAt) / 1_000);
  return { perSecond: drained / took, throughPerSecond: through, drained, seconds: took };
}

interface Latencies {
  readonly perSecond: number;
  readonly latencies: readonly number[];
}

async function latencyAt(
  bench: Bench,
  service: RunningService,
  bodyFile: string,
  perSecond: number,
): Promise<Latencies> {
  const load = fork(new URL("paced-load.ts", import.meta.url));
  let pace: Pace = { answered: 0, failed: 0, statuses: {} };
  load.on("message", (message) => (pace = message as Pace));
  const request: PacedRequest = {
    url: `${service.url}/api/v1/events/batch`,
    bodyFile,
    perSecond: perSecond / batchEvents,
  };
  load.send(request);
  const ended = once(load, "exit");
  try {
    await delay(5_000);
    const seconds = bench.quick ? 10 : 60;
    const [before, startedAt] = [pace.answered, performance.now()];
    const found = await Promise.all(
      Array.from({ length: probers }, (_, index) => probe(service, index, seconds)),
    );
    const took = (performance.now() - startedAt) / 1_000;
    if (pace.failed > 0) throw new Error(`${pace.failed} requests of the load failed`);
    return {
      perSecond: ((pace.answered - before) * batchEvents) / took,
      latencies: found.flat(),
    };
  } finally {
    load.disconnect();
    await ended;
  }
}

/**
 * One event after the other, each watched until it is counted. Each prober has a type, and counts
 * on.
 */
async function probe(
  service: RunningService,
  index: number,
  seconds: number,
): Promise<readonly number[]> {
  const type = `bench.probe-${index}`;
  const latencies: number[] = [];
  const deadline = performance.now() + seconds * 1_000;
  while (performance.now() < deadline) {
    const response = await fetch(`${service.url}/api/v1/events`, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ type, source: "bench" }),
    });
    const acceptedAt = performance.now();
    await response.arrayBuffer();
    if (response.status !== 202) throw new Error(`a probe was answered ${response.status}`);
    while ((await countOf(service, { type })).total <= latencies.length) await delay(pollMs);
    latencies.push(performance.now() - acceptedAt);
  }
  return latencies;
}

async function countOf(
  { url }: RunningService,
  parameters: Readonly<Record<string, string>>,
): Promise<CountsAnswer> {
  const query = new URLSearchParams(parameters);
  return JSON.parse(
    (await timedRequest(`${url}/api/v1/events/counts?${query.toString()}`)).body,
  ) as CountsAnswer;
}
