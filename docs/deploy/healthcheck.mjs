// Exits with 0 where the process of this container is healthy, with 1 where it is not.
//
// Healthy is, first, to be ready: the whole pipeline works for a gateway, its own services for any other
// process. From then on it is to answer: a process that waits for the broker or the store is not helped by being
// taken for dead. What was ready once is remembered in memory (/dev/shm), under the start of the container's
// first process, so that a container which is started again must be ready again.
//
// The gateway answers on PORT, any other process on OPS_PORT. One without either is asked nothing.

import { existsSync, readFileSync, writeFileSync } from "node:fs";
import process from "node:process";

const { SERVICES = "", PORT = "4000", OPS_PORT = "0" } = process.env;
const names = SERVICES.split(",").map((name) => name.trim());
const port = Number(SERVICES.trim() === "" || names.includes("api-gateway") ? PORT : OPS_PORT);

/** Field 22 of proc(5)'s `stat`: when the first process started, in clock ticks since the machine did. */
function startedAt() {
  const stat = readFileSync("/proc/1/stat", "utf8");
  // The second field is a name in brackets, which may hold spaces.
  return stat.slice(stat.lastIndexOf(")") + 2).split(" ")[19];
}

async function answers(path) {
  const signal = globalThis.AbortSignal.timeout(4_000);
  const answer = await globalThis
    .fetch(`http://127.0.0.1:${port}${path}`, { signal })
    .catch(() => undefined);
  return answer?.ok === true;
}

async function isHealthy() {
  const wasReady = `/dev/shm/analytics-ready-${port}-${startedAt()}`;
  if (existsSync(wasReady)) return answers("/health/live");
  if (!(await answers("/health/ready"))) return false;
  writeFileSync(wasReady, "");
  return true;
}

if (port !== 0) process.exitCode = (await isHealthy()) ? 0 : 1;
