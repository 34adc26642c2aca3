import { mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { EmbeddedQueue } from "../../../lib/queue/embedded/embedded-queue.ts";

/**
 * How fast the embedded queue confirms messages, from one event loop that does nothing else: `node
 * tools/bench/micro/queue.ts [--seconds 3] [--size 1024] [--consume] [--dir /somewhere]`. "main" is
 * the CPU time of the event loop's thread for each message, the bench's own loop included.
 */
const { values } = parseArgs({
  options: {
    seconds: { type: "string", default: "3" },
    size: { type: "string", default: "1024" },
    publishers: { type: "string", default: "1,64,256" },
    consume: { type: "boolean", default: false },
    dir: { type: "string", default: tmpdir() },
  },
});
const runMs = Number(values.seconds) * 1_000;
const body = Buffer.alloc(Number(values.size), "x");

const folder = mkdtempSync(join(values.dir, "queue-bench-"));
try {
  for (const publishers of values.publishers.split(",").map(Number)) {
    await run(publishers, join(folder, `${publishers}.sqlite`));
  }
} finally {
  rmSync(folder, { recursive: true });
}

async function run(publishers: number, file: string): Promise<void> {
  const queue = await EmbeddedQueue.open({ file, maxBytes: 8 * 2 ** 30 });
  let consumed = 0;
  const handle = () => {
    consumed += 1;
    return Promise.resolve({ status: "done" } as const);
  };
  const consumer = values.consume ? await queue.consume(handle, { prefetch: 64 }) : null;
  await publishFor(queue, publishers, 300);
  const cpuBefore = process.threadCpuUsage();
  const startedAt = performance.now();
  const waitedMs = await publishFor(queue, publishers, runMs);
  const tookMs = performance.now() - startedAt;
  const cpu = process.threadCpuUsage(cpuBefore);
  const depth = await queue.depth();
  const { rss } = process.memoryUsage();
  await consumer?.stop();
  await queue.close();
  const at = (share: number) => waitedMs[Math.floor((waitedMs.length - 1) * share)] as number;
  console.log(
    [
      `${publishers} publishers`.padStart(15),
      `${Math.round((waitedMs.length / tookMs) * 1_000)} confirmed/s`.padStart(18),
      `p50 ${at(0.5).toFixed(2)} ms`,
      `p99 ${at(0.99).toFixed(2)} ms`,
      `main ${((cpu.user + cpu.system) / waitedMs.length).toFixed(2)} µs`,
      `rss ${Math.round(rss / 2 ** 20)} MB`,
      `file ${Math.round(statSync(file).size / 2 ** 20)} MB`,
      consumer ? `consumed ${consumed}, left ${depth.messages}` : "",
    ].join("  "),
  );
}

/** @returns how long each publish waited, in ms, ascending */
async function publishFor(queue: EmbeddedQueue, publishers: number, ms: number) {
  const until = performance.now() + ms;
  const waited: number[] = [];
  const publisher = async () => {
    for (let began = performance.now(); began < until; began = performance.now()) {
      await queue.publish({ body, receivedAt: Date.now() });
      waited.push(performance.now() - began);
    }
  };
  await Promise.all(Array.from({ length: publishers }, publisher));
  return Float64Array.from(waited).sort();
}
