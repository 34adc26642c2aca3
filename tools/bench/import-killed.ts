import { spawn } from "node:child_process";
import { once } from "node:events";
import { createWriteStream, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { analyticsClient } from "../analytics-client.ts";
import { freePort } from "../servers/free-ports.ts";
import { startService, whenReady } from "../service-process.ts";
import { settled } from "./bench.ts";
import { sampleEvents } from "./sample-events.ts";

/*
 * A large file is imported by a command that is killed twice and started again: `node
 * tools/bench/import-killed.ts [lines]`, a million where it is not said. Prints where each run ended,
 * the most memory that the command held, and how many events are counted: as many as lines.
 */
const lines = Number(process.argv[2] ?? 1_000_000);
const command = join(import.meta.dirname, "../../client/cli/main.ts");
const scratch = mkdtempSync(join(tmpdir(), "maily-analytics-import-"));
const file = join(scratch, "lines.ndjson");
const logFile = join(scratch, "log");
const service = startService({
  port: await freePort(),
  dataDir: join(scratch, "data"),
  logFile,
  env: { LOG_LEVEL: "warn" },
});
try {
  await whenReady(service);
  await writeLines();
  const client = analyticsClient(service.url);
  for (const share of [1 / 3, 2 / 3]) {
    await run(async () => (await acceptedEvents()) >= lines * share);
  }
  await run(() => Promise.resolve(false));
  await settled(service);
  const { total } = await client.counts({});
  console.log(`${total} events of ${lines} lines are counted`);
  if (total !== lines) process.exitCode = 1;
} finally {
  await service.stop();
  rmSync(scratch, { recursive: true, force: true });
}

/** Counting follows later, so it does not say how far the command is. */
async function acceptedEvents(): Promise<number> {
  const text = await (await fetch(`${service.url}/metrics`)).text();
  return Number(/^analytics_events_total\{outcome="accepted"\} (\d+)/m.exec(text)?.[1] ?? 0);
}

async function writeLines(): Promise<void> {
  const events = sampleEvents(1_000).map((event) => JSON.stringify(event));
  const out = createWriteStream(file);
  for (let written = 0; written < lines; written += events.length) {
    const piece = `${events.slice(0, lines - written).join("\n")}\n`;
    if (!out.write(piece)) await once(out, "drain");
  }
  out.end();
  await once(out, "close");
}

/** Runs the command until it ends, or is to be killed. */
async function run(isEnough: () => Promise<boolean>): Promise<void> {
  const startedAt = performance.now();
  const child = spawn(process.execPath, [command, "import", file, "--url", service.url, "--json"], {
    stdio: ["ignore", "pipe", "ignore"],
  });
  let output = "";
  child.stdout.on("data", (chunk: Buffer) => (output += chunk.toString()));
  const ended = once(child, "close");
  let mostMb = 0;
  while (child.exitCode === null && child.signalCode === null) {
    mostMb = Math.max(mostMb, mostMemoryMb(child.pid!));
    if (await isEnough()) child.kill("SIGKILL");
    await Promise.race([ended, delay(100)]);
  }
  await ended;
  const seconds = (performance.now() - startedAt) / 1_000;
  const how = child.signalCode === null ? "ended" : "killed";
  console.log(
    `${how} after ${seconds.toFixed(0)} s, at most ${mostMb.toFixed(0)} MB ${output.trim()}`,
  );
}

/** Of a process that has ended none is known any more. */
function mostMemoryMb(pid: number): number {
  try {
    const status = readFileSync(`/proc/${pid}/status`, "utf8");
    return Number(/^VmHWM:\s+(\d+)/m.exec(status)?.[1] ?? 0) / 1_024;
  } catch {
    return 0;
  }
}
