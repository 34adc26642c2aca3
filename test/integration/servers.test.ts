import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { Redis } from "ioredis";
import { MongoClient } from "mongodb";
import { eventually } from "../support/eventually.ts";
import { describeWith } from "../../tools/servers/installed.ts";
import {
  type RunningServer,
  startFerretdb,
  startMongoJava,
  startRabbitmq,
  startRedis,
} from "../../tools/servers/servers.ts";

const startMs = 200_000;

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

describeWith(["redis"], "Redis", () => {
  test(
    "keeps its data and its port over a kill and a restart, and is gone when stopped",
    async () => {
      const server = await startRedis();
      const ask = async <T>(question: (redis: Redis) => Promise<T>): Promise<T> => {
        const redis = new Redis(server.url, { maxRetriesPerRequest: 1 });
        try {
          return await question(redis);
        } finally {
          redis.disconnect();
        }
      };
      await ask((redis) => redis.set("key", "value"));
      const { url, pid } = server;
      await server.kill();
      expect(() => server.pid).toThrow("does not run");
      await server.restart();
      expect(server.url).toBe(url);
      expect(server.pid).not.toBe(pid);
      expect(await ask((redis) => redis.get("key"))).toBe("value");
      const last = server.pid;
      await server.stop();
      await server.stop();
      expect(isAlive(last)).toBe(false);
    },
    startMs,
  );

  test(
    "ends with the process that started it, though that one was killed",
    async () => {
      const servers = new URL("../../tools/servers/servers.ts", import.meta.url).href;
      const script = `
      const { startRedis } = await import(${JSON.stringify(servers)});
      console.log((await startRedis()).pid);
      await new Promise(() => setInterval(() => {}, 1000));`;
      const child = spawn(process.execPath, ["--input-type=module", "--eval", script], {
        stdio: ["ignore", "pipe", "inherit"],
      });
      const [line] = (await once(createInterface(child.stdout), "line")) as [string];
      const pid = Number(line);
      expect(isAlive(pid)).toBe(true);
      child.kill("SIGKILL");
      // A container's first process may be slow to bury it: a zombie has no command line any more.
      await eventually(async () => expect(await commandLine(pid)).toBe(""));
    },
    startMs,
  );
});

async function commandLine(pid: number): Promise<string> {
  const ps = spawn("ps", ["-o", "stat=,args=", "-p", String(pid)]);
  const lines: string[] = [];
  for await (const line of createInterface(ps.stdout)) lines.push(line);
  return lines.filter((line) => !line.startsWith("Z")).join();
}

describeWith(["rabbitmq"], "RabbitMQ", () => {
  test(
    "answers its control program, and two of them do not meet",
    async () => {
      const [one, other] = await Promise.all([startRabbitmq(), startRabbitmq()]);
      try {
        expect(one.url).not.toBe(other.url);
        await one.ctl("add_vhost", "only-here");
        await eventually(async () => expect(await one.ctl("list_vhosts")).toContain("only-here"));
        expect(await other.ctl("list_vhosts")).not.toContain("only-here");
      } finally {
        await Promise.all([one.stop(), other.stop()]);
      }
    },
    startMs,
  );
});

const mongoServers: readonly (readonly [
  "ferretdb" | "mongo-java",
  () => Promise<RunningServer>,
  boolean,
])[] = [
  ["ferretdb", startFerretdb, true],
  ["mongo-java", startMongoJava, false],
];

for (const [name, start, keeps] of mongoServers) {
  describeWith([name], name, () => {
    test(
      `speaks MongoDB's protocol and ${keeps ? "keeps" : "forgets"} its data at a restart`,
      async () => {
        const server = await start();
        const count = async (insert: boolean) => {
          const client = new MongoClient(server.url, { serverSelectionTimeoutMS: 5_000 });
          try {
            const things = client.db().collection<{ _id: string }>("things");
            if (insert) await things.insertOne({ _id: "a" });
            return await things.countDocuments();
          } finally {
            await client.close();
          }
        };
        try {
          expect(await count(true)).toBe(1);
          await server.kill();
          await server.restart();
          expect(await count(false)).toBe(keeps ? 1 : 0);
        } finally {
          await server.stop();
        }
      },
      startMs,
    );
  });
}
