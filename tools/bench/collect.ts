import { join } from "node:path";
import { settled, type Bench, type Row } from "./bench.ts";
import { runLoad, type Load } from "./load.ts";
import { sampleEvent, sampleEvents } from "./sample-events.ts";
import { interleaved, median } from "./statistics.ts";

const connections = 64;

/** One event a request, durable, beside a bare server that keeps nothing. */
export async function single(bench: Bench): Promise<readonly Row[]> {
  const bodyFile = bench.file("single.json", JSON.stringify(sampleEvent()));
  const { ours, bare } = await besideBare(bench, "/api/v1/events", bodyFile);
  const { value, detail } = ratio(ours, bare, 1);
  const p99 = median(ours.map(({ p99Ms }) => p99Ms));
  return [
    {
      measure: "single durable POST",
      value,
      unit: "of bare",
      goal: { least: 0.6 },
      detail: `${detail}, bare node:http parses JSON and answers 202`,
    },
    {
      measure: "single durable POST, p99",
      value: p99,
      unit: "ms",
      goal: { most: 25 },
      detail: `p50 ${median(ours.map(({ p50Ms }) => p50Ms)).toFixed(1)} ms, bare p99 ${median(
        bare.map(({ p99Ms }) => p99Ms),
      ).toFixed(1)} ms`,
    },
  ];
}

/** A hundred events a request, beside a bare server that keeps the same bodies in SQLite. */
export async function batches(bench: Bench): Promise<readonly Row[]> {
  const events = sampleEvents(100);
  const bodyFile = bench.file("batch.json", JSON.stringify({ events }));
  const file = join(bench.scratch, "bare.sqlite");
  const { ours, bare } = await besideBare(bench, "/api/v1/events/batch", bodyFile, file);
  const { value, detail } = ratio(ours, bare, events.length);
  return [
    {
      measure: "batches of 100",
      value,
      unit: "of bare",
      goal: { least: 0.4 },
      detail: `${detail}, bare node:http and SQLite group commit, a row a body`,
    },
  ];
}

async function besideBare(
  bench: Bench,
  path: string,
  bodyFile: string,
  databaseFile?: string,
): Promise<{ readonly ours: readonly Load[]; readonly bare: readonly Load[] }> {
  const service = await bench.service();
  const { url: bareUrl } = await bench.bareServer(databaseFile);
  const request = { bodyFile, contentType: "application/json", connections };
  const post = (url: string, seconds: number) =>
    runLoad(bench.generator, { ...request, url, seconds }, bench.scratch);

  async function ours(seconds: number): Promise<Load> {
    const load = await post(`${service.url}${path}`, seconds);
    // Accepted events are processed now, not while the other side is measured.
    await settled(service);
    return load;
  }
  await ours(2);
  await post(bareUrl, 2);
  const [rounds, seconds] = bench.quick ? [3, 2] : [5, 5];
  const [first, second] = await interleaved(rounds, [
    () => ours(seconds),
    () => post(bareUrl, seconds),
  ]);
  await bench.end(service);
  const failed = [...first!, ...second!].reduce((sum, load) => sum + load.failed, 0);
  if (failed > 0) throw new Error(`${failed} requests to ${path} or its bare server failed`);
  return { ours: first!, bare: second! };
}

function ratio(
  ours: readonly Load[],
  bare: readonly Load[],
  events: number,
): { readonly value: number; readonly detail: string } {
  const [one, other] = [ours, bare].map(
    (side) => median(side.map(({ perSecond }) => perSecond)) * events,
  ) as [number, number];
  return {
    value: one / other,
    detail: `${Math.round(one)} to ${Math.round(other)} events/s, medians of ${ours.length}`,
  };
}
