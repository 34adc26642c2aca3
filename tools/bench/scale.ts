import type { RunningService } from "../service-process.ts";
import type { Bench, Row } from "./bench.ts";
import { questionLatencies } from "./questions.ts";
import { fill, latencies, storedRange } from "./reads.ts";
import { quantile } from "./statistics.ts";

const minuteMs = 60_000;
const dayMs = 1_440 * minuteMs;

/** How many times as many events there are at the end. */
const factor = 10;

/**
 * The same reads at a million and at ten million events of the same forty days: what rollups answer
 * must not depend on how many events there are.
 */
export async function scale(bench: Bench): Promise<readonly Row[]> {
  const service = await bench.service();
  const total = bench.quick ? 100_000 : 1_000_000;
  const { from, to } = storedRange();
  await fill(bench, service, { total, from, to });
  const few = await readings(bench, service, from, 0);
  await fill(bench, service, { total: (factor - 1) * total, from, to, seed: 2, before: total });
  const many = await readings(bench, service, from, 1);
  await bench.end(service);

  return (Object.keys(few) as (keyof Readings)[]).flatMap((measure): Row[] => {
    const p99 = (readings: Readings) => quantile(readings[measure], 0.99);
    const p50 = (readings: Readings) => quantile(readings[measure], 0.5);
    const most = measure === "list of 100 by type and time" ? 5 : 10;
    return [
      {
        measure: `${measure}, p99 at ${factor * total} events`,
        value: p99(many),
        unit: "ms",
        goal: { most },
        detail: `p50 ${p50(many).toFixed(2)} ms; at ${total} events p50 ${p50(few).toFixed(2)}, p99 ${p99(few).toFixed(2)} ms; uncached`,
      },
      {
        measure: `${measure}, p50 at ${factor * total} events`,
        value: p50(many) / p50(few),
        unit: "of 1 million",
        goal: { most: 1.2 },
        detail: `p99 ${(p99(many) / p99(few)).toFixed(2)} of that at ${total} events`,
      },
    ];
  });
}

type Readings = Readonly<
  Record<
    | "query of 30 days by type and day"
    | "counts of 30 days by day"
    | "list of 100 by type and time",
    readonly number[]
  >
>;

/** @param turn another one asks other questions, so that no cache knows an answer */
async function readings(
  bench: Bench,
  service: RunningService,
  from: number,
  turn: number,
): Promise<Readings> {
  const rounds = bench.quick ? 100 : 500;
  const start = (index: number) => from + (turn * 2 * rounds + index) * minuteMs;
  const range = (index: number, days: number) => ({
    from: new Date(start(index)).toISOString(),
    to: new Date(start(index) + days * dayMs).toISOString(),
  });
  const text = (index: number, days: number) => new URLSearchParams(range(index, days)).toString();
  return {
    "query of 30 days by type and day": await questionLatencies(service, "", rounds, (index) => ({
      metrics: ["count"],
      dimensions: ["type", "time:day"],
      range: range(index, 30),
    })),
    "counts of 30 days by day": await latencies(
      service,
      (index) => `/counts?interval=day&${text(index, 30)}`,
      rounds,
    ),
    "list of 100 by type and time": await latencies(
      service,
      (index) => `?type=email.clicked&${text(index, 1)}`,
      rounds,
    ),
  };
}
