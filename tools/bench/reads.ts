import { setTimeout as delay } from "node:timers/promises";
import type { AnswerMeta } from "../../lib/questions/answer-meta.ts";
import { analyticsClient } from "../analytics-client.ts";
import { mailEvents } from "../demo/mail-events.ts";
import { eventsPerMail } from "../demo/shares.ts";
import type { MailEvent } from "../demo/story.ts";
import type { RunningService } from "../service-process.ts";
import { settled, type Bench, type Row } from "./bench.ts";
import { quantile } from "./statistics.ts";
import { timedRequest, type TimedAnswer } from "./timed-request.ts";

const minuteMs = 60_000;
const dayMs = 1_440 * minuteMs;
export const storedDays = 40;
const batchEvents = 1_000;

/** The forty days, up to today, that measurements store their events in. */
export function storedRange(): Pick<Filling, "from" | "to"> {
  const to = Math.floor(Date.now() / dayMs) * dayMs;
  return { from: to - storedDays * dayMs, to };
}

/**
 * Reads over a million stored events of forty days, each question asked once, so that no cache
 * knows it.
 */
export async function reads(bench: Bench): Promise<readonly Row[]> {
  const service = await bench.service();
  const total = bench.quick ? 100_000 : 1_000_000;
  const questions = bench.quick ? 200 : 1_000;
  const { from, to } = storedRange();
  const filled = await fill(bench, service, { total, from, to });

  const at = `at ${total} events`;
  const range = (index: number, days: number) => {
    const start = from + index * minuteMs;
    return `from=${iso(start)}&to=${iso(start + days * dayMs)}`;
  };
  const ask = (path: (index: number) => string) => latencies(service, path, questions);
  const counts = await ask((index) => `/counts?${range(index, 30)}`);
  const series = await ask((index) => `/counts?interval=day&${range(index, 30)}`);
  const list = await ask((index) => `?type=email.clicked&${range(index * 30, 1)}`);
  await bench.end(service);

  const row = (measure: string, found: readonly number[], most: number): Row => ({
    measure: `${measure}, p99`,
    value: quantile(found, 0.99),
    unit: "ms",
    goal: { most },
    detail: `p50 ${quantile(found, 0.5).toFixed(2)} ms, ${found.length} questions ${at}, uncached`,
  });
  return [
    {
      measure: "filling through the API",
      value: total / filled.countedAfterS,
      unit: "events/s",
      detail: `${total} events accepted after ${filled.acceptedAfterS.toFixed(0)} s, counted after ${filled.countedAfterS.toFixed(0)} s, rolled up after ${filled.settledAfterS.toFixed(0)} s`,
    },
    row("counts of 30 days", counts, 10),
    row("counts of 30 days by day", series, 10),
    row("list of 100 by type and time", list, 5),
  ];
}

interface Filling {
  readonly total: number;
  readonly from: number;
  readonly to: number;
  /** Which events of this many; 1 where it is not given. */
  readonly seed?: number;
  /** How many are stored already. */
  readonly before?: number;
}

interface Filled {
  readonly acceptedAfterS: number;
  readonly countedAfterS: number;
  readonly settledAfterS: number;
}

/**
 * Stores exactly `total` events of a mail sender, in time order, two batches on the way at a time.
 */
export async function fill(
  bench: Bench,
  service: RunningService,
  { total, from, to, seed = 1, before = 0 }: Filling,
): Promise<Filled> {
  bench.say(`  filling ${total} events through the API`);
  const client = analyticsClient(service.url);
  const startedAt = performance.now();
  const since = () => (performance.now() - startedAt) / 1_000;
  // A few mails more than needed: the stream ends where there are enough events.
  const mails = Math.ceil((total / eventsPerMail) * 1.05);
  let ahead: Promise<void> = Promise.resolve();
  for (const batch of firstBatches(mailEvents({ seed, mails, from, to, until: to }), total)) {
    const posted = client.post(batch);
    await ahead;
    ahead = posted;
  }
  await ahead;
  const acceptedAfterS = since();
  const acceptedBy = Date.now();
  for (;;) {
    const { total: counted, meta } = await client.counts({});
    if (Date.parse(meta.asOf) < acceptedBy) {
      // An answer about all of it, its rollups not yet written, is work that would slow down what
      // it waits for.
      await delay(250);
      continue;
    }
    const accepted = before + total;
    if (counted !== accepted)
      throw new Error(`${accepted} events were accepted, ${counted} are counted`);
    break;
  }
  const countedAfterS = since();
  await settled(service);
  return { acceptedAfterS, countedAfterS, settledAfterS: since() };
}

function* firstBatches(
  events: Iterable<MailEvent>,
  total: number,
): Generator<readonly MailEvent[], void> {
  let batch: MailEvent[] = [];
  let left = total;
  for (const event of events) {
    batch.push(event);
    left--;
    if (batch.length === batchEvents || left === 0) {
      yield batch;
      batch = [];
    }
    if (left === 0) return;
  }
  throw new Error(`the mails make ${left} events too few`);
}

/** How long reads of events took, milliseconds: as `uncachedLatencies` says. */
export function latencies(
  { url }: RunningService,
  path: (index: number) => string,
  questions: number,
): Promise<readonly number[]> {
  return uncachedLatencies(questions, (index) =>
    timedRequest(`${url}/api/v1/events${path(index)}`),
  );
}

/**
 * How long each of `rounds` answers took, milliseconds, one after the other; a tenth more are asked
 * first, to warm up.
 */
export async function uncachedLatencies(
  rounds: number,
  ask: (index: number) => Promise<TimedAnswer>,
): Promise<readonly number[]> {
  const found: number[] = [];
  const warmUp = Math.ceil(rounds / 10);
  for (let index = 0; index < rounds + warmUp; index++) {
    const { ms, body } = await ask(index);
    const { meta } = JSON.parse(body) as { readonly meta: AnswerMeta };
    if (meta.cache !== "miss") throw new Error("an answer came from the cache");
    if (index >= warmUp) found.push(ms);
  }
  return found;
}

function iso(instant: number): string {
  return new Date(instant).toISOString();
}
