import { setTimeout as delay } from "node:timers/promises";
import type { Cluster, Servers } from "./cluster.ts";
import { countedAtRest, expectExact, postShuffled } from "./e2e/shop-run.ts";
import type { ServiceProcess } from "./service-process.ts";
import { readShopLog, shuffled } from "./shop-log.ts";

export interface ChaosOptions {
  /** How long events are posted and things are broken, about. */
  readonly seconds: number;
  readonly random: () => number;
  /** Told of each disturbance as it begins. */
  readonly tell: (disturbance: string) => void;
}

export interface ChaosResult {
  readonly events: number;
  /** Answers that were no 202, all of them 503 or a lost connection: each batch was sent again. */
  readonly refusals: number;
  /** How often each thing was done. */
  readonly disturbances: Readonly<Record<string, number>>;
}

type Disturbance = readonly [name: string, act: () => Promise<void>];

/** How long MongoDB is away in a run of a minute or more; a third of a shorter one. */
const longestAwayMs = 20_000;

const batchSize = 20;
const eventsPerSecond = 100;
const posters = 3;

/**
 * Posts the shop's log to a cluster, a fifth of it twice, while one process after the other is killed
 * and, at the same time, one server after the other is killed, restarted or frozen. Afterwards every
 * count has to be what a recount gives.
 * @throws Error that says which count differs, or which process did not come back
 */
export async function chaos(
  cluster: Cluster,
  servers: Servers,
  { seconds, random, tell }: ChaosOptions,
): Promise<ChaosResult> {
  const events = readShopLog().slice(0, Math.ceil(seconds * eventsPerSecond));
  const done: Record<string, number> = {};
  let posting = true;

  // In rounds, each in an order of its own: none is left out, the first round is always finished.
  const disturb = async (disturbances: readonly Disturbance[], restMs: number) => {
    for (let round = 1; posting; round++) {
      for (const [name, act] of shuffled(disturbances, random)) {
        if (!posting && round > 1) return;
        await delay((0.2 + random()) * restMs);
        tell(name);
        done[name] = (done[name] ?? 0) + 1;
        await act();
      }
    }
  };

  const awayMs = Math.min(longestAwayMs, (seconds * 1_000) / 3);
  const disturbed = Promise.all([
    disturb(killsOf(cluster), 2_000),
    disturb(outagesOf(servers, random, awayMs), Math.min(8_000, seconds * 100)),
  ]);
  let refusals: number;
  try {
    refusals = await postShuffled(cluster.gateway, events, {
      random,
      batchSize,
      pauseMs: (1_000 * posters * batchSize) / (eventsPerSecond * 1.2),
    });
  } finally {
    posting = false;
    await disturbed;
  }

  await cluster.ready(120_000);
  await countedAtRest(cluster.gateway, events.length);
  await expectExact(cluster.gateway, events, random, 20);
  return { events: events.length, refusals, disturbances: done };
}

function killsOf(cluster: Cluster): readonly Disturbance[] {
  return (["processor", "processor", "ingest", "aggregator", "query"] as const).map(
    (role, index): Disturbance => {
      const process = cluster.of(role)[role === "processor" ? index : 0] as ServiceProcess;
      return [
        `${role} killed`,
        async () => {
          await process.kill();
          await startAgain(process);
        },
      ];
    },
  );
}

function outagesOf(
  { rabbitmq, redis, mongo, mongoCable }: Servers,
  random: () => number,
  mongoAwayMs: number,
): readonly Disturbance[] {
  return [
    ["RabbitMQ restarted", () => rabbitmq.restart()],
    [
      "RabbitMQ killed",
      async () => {
        await rabbitmq.kill();
        await rabbitmq.restart();
      },
    ],
    [
      "Redis killed",
      async () => {
        await redis.kill();
        await delay(random() * 2_000);
        await redis.restart();
      },
    ],
    [
      "MongoDB away",
      async () => {
        mongoCable.pull();
        await delay(mongoAwayMs);
        mongoCable.plugIn();
      },
    ],
    [
      "MongoDB frozen",
      async () => {
        mongo.freeze();
        await delay(1_000 + random() * 4_000);
        mongo.thaw();
      },
    ],
  ];
}

/** As an orchestrator does: a process that ends because it finds no broker is started once more. */
async function startAgain(process: ServiceProcess): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await process.start();
    } catch (error) {
      await process.kill();
      if (attempt === 5) throw error;
    }
  }
}
