import { setTimeout as delay } from "node:timers/promises";
import { expect } from "expect";
import { eventually } from "../support/eventually.ts";
import type { ServiceProcess } from "../service-process.ts";
import { chunks, recount, recountDays, shuffled, type ShopEvent } from "../support/shop-log.ts";

interface Counts {
  readonly data: readonly {
    readonly type: string;
    readonly count: number;
    readonly series?: readonly { readonly time: string; readonly count: number }[];
  }[];
  readonly total: number;
  readonly meta: { readonly exact: boolean; readonly asOf: string; readonly cache: string };
}

interface Posting {
  readonly random: () => number;
  readonly batchSize?: number;
  /** How long each of the three who post waits between two batches. */
  readonly pauseMs?: number;
  /** What happens meanwhile; `reached(share)` resolves once that share of the batches was begun. */
  readonly meanwhile?: (reached: (share: number) => Promise<void>) => Promise<void>;
}

/**
 * Posts events in shuffled batches, a fifth of them twice. A batch counts as sent once it was
 * answered 202; until then it is sent again.
 * @returns how often one had to be: every other answer was 503 with `Retry-After`, or none came
 */
export async function postShuffled(
  service: ServiceProcess,
  events: readonly ShopEvent[],
  { random, batchSize = 250, pauseMs = 0, meanwhile }: Posting,
): Promise<number> {
  const once = chunks(shuffled(events, random), batchSize);
  const batches = shuffled([...once, ...once.filter(() => random() < 0.2)], random);
  let next = 0;
  let again = 0;
  const worker = async () => {
    while (next < batches.length) {
      again += await postUntilAccepted(service, batches[next++] ?? []);
      if (pauseMs > 0) await delay(pauseMs);
    }
  };
  const reached = async (share: number) => {
    while (next < Math.floor(batches.length * share)) await delay(2);
  };
  await Promise.all([worker(), worker(), worker(), meanwhile?.(reached)]);
  return again;
}

/** Posts events while the process is killed and started again. */
export async function postThroughKills(
  service: ServiceProcess,
  events: readonly ShopEvent[],
  { kills, random, batchSize }: { kills: number; random: () => number; batchSize?: number },
): Promise<void> {
  await postShuffled(service, events, {
    random,
    batchSize,
    async meanwhile(reached) {
      for (let kill = 1; kill <= kills; kill += 1) {
        await reached(kill / (kills + 1));
        await delay(random() * 60);
        await service.kill();
        await service.start();
      }
    },
  });
}

/** One batch's answer; `status` 0 where none came. `mayRetry`: it has `Retry-After`. */
export async function postBatch(
  service: ServiceProcess,
  batch: readonly ShopEvent[],
): Promise<{ readonly status: number; readonly mayRetry: boolean; readonly said: string }> {
  try {
    const response = await fetch(`${service.url}/api/v1/events/batch`, {
      method: "POST",
      headers: { "Content-Type": "application/x-ndjson" },
      body: batch.map((event) => JSON.stringify(event)).join("\n"),
    });
    const { status, headers } = response;
    return { status, mayRetry: headers.has("retry-after"), said: await response.text() };
  } catch (error) {
    return { status: 0, mayRetry: true, said: String((error as Error).cause ?? error) };
  }
}

/** @returns how often it was sent again */
async function postUntilAccepted(
  service: ServiceProcess,
  batch: readonly ShopEvent[],
): Promise<number> {
  for (let refusals = 0; ; refusals++) {
    const { status, mayRetry, said } = await postBatch(service, batch);
    if (status === 202) return refusals;
    if ((status !== 0 && status !== 503) || !mayRetry) {
      throw new Error(`a batch was answered ${status}: ${said}`);
    }
    await delay(20);
  }
}

export async function countsOf(
  service: ServiceProcess,
  query: Record<string, string>,
): Promise<Counts> {
  const response = await fetch(`${service.url}/api/v1/events/counts?${new URLSearchParams(query)}`);
  const body = await response.text();
  if (response.status !== 200) throw new Error(`counts were answered ${response.status}: ${body}`);
  return JSON.parse(body) as Counts;
}

const byType = ({ data }: Counts) =>
  Object.fromEntries(data.map(({ type, count }) => [type, count]));

/** Waits until nothing waits in the pipeline any more. */
export async function settled(service: ServiceProcess): Promise<void> {
  await eventually(async () => {
    const health = (await (await fetch(`${service.url}/health`)).json()) as {
      stages: Record<string, { backlog?: number }>;
    };
    expect(health.stages["processor"]?.backlog).toBe(0);
  }, 120_000);
}

/** How long nothing may change while counts are to come to rest. */
const restWithinMs = 180_000;

/**
 * Waits until so many events are counted, and their rollups are written, for as long as what waits
 * becomes less. The question is asked only while nothing waits: right after many minutes were
 * touched each answer is worked out from their deltas, which keeps the store from everything else.
 */
export async function countedAtRest(service: ServiceProcess, events: number): Promise<void> {
  let least = Infinity;
  for (let isAtRest = false; !isAtRest;) {
    const before = least;
    isAtRest = await eventually(async () => {
      const health = await (await fetch(`${service.url}/health`)).json();
      const { processor, aggregator } = (health as { stages: Stages }).stages;
      const backlogs = [processor?.backlog, aggregator?.backlog];
      const waiting = backlogs.reduce<number>((sum, one) => sum + (one ?? Infinity), 0);
      if (waiting > 0) {
        // Counting a long backlog takes a server without indexes some seconds of its own work.
        await delay(waiting > 1_000 ? 5_000 : 500);
        if (waiting >= before) throw new Error(`not at rest: ${JSON.stringify(health)}`);
        least = waiting;
        return false;
      }
      const { total } = await countsOf(service, {});
      if (total !== events) throw new Error(`${total} of ${events} events are counted`);
      return true;
    }, restWithinMs);
  }
}

type Stages = Readonly<Record<string, { readonly backlog?: number } | undefined>>;

const zones = ["Asia/Kolkata", "America/New_York", "Australia/Lord_Howe"];

/** The same, asked again while it is answered 503: that is no answer, so not a wrong one. */
function answeredCountsOf(service: ServiceProcess, query: Record<string, string>): Promise<Counts> {
  return eventually(() => countsOf(service, query), 60_000);
}

/**
 * Holds the service's counts against a plain recount: all types, random windows, and every day of some zones.
 * @param within what tells these events from others in the store
 */
export async function expectExact(
  service: ServiceProcess,
  events: readonly ShopEvent[],
  random: () => number,
  windows: number,
  within: Record<string, string> = {},
): Promise<void> {
  const all = await answeredCountsOf(service, within);
  expect(byType(all)).toEqual(recount(events));
  expect(all.meta.exact).toBe(true);

  const instants = events.map(({ timestamp }) => Date.parse(timestamp));
  const first = Math.min(...instants);
  const span = Math.max(...instants) - first;
  for (let i = 0; i < windows; i += 1) {
    const [a, b] = [random(), random()].map(
      (share) => first + Math.floor((share * span) / 60_000) * 60_000,
    );
    const [from, to] = [Math.min(a ?? 0, b ?? 0), Math.max(a ?? 0, b ?? 0) + 60_000];
    const counts = await answeredCountsOf(service, { from: String(from), to: String(to) });
    expect(byType(counts)).toEqual(recount(events, from, to));
  }

  for (const timezone of zones) {
    const counts = await answeredCountsOf(service, {
      interval: "day",
      timezone,
      from: "2023-12-30T00:00:00Z",
      to: "2024-07-05T00:00:00Z",
    });
    const days: Record<string, Record<string, number>> = {};
    for (const { type, series } of counts.data) {
      for (const { time, count } of series ?? []) {
        if (count > 0) (days[time.slice(0, 10)] ??= {})[type] = count;
      }
    }
    expect(days).toEqual(Object.fromEntries(recountDays(events, timezone)));
  }
}
