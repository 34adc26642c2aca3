import { setTimeout as delay } from "node:timers/promises";
import type { Cluster, Servers } from "./support/cluster.ts";
import type { Cable } from "../tools/servers/cable.ts";
import type { ServiceProcess } from "./service-process.ts";

/** Everything that is broken, and how. */
export interface Field {
  readonly cluster: Cluster;
  readonly servers: Servers;
  /** Between the processes and each server. */
  readonly cables: Readonly<Record<"RabbitMQ" | "Redis" | "MongoDB", Cable>>;
  readonly random: () => number;
  /** How long a server is away at the longest, and how long a process or cable is hindered. */
  readonly longestMs: number;
  readonly longestHindranceMs: number;
  /** Starts a process that was killed, and resolves when it is ready. */
  readonly startAgain: (process: ServiceProcess) => Promise<void>;
  /** Told when the gateway is stopped, and when it runs again. */
  readonly gatewayStops: (stopped: boolean) => void;
}

/** Breaks something, and resolves when it is mended. */
export type Disturbance = readonly [name: string, act: () => Promise<void>];

/** How long the slowest one of a stopped and started process is stopped at a time, and how long it runs in between. */
const slowed = { stoppedMs: 60, runningMs: 30 };
const slowCableMs = 40;

/** Every process but the gateway is killed and started again. */
export function kills({ cluster, startAgain }: Field): readonly Disturbance[] {
  return cluster.all
    .filter((process) => process !== cluster.gateway)
    .map((process) => [
      `${process.name} killed`,
      async () => {
        if (process.hasEnded) throw new Error(`${process.name} ended by itself`);
        await process.kill();
        await startAgain(process);
      },
    ]);
}

/** Servers are killed, restarted, away and frozen. */
export function outages({ servers, cables, random, longestMs }: Field): readonly Disturbance[] {
  const { rabbitmq, redis, mongo } = servers;
  const frozen = async (server: { freeze(): void; thaw(): void }, shortestMs: number) => {
    server.freeze();
    try {
      await delay(shortestMs + random() * (longestMs - shortestMs));
    } finally {
      server.thaw();
    }
  };
  return [
    ["RabbitMQ restarted", () => rabbitmq.restart()],
    [
      "RabbitMQ killed",
      async () => {
        await rabbitmq.kill();
        await rabbitmq.restart();
      },
    ],
    ["RabbitMQ frozen", () => frozen(rabbitmq, 1_000)],
    [
      "Redis killed",
      async () => {
        await redis.kill();
        await delay(random() * 2_000);
        await redis.restart();
      },
    ],
    ["Redis frozen", () => frozen(redis, 500)],
    [
      "MongoDB away",
      async () => {
        cables.MongoDB.pull();
        await delay(longestMs);
        cables.MongoDB.plugIn();
      },
    ],
    ["MongoDB frozen", () => frozen(mongo, 1_000)],
  ];
}

/** Every process is frozen and slowed; each cable is cut again and again, swallows, and is slow. */
export function hindrances(field: Field): readonly Disturbance[] {
  const { cluster, cables, random, longestHindranceMs, gatewayStops } = field;
  const forMs = () => (0.3 + 0.7 * random()) * longestHindranceMs;
  const ofProcess = (process: ServiceProcess): readonly Disturbance[] => {
    const stopping = async (work: () => Promise<void>) => {
      const isGateway = process === cluster.gateway;
      if (isGateway) gatewayStops(true);
      try {
        await work();
      } finally {
        process.signal("SIGCONT");
        if (isGateway) gatewayStops(false);
      }
    };
    const freeze = async () => {
      process.signal("SIGSTOP");
      await delay(forMs());
    };
    const slow = async () => {
      for (const until = performance.now() + forMs(); performance.now() < until;) {
        process.signal("SIGSTOP");
        await delay(slowed.stoppedMs);
        process.signal("SIGCONT");
        await delay(slowed.runningMs);
      }
    };
    return [
      [`${process.name} frozen`, () => stopping(freeze)],
      [`${process.name} slowed`, () => stopping(slow)],
    ];
  };
  const ofCable = ([name, cable]: readonly [string, Cable]): readonly Disturbance[] => [
    [
      `${name}'s cable cut`,
      async () => {
        for (const until = performance.now() + forMs(); performance.now() < until;) {
          cable.pull();
          cable.plugIn();
          await delay(500);
        }
      },
    ],
    [
      `${name}'s cable swallows`,
      async () => {
        cable.swallow();
        await delay(forMs());
        cable.plugIn();
      },
    ],
    [
      `${name}'s cable slow`,
      async () => {
        cable.slow(slowCableMs);
        await delay(forMs());
        cable.plugIn();
      },
    ],
  ];
  return [...cluster.all.flatMap(ofProcess), ...Object.entries(cables).flatMap(ofCable)];
}
