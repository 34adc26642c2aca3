import { eventually } from "./eventually.ts";
import { layCable, type Cable } from "../../tools/servers/cable.ts";
import {
  startMongoJava,
  startRabbitmq,
  startRedis,
  type RabbitmqServer,
  type RunningServer,
} from "../../tools/servers/servers.ts";
import { ServiceProcess, type Variables } from "../service-process.ts";

/** The servers that the processes of a cluster share. */
export interface Servers {
  readonly rabbitmq: RabbitmqServer;
  readonly redis: RunningServer;
  /** Its data is in memory, so it is never ended: what is to be away is its cable. */
  readonly mongo: RunningServer;
  readonly mongoCable: Cable;
}

export async function startServers(): Promise<Servers> {
  const starting = [startRabbitmq(), startRedis(), startMongoJava()] as const;
  try {
    const [rabbitmq, redis, mongo] = await Promise.all(starting);
    return { rabbitmq, redis, mongo, mongoCable: await layCable(mongo.url) };
  } catch (error) {
    for (const server of starting) await server.then((started) => started.stop()).catch(() => {});
    throw error;
  }
}

export async function stopServers(servers: Servers): Promise<void> {
  const { rabbitmq, redis, mongo, mongoCable } = servers;
  await Promise.all([rabbitmq.stop(), redis.stop(), mongo.stop(), mongoCable.remove()]);
}

/** Six at once or more, and a broker that makes its queues. */
const startWithinMs = 300_000;

const roles = ["ingest", "processor", "processor", "aggregator", "query", "api-gateway"] as const;

type Role = (typeof roles)[number];

/** Processes of the real runner, one service in each and two of the processor, on shared servers. */
export class Cluster {
  readonly #processes: readonly ServiceProcess[];

  /**
   * Starts all at once, and resolves when each is ready and the gateway sees them all.
   * @param more processes besides the six
   */
  static async start(
    servers: Servers,
    variables: Variables = {},
    more: readonly Role[] = [],
  ): Promise<Cluster> {
    const shared = { ...sharedVariables(servers), LOG_LEVEL: "info", ...variables };
    const processes = await Promise.all(
      [...more, ...roles].map((role) => ServiceProcess.create({ ...shared, SERVICES: role })),
    );
    const cluster = new Cluster(processes);
    try {
      await Promise.all(processes.map((process) => process.start(startWithinMs)));
    } catch (error) {
      await cluster.dispose();
      throw error;
    }
    return cluster;
  }

  private constructor(processes: readonly ServiceProcess[]) {
    this.#processes = processes;
  }

  get gateway(): ServiceProcess {
    return this.of("api-gateway")[0] as ServiceProcess;
  }

  get all(): readonly ServiceProcess[] {
    return this.#processes;
  }

  of(role: Role): readonly ServiceProcess[] {
    return this.#processes.filter(({ name }) => name === role);
  }

  /** Waits until every process says that it is ready. */
  async ready(withinMs = 60_000): Promise<void> {
    await eventually(async () => {
      for (const process of this.#processes) {
        const reason = await process.unreadiness();
        if (reason !== undefined)
          throw new Error(`not ready: ${reason}\n${process.output.slice(-2_000)}`);
      }
    }, withinMs);
  }

  async dispose(): Promise<void> {
    await Promise.all(this.#processes.map((process) => process.dispose()));
  }
}

export function sharedVariables({ rabbitmq, redis, mongoCable }: Servers): Variables {
  return { RABBITMQ_URL: rabbitmq.url, REDIS_URL: redis.url, MONGODB_URI: mongoCable.url };
}

/** One number out of a process' `/metrics`: the sum over all label sets. */
export async function metricOf(process: ServiceProcess, name: string): Promise<number> {
  const text = await (await fetch(`${process.url}/metrics`)).text();
  const values = [...text.matchAll(new RegExp(`^${name}(?:{.*})? (\\S+)$`, "gm"))];
  return values.reduce((sum, [, value]) => sum + Number(value), 0);
}
