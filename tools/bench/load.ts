import { execFile, fork, spawnSync } from "node:child_process";
import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";

/**
 * One body, posted over and over by some connections, each waiting for its answer before it goes
 * on.
 */
export interface LoadRequest {
  readonly url: string;
  readonly bodyFile: string;
  readonly contentType: string;
  readonly connections: number;
  readonly seconds: number;
}

/** The result of a load. */
export interface Load {
  /** Requests answered 2xx, a second. */
  readonly perSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** Requests answered otherwise or not at all. */
  readonly failed: number;
}

export type Generator = "wrk" | "autocannon";

/**
 * wrk where it is installed (Debian's package `wrk`), else autocannon. With few cores the generator
 * takes from what it measures, and autocannon, a Node process itself, takes several times as much.
 */
export function installedGenerator(): Generator {
  return spawnSync("wrk", ["-v"]).error === undefined ? "wrk" : "autocannon";
}

/** Run one load in a process of its own. `scratch` is a folder for what it needs on disk. */
export function runLoad(
  generator: Generator,
  request: LoadRequest,
  scratch: string,
): Promise<Load> {
  return generator === "wrk" ? withWrk(request, scratch) : withAutocannon(request);
}

async function withAutocannon(request: LoadRequest): Promise<Load> {
  const child = fork(new URL("autocannon-load.ts", import.meta.url));
  child.send(request);
  const [load] = (await Promise.race([
    once(child, "message"),
    once(child, "exit").then(() => Promise.reject(new Error("the load generator has ended"))),
  ])) as [Load];
  return load;
}

async function withWrk(request: LoadRequest, scratch: string): Promise<Load> {
  const { url, bodyFile, contentType, connections, seconds } = request;
  const script = join(scratch, "wrk.lua");
  writeFileSync(
    script,
    `local file = io.open(${JSON.stringify(bodyFile)}, "rb")
wrk.body = file:read("*a")
file:close()
wrk.method = "POST"
wrk.headers["Content-Type"] = ${JSON.stringify(contentType)}
function done(summary, latency)
  local e = summary.errors
  print(string.format("RESULT %d %d %d %d %d", summary.requests, summary.duration,
    latency:percentile(50), latency:percentile(99), e.status + e.connect + e.read + e.write + e.timeout))
end
`,
  );
  const args = ["-t", "1", "-c", String(connections), "-d", `${seconds}s`, "-s", script, url];
  const { stdout } = await promisify(execFile)("wrk", args);
  const numbers = /^RESULT (.+)$/m.exec(stdout)?.[1]?.split(" ").map(Number);
  if (numbers === undefined) throw new Error(`wrk said nothing that can be read: ${stdout}`);
  const [requests, durationUs, p50Us, p99Us, failed] = numbers as [
    ...[number, number],
    ...[number, number, number],
  ];
  return {
    perSecond: (requests - failed) / (durationUs / 1_000_000),
    p50Ms: p50Us / 1_000,
    p99Ms: p99Us / 1_000,
    failed,
  };
}
