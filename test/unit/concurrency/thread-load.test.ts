import { readFileSync } from "node:fs";
import { getPriority } from "node:os";
import { Worker } from "node:worker_threads";

const module = new URL("../../../lib/concurrency/thread-load.ts", import.meta.url).href;

/** A thread that lowers its priority, says so, and lives on. */
const code = `
  const { readlinkSync } = require("node:fs");
  const { parentPort } = require("node:worker_threads");
  import(${JSON.stringify(module)}).then(({ lowerThreadPriority }) => {
    lowerThreadPriority();
    lowerThreadPriority();
    parentPort.postMessage(readlinkSync("/proc/thread-self"));
    parentPort.once("message", () => {});
  });
`;

/** Field 19 of proc(5)'s stat: the name before it may hold spaces, so count from the parenthesis. */
function nicenessOf(task: string): number {
  const stat = readFileSync(`/proc/${task}/stat`, "utf8");
  return Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[16]);
}

// Only Linux has priorities of single threads.
const onLinux = process.platform === "linux" ? test : test.skip;

onLinux("lowers the priority of its own thread and of no other", async () => {
  const before = getPriority(process.pid);
  const worker = new Worker(code, { eval: true });
  try {
    const task = await new Promise<string>((resolve, reject) => {
      worker.once("message", resolve);
      worker.once("error", reject);
    });
    expect(nicenessOf(task)).toBe(Math.max(4, before));
    expect(nicenessOf(`${process.pid}/task/${process.pid}`)).toBe(before);
  } finally {
    await worker.terminate();
  }
});
