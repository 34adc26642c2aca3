import { readFileSync } from "node:fs";
import { setTimeout as delay } from "node:timers/promises";
import { whenReady, type RunningService } from "../service-process.ts";
import { settled, type Bench, type Row } from "./bench.ts";
import { runLoad } from "./load.ts";
import { sampleEvent, sampleEvents } from "./sample-events.ts";
import { median } from "./statistics.ts";

/** From the process's start to the first 200 of `/health/ready`, on an empty data folder. */
export async function startup(bench: Bench): Promise<readonly Row[]> {
  const seconds: number[] = [];
  for (let start = 0; start < 5; start++) {
    const startedAt = performance.now();
    const service = await bench.spawn();
    await whenReady(service, { everyMs: 5 });
    seconds.push((performance.now() - startedAt) / 1_000);
    await bench.end(service);
  }
  return [
    {
      measure: "start to ready",
      value: median(seconds),
      unit: "s",
      goal: { most: 1.5 },
      detail: `median of ${seconds.map((each) => each.toFixed(2)).join(", ")}`,
    },
  ];
}

/**
 * Resident memory of the one process, with its worker threads: at rest, and the most it ever was.
 */
export async function memory(bench: Bench): Promise<readonly Row[]> {
  const service = await bench.service();
  await delay(5_000);
  const idle = residentMb(service, "VmRSS");

  const single = bench.file("one.json", JSON.stringify(sampleEvent()));
  const batch = bench.file("hundred.json", JSON.stringify({ events: sampleEvents(100) }));
  const seconds = bench.quick ? 4 : 15;
  const load = { contentType: "application/json", connections: 64, seconds };
  const events = `${service.url}/api/v1/events`;
  await runLoad(bench.generator, { ...load, url: events, bodyFile: single }, bench.scratch);
  await runLoad(
    bench.generator,
    { ...load, url: `${events}/batch`, bodyFile: batch },
    bench.scratch,
  );
  await settled(service);
  const peak = residentMb(service, "VmHWM");
  const after = residentMb(service, "VmRSS");
  await bench.end(service);
  return [
    {
      measure: "memory at rest",
      value: idle,
      unit: "MB",
      goal: { most: 150 },
      detail: "resident, 5 s after the start",
    },
    {
      measure: "memory at its peak",
      value: peak,
      unit: "MB",
      goal: { most: 350 },
      detail: `single events, then batches of 100, ${seconds} s each at 64 connections; ${Math.round(after)} MB afterwards`,
    },
  ];
}

/** A line of `/proc/PID/status` (Linux), which is in kibibytes, in mebibytes. */
export function residentMb({ pid }: RunningService, field: "VmRSS" | "VmHWM"): number {
  const status = readFileSync(`/proc/${pid}/status`, "utf8");
  const kib = new RegExp(`^${field}:\\s+(\\d+) kB$`, "m").exec(status)?.[1];
  if (kib === undefined) throw new Error(`the kernel does not tell ${field}`);
  return Number(kib) / 1_024;
}
