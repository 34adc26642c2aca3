import { execFileSync } from "node:child_process";

/** Heap limits of two threads, MiB: one started before the call, and one after it. */
const program = `
  import { once } from "node:events";
  import { Worker } from "node:worker_threads";
  import { limitYoungGenerations } from "./lib/runtime/thread-heaps.ts";
  const code = "require('worker_threads').parentPort.postMessage(require('v8').getHeapStatistics().heap_size_limit)";
  const resourceLimits = { maxOldGenerationSizeMb: 100, maxYoungGenerationSizeMb: 6 };
  const limits = [];
  for (const act of [() => undefined, limitYoungGenerations]) {
    act();
    const [bytes] = await once(new Worker(code, { eval: true, execArgv: [], resourceLimits }), "message");
    limits.push(bytes / 1_048_576);
  }
  console.log(JSON.stringify(limits));
`;

describe("limitYoungGenerations", () => {
  test("lets a thread's own limit go before the flag of the process", () => {
    const args = ["--max-semi-space-size=16", "--input-type=module", "--eval", program];
    const limits = JSON.parse(execFileSync(process.execPath, args, { encoding: "utf8" })) as [
      number,
      number,
    ];
    expect(limits[0]).toBeGreaterThanOrEqual(100 + 3 * 16);
    expect(limits[1]).toBeLessThan(100 + 16);
  });
});

/** The size of the young generation, MiB: while the program holds much that is new, and after. */
const growing = `
  import { getHeapSpaceStatistics } from "node:v8";
  import { returnStartHeap } from "./lib/runtime/thread-heaps.ts";
  const size = () => getHeapSpaceStatistics().find((one) => one.space_name === "new_space").space_size / 1_048_576;
  let held = [];
  for (let i = 0; i < 3_000_000; i += 1) {
    held.push({ i });
    if (held.length > 400_000) held = held.slice(200_000);
  }
  const sizes = [size()];
  held = [];
  await returnStartHeap(0).started();
  await new Promise((resolve) => setTimeout(resolve, 1));
  console.log(JSON.stringify([...sizes, size()]));
`;

test("once the start is over the young generation that it took is given back", () => {
  const args = ["--max-semi-space-size=16", "--input-type=module", "--eval", growing];
  const [grown, shrunk] = JSON.parse(
    execFileSync(process.execPath, args, { encoding: "utf8" }),
  ) as [number, number];
  expect(grown).toBeGreaterThan(8);
  expect(shrunk).toBeLessThan(4);
});
