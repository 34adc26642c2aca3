import { execFile } from "node:child_process";
import { once } from "node:events";
import { copyFileSync, writeFileSync } from "node:fs";
import { connect as connectTcp } from "node:net";
import { delimiter, join } from "node:path";
import { promisify } from "node:util";
import { connect as connectAmqp } from "amqplib";
import { MongoClient } from "mongodb";
import { installed } from "./installed.ts";
import { type Place, type Recipe, type RunningServer, startServer } from "./server-process.ts";

export type { RunningServer } from "./server-process.ts";

export interface RabbitmqServer extends RunningServer {
  /**
   * Run `rabbitmqctl` against this server, for example `ctl("list_queues")`; takes a second or two.
   */
  ctl(...args: readonly string[]): Promise<string>;
}

/** RabbitMQ: one node, default vhost, user `test` with password `test`, no plugins. About 5 s. */
export async function startRabbitmq(): Promise<RabbitmqServer> {
  const bin = installed("rabbitmq");
  let place: Place | undefined;
  const server = await startServer({
    name: "rabbitmq",
    ports: 3,
    command(at) {
      place = at;
      writeFileSync(join(at.dir, "empty"), "");
      writeFileSync(join(at.dir, "enabled_plugins"), "[].\n");
      writeFileSync(join(at.dir, "rabbitmq.conf"), rabbitmqConf);
      // The port mapper must not outlive the broker as the daemon that Erlang would start, so it
      // is started here, in the same process group. It ends at once where the port is not free
      // yet, as right after a restart, and is then started again.
      const script =
        "until epmd -names >/dev/null 2>&1; do " +
        'epmd -port "$ERL_EPMD_PORT" & sleep 0.05; done; ' +
        'exec "$0"';
      return {
        file: "/bin/sh",
        args: ["-c", script, join(bin, "rabbitmq-server")],
        env: { ...rabbitmqEnv(at), RUNNING_UNDER_SYSTEMD: "true" },
      };
    },
    url: ({ ports }) => `amqp://test:test@127.0.0.1:${ports[0]}`,
    async answers(url) {
      const connection = await connectAmqp(url, { timeout: 2_000 });
      await connection.close();
    },
    logs: ["log/rabbit.log"],
  });
  // A getter's value would be copied by a spread, so the server is extended instead.
  return Object.assign(server, {
    async ctl(...args: readonly string[]): Promise<string> {
      if (place === undefined) throw new Error("rabbitmq was never started");
      const env = { ...process.env, ...rabbitmqEnv(place) };
      const run = promisify(execFile);
      const file = join(bin, "rabbitmqctl");
      const { stdout } = await run(file, ["--quiet", ...args], { env, timeout: 30_000 });
      return stdout;
    },
  });
}

const rabbitmqConf = `
default_user = test
default_pass = test
loopback_users = none
disk_free_limit.absolute = 1MB
raft.wal_max_size_bytes = 16777216
log.file = rabbit.log
log.file.level = info
log.console = false
`;

function rabbitmqEnv({ dir, ports }: Place): Record<string, string> {
  const [amqp, dist, epmd] = ports;
  return {
    HOME: dir,
    ERL_EPMD_PORT: String(epmd),
    ERL_EPMD_ADDRESS: "127.0.0.1",
    RABBITMQ_CONF_ENV_FILE: join(dir, "empty"),
    RABBITMQ_CONFIG_FILE: join(dir, "rabbitmq.conf"),
    RABBITMQ_ADVANCED_CONFIG_FILE: join(dir, "none.config"),
    RABBITMQ_ENABLED_PLUGINS_FILE: join(dir, "enabled_plugins"),
    RABBITMQ_MNESIA_BASE: join(dir, "data"),
    RABBITMQ_LOG_BASE: join(dir, "log"),
    RABBITMQ_NODENAME: `test-${amqp}@localhost`,
    RABBITMQ_NODE_IP_ADDRESS: "127.0.0.1",
    RABBITMQ_NODE_PORT: String(amqp),
    RABBITMQ_DIST_PORT: String(dist),
    // Below all that `freePorts` gives.
    RABBITMQ_CTL_DIST_PORT_MIN: "10000",
    RABBITMQ_CTL_DIST_PORT_MAX: "14999",
    // Erlang's schedulers spin for a while before they sleep: on few cores that starves the others.
    RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS:
      "+sbwt none +sbwtdcpu none +sbwtdio none -kernel inet_dist_use_interface {127,0,0,1}",
  };
}

/** Redis with its data in an append-only file. A tenth of a second. */
export function startRedis(): Promise<RunningServer> {
  const file = installed("redis");
  return startServer({
    name: "redis",
    ports: 1,
    command: ({ dir, ports }) => ({
      file,
      args: [
        ...["--bind", "127.0.0.1", "--port", String(ports[0]), "--dir", dir],
        ...["--save", "", "--appendonly", "yes", "--daemonize", "no"],
      ],
    }),
    url: ({ ports }) => `redis://127.0.0.1:${ports[0]}`,
    async answers(url) {
      const { hostname, port } = new URL(url);
      const socket = connectTcp(Number(port), hostname);
      try {
        socket.setTimeout(2_000, () => socket.destroy(new Error("no answer")));
        socket.write("PING\r\n");
        const [reply] = (await once(socket, "data")) as [Buffer];
        if (!reply.toString().startsWith("+PONG")) throw new Error(reply.toString());
      } finally {
        socket.destroy();
      }
    },
  });
}

/** FerretDB: MongoDB's protocol on SQLite. Every query scans: use up to about 1,000 documents. */
export function startFerretdb(): Promise<RunningServer> {
  const file = installed("ferretdb");
  return startServer({
    name: "ferretdb",
    ports: 1,
    command: ({ dir, ports }) => ({ file, args: [`127.0.0.1:${ports[0]}`, dir] }),
    ...mongoProtocol,
  });
}

/**
 * mongo-java-server: MongoDB's protocol in memory, so a restart begins empty.
 * @param heap the most that it may hold, as `java -Xmx` has it, for a measurement: it compiles all
 *   that is often run then, which takes a while. Default 1g, compiled in a hurry
 */
export function startMongoJava(heap?: string): Promise<RunningServer> {
  const classes = installed("mongo-java");
  return startServer({
    name: "mongo-java",
    ports: 1,
    command: ({ ports }) => ({
      file: "java",
      args: [
        ...(heap === undefined
          ? ["-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Xmx1g"]
          : ["-XX:+UseSerialGC", `-Xmx${heap}`]),
        ...["-cp", [join(classes, "mongo-java.jar"), join(classes, "lib/*")].join(delimiter)],
        ...["Main", "127.0.0.1", String(ports[0])],
      ],
    }),
    ...mongoProtocol,
  });
}

/**
 * Prometheus, with a configuration's text and its rules beside it as `alerts.yml`. About a second.
 */
export function startPrometheus(configuration: string, alerts: string): Promise<RunningServer> {
  const file = installed("prometheus");
  return startServer({
    name: "prometheus",
    ports: 1,
    command({ dir, ports }) {
      writeFileSync(join(dir, "prometheus.yml"), configuration);
      copyFileSync(alerts, join(dir, "alerts.yml"));
      return {
        file,
        args: [
          `--config.file=${join(dir, "prometheus.yml")}`,
          `--storage.tsdb.path=${join(dir, "data")}`,
          `--web.listen-address=127.0.0.1:${ports[0]}`,
        ],
      };
    },
    url: ({ ports }) => `http://127.0.0.1:${ports[0]}`,
    async answers(url) {
      const response = await fetch(`${url}/-/ready`, { signal: AbortSignal.timeout(2_000) });
      if (!response.ok) throw new Error(await response.text());
    },
  });
}

const mongoProtocol: Pick<Recipe, "url" | "answers"> = {
  url: ({ ports }) => `mongodb://127.0.0.1:${ports[0]}/analytics`,
  async answers(url) {
    const client = new MongoClient(url, { serverSelectionTimeoutMS: 500, socketTimeoutMS: 2_000 });
    try {
      await client.db().command({ ping: 1 });
    } finally {
      await client.close();
    }
  },
};
