import { fork } from "node:child_process";
import { once } from "node:events";
import { setTimeout as delay } from "node:timers/promises";
import type { RunningService } from "../service-process.ts";
import { settled, type Bench, type Row } from "./bench.ts";
import { residentMb } from "./footprint.ts";
import type { Pace, PacedRequest } from "./paced-load.ts";
import { batchEvents, drainRate } from "./pipeline.ts";
import { sampleEvents } from "./sample-events.ts";

/** What a service may answer to a batch that it has no room for. */
const refusals = new Set(["429", "503"]);

const sampleEveryMs = 1_000;

/** In samples. */
const tellEvery = 60;

/** Of the time at 70 % the first part is warm-up: heaps and caches find their size. */
const warmUp = 0.25;

/**
 * Whether memory grows over `--minutes` at 70 % of the rate that is collected, stored and counted
 * at the same time, and what is answered in a sixth of that time at 200 %.
 */
export async function soak(bench: Bench): Promise<readonly Row[]> {
  const service = await bench.service();
  const bodyFile = bench.file("soak.json", JSON.stringify({ events: sampleEvents(batchEvents) }));
  const { throughPerSecond: perSecond } = await drainRate(bench, service, bodyFile);
  await settled(service);
  bench.say(`sustained: ${Math.round(perSecond)} events/s`);
  const steady = await run(bench, service, bodyFile, 0.7 * perSecond, bench.minutes);
  await settled(service);
  const above = await run(bench, service, bodyFile, 2 * perSecond, bench.minutes / 6);
  await settled(service);
  await bench.end(service);
  const others = (statuses: Pace["statuses"]) =>
    Object.entries(statuses)
      .filter(([status]) => status !== "202" && !refusals.has(status))
      .reduce((sum, [, times]) => sum + times, 0);
  return [
    {
      measure: "memory slope at 70 %",
      value: slope(steady.residentMb.slice(Math.floor(steady.residentMb.length * warmUp))),
      unit: "MB/min",
      goal: { most: 1 },
      detail: `${bench.minutes} min at ${Math.round(0.7 * perSecond)} events/s, the first quarter left out: ${told(steady.residentMb)} MB, ${JSON.stringify(steady.statuses)}`,
    },
    {
      measure: "refused at 70 %",
      value: total(steady.statuses) - (steady.statuses["202"] ?? 0),
      unit: "times",
      goal: { most: 0 },
      detail: `of ${total(steady.statuses)} requests`,
    },
    {
      measure: "other answers than 202, 429, 503 at 200 %",
      value: others(above.statuses),
      unit: "times",
      goal: { most: 0 },
      detail: `${(bench.minutes / 6).toFixed(1)} min: ${told(above.residentMb)} MB, ${JSON.stringify(above.statuses)}`,
    },
  ];
}

interface Run {
  readonly residentMb: readonly number[];
  readonly statuses: Pace["statuses"];
}

async function run(
  bench: Bench,
  service: RunningService,
  bodyFile: string,
  perSecond: number,
  minutes: number,
): Promise<Run> {
  const load = fork(new URL("paced-load.ts", import.meta.url));
  let pace: Pace = { answered: 0, failed: 0, statuses: {} };
  load.on("message", (message) => (pace = message as Pace));
  const url = `${service.url}/api/v1/events/batch`;
  load.send({ url, bodyFile, perSecond: perSecond / batchEvents } satisfies PacedRequest);
  const ended = once(load, "exit");
  const samples: number[] = [];
  try {
    for (const until = performance.now() + minutes * 60_000; performance.now() < until;) {
      await delay(sampleEveryMs);
      samples.push(residentMb(service, "VmRSS"));
      if (samples.length % tellEvery === 0) {
        const mb = Math.round(samples.at(-1)!);
        bench.say(`${samples.length} s: ${mb} MB, ${JSON.stringify(pace.statuses)}`);
      }
    }
    return { residentMb: samples, statuses: pace.statuses };
  } finally {
    load.disconnect();
    await ended;
  }
}

function total(statuses: Pace["statuses"]): number {
  return Object.values(statuses).reduce((sum, times) => sum + times, 0);
}

/** Of samples a second apart how much they grow in a minute, by least squares. */
function slope(samples: readonly number[]): number {
  const n = samples.length;
  const meanX = (n - 1) / 2;
  const meanY = samples.reduce((sum, y) => sum + y, 0) / n;
  const covariance = samples.reduce((sum, y, x) => sum + (x - meanX) * (y - meanY), 0);
  const variance = samples.reduce((sum, _, x) => sum + (x - meanX) ** 2, 0);
  return (covariance / variance) * (60_000 / sampleEveryMs);
}

function told(samples: readonly number[]): string {
  const at = (share: number) => Math.round(samples[Math.floor((samples.length - 1) * share)] ?? 0);
  return [0, 0.25, 0.5, 0.75, 1].map(at).join(", ");
}
