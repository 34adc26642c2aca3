import { setTimeout as sleep } from "node:timers/promises";
import {
  type RunningServer,
  startFerretdb,
  startMongoJava,
  startRabbitmq,
  startRedis,
} from "./servers.ts";

/**
 * `npm run servers`: real servers for a developer, each on a free port of 127.0.0.1, until Ctrl-C.
 * Prints the variables that point the service at them. `MONGO=mongo-java` takes that server instead
 * of FerretDB.
 */
const ending = Promise.withResolvers<void>();
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, ending.resolve);

const started: RunningServer[] = [];
async function start(variable: string, launch: () => Promise<RunningServer>): Promise<string> {
  const server = await launch();
  started.push(server);
  return `${variable}=${server.url}`;
}

const mongo = process.env["MONGO"] === "mongo-java" ? startMongoJava : startFerretdb;
try {
  const lines = await Promise.all([
    start("RABBITMQ_URL", startRabbitmq),
    start("REDIS_URL", startRedis),
    start("MONGODB_URI", mongo),
  ]);
  console.log(lines.join("\n"));
  const keepAlive = setInterval(() => {}, 60_000);
  await ending.promise;
  clearInterval(keepAlive);
} catch (error) {
  console.error((error as Error).message);
  process.exitCode = 1;
} finally {
  await Promise.race([Promise.all(started.map((server) => server.stop())), sleep(15_000)]);
  process.exit();
}
