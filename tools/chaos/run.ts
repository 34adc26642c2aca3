import { setTimeout as delay } from "node:timers/promises";
import {
  hindrances,
  kills,
  outages,
  type Disturbance,
  type Field,
} from "../../test/chaos-disturbances.ts";
import { Acts } from "../../test/chaos-acts.ts";
import { expectExactOfEvents, segmentsIn } from "../../test/chaos-answers.ts";
import { Load, type LoadReport } from "../../test/chaos-load.ts";
import { Cluster, startServers, stopServers } from "../../test/support/cluster.ts";
import { countedAtRest, expectExact } from "../../test/e2e/shop-run.ts";
import { readConfig } from "../../lib/config.ts";
import { silent } from "../../lib/log.ts";
import { openQueue } from "../../lib/queue/open.ts";
import type { DurableQueue } from "../../lib/queue/queue.ts";
import { layCable, type Cable } from "../servers/cable.ts";
import { readShopLog, shuffled } from "../../test/support/shop-log.ts";

interface ChaosOptions {
  /**
   * How long events are posted and things are broken, about: 100 events a second, so 312 for the
   * whole log.
   */
  readonly seconds: number;
  /** How many processes answer questions. With more than one they divide questions among them. */
  readonly queryNodes: number;
  readonly random: () => number;
  /** Called with each disturbance as it begins. */
  readonly tell: (disturbance: string) => void;
}

interface ChaosResult extends LoadReport {
  readonly events: number;
  readonly segments: number;
  /** The segments that a bundle stands for. */
  readonly merged: number;
  /** How often each thing was done. */
  readonly disturbances: Readonly<Record<string, number>>;
}

/** How long a server is away in a run of a minute or more; a third of a shorter one. */
const longestAwayMs = 20_000;

/**
 * How long a process or a cable is hindered in a run of a minute or more; a tenth of a shorter one.
 */
const longestHindranceMs = 6_000;

/**
 * How long a process that was killed tries to get ready amid all that is broken. A process is not
 * ready while a server is away, so on a slow machine it may not be for minutes: then nothing else
 * is broken before it is.
 */
const pauseAfterMs = 30_000;

/** How long the processes may take to be ready while nothing is broken. */
const startWithinMs = 300_000;

const batchSize = 20;

/** So few that segments are sealed, and questions answered from them, from the first seconds on. */
const segmentMaxEvents = "40";

const eventsPerSecond = 100;
const posters = 3;

/**
 * `chaos` on servers, cables and processes of its own. What the processes had to say is part of the
 * error.
 */
export async function chaosOnNewServers(options: ChaosOptions): Promise<ChaosResult> {
  const servers = await startServers();
  const laid: Cable[] = [servers.mongoCable];
  let cluster: Cluster | undefined;
  let queue: DurableQueue | undefined;
  try {
    const [rabbitmq, redis] = await Promise.all([
      layCable(servers.rabbitmq.url),
      layCable(servers.redis.url),
    ]);
    laid.push(rabbitmq, redis);
    const variables = {
      RABBITMQ_URL: rabbitmq.url,
      REDIS_URL: redis.url,
      SEGMENT_MAX_EVENTS: segmentMaxEvents,
    };
    const more = Array.from({ length: options.queryNodes - 1 }, () => "query" as const);
    cluster = await Cluster.start(servers, variables, more);
    await cluster.ready(startWithinMs);
    queue = await openQueue(readConfig({ RABBITMQ_URL: servers.rabbitmq.url }), silent);
    const cables = { RabbitMQ: rabbitmq, Redis: redis, MongoDB: servers.mongoCable };
    return await chaos({ cluster, servers, cables, queue }, options);
  } catch (error) {
    const complaints = cluster?.all.flatMap(({ name, output, hasEnded }) => {
      const lines = output.trimEnd().split("\n");
      const errors = lines.filter((line) => /"level":"(error|fatal)"|^(?!\{).*Error/.test(line));
      const told = [...errors.slice(-5), ...lines.slice(-3)];
      return [
        ...told.map((line) => `${name}: ${line.slice(0, 500)}`),
        ...(hasEnded ? [`${name} ended by itself`] : []),
      ];
    });
    throw new Error([(error as Error).message, ...(complaints ?? [])].join("\n"), { cause: error });
  } finally {
    await cluster?.dispose();
    await queue?.close();
    await Promise.all(laid.map((cable) => cable.remove()));
    await stopServers(servers);
  }
}

/**
 * Posts the shop's log to a cluster, a fifth of it twice, and reads, while events are erased,
 * replayed and counted anew, and at the same time one process after the other is killed, one server
 * after the other killed, restarted, away or frozen, and one process or cable after the other
 * frozen, slowed, cut or deaf. Afterwards every count has to be what a recount gives.
 * @throws Error that says which count differs, which answer was wrong or late, or which process did
 * not come back
 */
async function chaos(
  {
    cluster,
    servers,
    cables,
    queue,
  }: Pick<Field, "cluster" | "servers" | "cables"> & { readonly queue: DurableQueue },
  { seconds, random, tell }: ChaosOptions,
): Promise<ChaosResult> {
  const events = readShopLog().slice(0, Math.ceil(seconds * eventsPerSecond));
  const done: Record<string, number> = {};
  const pause = new Pause();
  let posting = true;

  // In rounds, each in an order of its own: none is left out, the first round is always finished.
  // That one is quick in a short run; the later ones leave time to get well, so that the posting
  // comes to its end.
  const disturb = async (disturbances: readonly Disturbance[], longestRestMs: number) => {
    for (let round = 1; posting; round++) {
      const restMs = round === 1 ? Math.min(longestRestMs, seconds * 20) : longestRestMs;
      for (const [name, act] of shuffled(disturbances, random)) {
        if (!posting && round > 1) return;
        await delay((0.2 + random()) * restMs);
        await pause.over();
        tell(name);
        done[name] = (done[name] ?? 0) + 1;
        await act();
      }
    }
  };

  const stops = new Stops();
  const field: Field = {
    ...{ cluster, servers, cables, random },
    longestMs: Math.min(longestAwayMs, (seconds * 1_000) / 3),
    longestHindranceMs: Math.min(longestHindranceMs, seconds * 100),
    startAgain: (process) =>
      pause.after(pauseAfterMs, () => process.start(pauseAfterMs + startWithinMs)),
    gatewayStops: (stopped) => stops.turn(stopped),
  };
  const load = new Load(cluster.gateway, {
    ...{ random, batchSize, posters },
    pauseMs: (1_000 * posters * batchSize) / (eventsPerSecond * 1.2),
    stoppedSince: (instant) => stops.since(instant),
  });
  const acts = new Acts(load, random, (body) =>
    queue.dead.put({ body, receivedAt: Date.now() }, "chaos"),
  );
  await acts.begin();
  const lanes = [
    disturb(acts.disturbances, 2_000),
    disturb(kills(field), 2_000),
    disturb(outages(field), 8_000),
    disturb(hindrances(field), 3_000),
  ];
  const posted = load.run(events).finally(() => (posting = false));
  const found: string[] = [];
  let sealed = { segments: 0, merged: 0 };
  try {
    await Promise.all([posted, ...lanes]);
    await cluster.ready(startWithinMs);
    await acts.settle();
    const expected = [...events, ...acts.kept];
    await countedAtRest(cluster.gateway, expected.length);
    await expectExact(cluster.gateway, expected, random, 20);
    sealed = await segmentsIn(servers.mongo.url);
    await expectExactOfEvents(cluster.gateway, expected);
  } catch (error) {
    found.push((error as Error).message);
  } finally {
    posting = false;
    load.stop();
    await Promise.allSettled([posted, ...lanes]);
  }
  const { answers, slowestMs, wrong } = load.report;
  if (wrong.length > 0) found.push(`${wrong.length} answers were wrong`, ...wrong.slice(0, 20));
  if (found.length > 0) {
    const others = `answers: ${JSON.stringify(answers)}, the slowest after ${slowestMs} ms`;
    throw new Error([...found, others].join("\n"));
  }
  return { events: events.length, ...sealed, ...load.report, disturbances: done };
}

/** Nothing more is broken while it lasts. */
class Pause {
  #begun = 0;

  /** Begins where some work is not done after a time, and ends with it. */
  async after(waitMs: number, work: () => Promise<void>): Promise<void> {
    let isBegun = false;
    const timer = setTimeout(() => {
      isBegun = true;
      this.#begun += 1;
    }, waitMs);
    try {
      await work();
    } finally {
      clearTimeout(timer);
      if (isBegun) this.#begun -= 1;
    }
  }

  async over(): Promise<void> {
    while (this.#begun > 0) await delay(100);
  }
}

/** The instants at which everything stood still. */
class Stops {
  readonly #past: (readonly [begin: number, end: number])[] = [];
  #stoppedAt: number | null = null;

  turn(stopped: boolean): void {
    if (this.#stoppedAt !== null) this.#past.push([this.#stoppedAt, performance.now()]);
    this.#stoppedAt = stopped ? performance.now() : null;
  }

  /** For how long of the time from an instant on. */
  since(instant: number): number {
    const now = performance.now();
    const all =
      this.#stoppedAt === null ? this.#past : [...this.#past, [this.#stoppedAt, now] as const];
    return all.reduce((sum, [begin, end]) => sum + Math.max(0, end - Math.max(begin, instant)), 0);
  }
}
