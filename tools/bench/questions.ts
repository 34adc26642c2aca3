import type { RunningService } from "../service-process.ts";
import { settled, type Bench, type Row } from "./bench.ts";
import { runLoad } from "./load.ts";
import { fill, storedDays, storedRange, uncachedLatencies } from "./reads.ts";
import { sampleEvent } from "./sample-events.ts";
import { interleaved, median, quantile } from "./statistics.ts";
import { timedRequest, type TimedAnswer } from "./timed-request.ts";

const minuteMs = 60_000;
const dayMs = 1_440 * minuteMs;

/**
 * Times questions over a million events of forty days, answered from rollups and from events, and
 * measures the rate of collecting meanwhile.
 */
export async function questions(bench: Bench): Promise<readonly Row[]> {
  const service = await bench.service();
  const total = bench.quick ? 100_000 : 1_000_000;
  const { from, to } = storedRange();
  await fill(bench, service, { total, from, to });

  const at = `at ${total} events`;
  // Each question has a range of its own, so that no cache holds its answer.
  const range = (index: number, days: number) => ({
    from: from + index * minuteMs,
    to: from + index * minuteMs + days * dayMs,
  });
  const timed = (path: string, rounds: number, question: (index: number) => object) =>
    questionLatencies(service, path, rounds, question);
  const rollup = await timed("", bench.quick ? 100 : 500, (index) => ({
    metrics: ["count"],
    dimensions: ["type", "time:day"],
    range: range(index, 30),
  }));
  const breakdown = await timed("", 20, (index) => ({
    metrics: ["count"],
    dimensions: ["metadata.templateId"],
    range: range(-index, storedDays + 1),
  }));
  const percentile = await timed("", 20, (index) => ({
    metrics: ["count", "uniques", "p95:data.delayMs"],
    dimensions: ["context.emailProvider"],
    range: range(-index, storedDays + 1),
  }));
  const funnel = await timed("/funnel", 10, (index) => ({
    steps: ["sent", "delivered", "opened", "clicked", "unsubscribed"].map((step) => ({
      type: `email.${step}`,
    })),
    by: "correlationId",
    range: range(-index, storedDays + 1),
  }));
  const collecting = await collectingBeside(bench, service, (index) => ({
    dimensions: ["metadata.recipient", "context.browser"],
    limit: 10,
    filters: ["starts_with", "metadata.recipient", "a"],
    range: range(-index, storedDays + 1),
  }));
  await bench.end(service);

  const row = (measure: string, timesMs: readonly number[], share: number, most: number): Row => ({
    measure,
    value: quantile(timesMs, share),
    unit: "ms",
    goal: { most },
    detail: `p50 ${median(timesMs).toFixed(1)} ms, ${timesMs.length} questions ${at}, uncached`,
  });
  return [
    row("query of 30 days from rollups, p99", rollup, 0.99, 10),
    row("breakdown by any property", breakdown, 1, 1_000),
    row("breakdown with users and a percentile", percentile, 1, 2_000),
    row("funnel of 5 steps", funnel, 1, 2_000),
    collecting,
  ];
}

/** Measures the rate of collecting while one question after the other reads events. */
async function collectingBeside(
  bench: Bench,
  service: RunningService,
  question: (index: number) => object,
): Promise<Row> {
  const bodyFile = bench.file("beside.json", JSON.stringify(sampleEvent()));
  const load = async () => {
    const { perSecond } = await runLoad(
      bench.generator,
      {
        url: `${service.url}/api/v1/events`,
        bodyFile,
        contentType: "application/json",
        connections: 64,
        seconds: bench.quick ? 2 : 5,
      },
      bench.scratch,
    );
    await settled(service);
    return perSecond;
  };
  let calls = 0;
  const loadWithQuestions = async () => {
    let isLoading = true;
    const questions = (async () => {
      while (isLoading) await ask(service, "", question(++calls));
    })();
    try {
      return await load();
    } finally {
      isLoading = false;
      await questions;
    }
  };
  await load();
  const [alone, beside] = await interleaved(bench.quick ? 2 : 3, [load, loadWithQuestions]);
  const [aloneRate, besideRate] = [median(alone!), median(beside!)];
  return {
    measure: "collecting while questions read events",
    value: besideRate / aloneRate,
    unit: "of alone",
    goal: { least: 0.8 },
    detail: `${Math.round(besideRate)} to ${Math.round(aloneRate)} requests/s, ${calls} questions meanwhile`,
  };
}

/** Times questions, in milliseconds, by `uncachedLatencies`. */
export function questionLatencies(
  service: RunningService,
  path: string,
  rounds: number,
  question: (index: number) => object,
): Promise<readonly number[]> {
  return uncachedLatencies(rounds, (index) => ask(service, path, question(index)));
}

function ask({ url }: RunningService, path: string, question: object): Promise<TimedAnswer> {
  return timedRequest(`${url}/api/v1/query${path}`, JSON.stringify(question));
}
