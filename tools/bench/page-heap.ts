import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { chromium } from "playwright-core";
import { analyticsClient } from "../analytics-client.ts";
import { freePort } from "../servers/free-ports.ts";
import { installed } from "../servers/installed.ts";
import { startService, whenReady } from "../service-process.ts";
import { sampleEvents } from "./sample-events.ts";

/*
 * What the view Now holds while 100 events a second come: `node tools/bench/page-heap.ts [minutes]`,
 * ten where it is not said. Each half minute the browser's heap after a collection, its nodes and its
 * listeners; at the end how much they grew since the first of them.
 */
const minutes = Number(process.argv[2] ?? 10);
const everyMs = 30_000;
const eventsPerSecond = 100;

interface Held {
  readonly heapMb: number;
  readonly nodes: number;
  readonly listeners: number;
}

const dataDir = mkdtempSync(join(tmpdir(), "maily-analytics-heap-"));
const logFile = join(dataDir, "log");
const service = startService({
  port: await freePort(),
  dataDir,
  logFile,
  env: { LOG_LEVEL: "warn" },
});
const browser = await chromium.launch({
  executablePath: installed("chromium"),
  args: ["--no-sandbox"],
});
try {
  await whenReady(service);
  const client = analyticsClient(service.url);
  const page = await browser.newPage();
  const session = await page.context().newCDPSession(page);
  await session.send("Performance.enable");
  await page.goto(service.url);
  const events = sampleEvents(eventsPerSecond);
  const held: Held[] = [];
  const startedAt = performance.now();
  for (let second = 1; second <= minutes * 60; second++) {
    await client.post(events);
    await delay(Math.max(0, startedAt + second * 1_000 - performance.now()));
    if (second % (everyMs / 1_000) !== 0) continue;
    await session.send("HeapProfiler.collectGarbage");
    const { metrics } = await session.send("Performance.getMetrics");
    const value = (name: string) => metrics.find((metric) => metric.name === name)?.value ?? NaN;
    const now = {
      heapMb: value("JSHeapUsedSize") / 1_048_576,
      nodes: value("Nodes"),
      listeners: value("JSEventListeners"),
    };
    held.push(now);
    console.log(
      `${second} s: ${now.heapMb.toFixed(2)} MB, ${now.nodes} nodes, ${now.listeners} listeners`,
    );
  }
  const [first, last] = [held[0], held.at(-1)];
  if (first !== undefined && last !== undefined) {
    console.log(
      `grown by ${(last.heapMb - first.heapMb).toFixed(2)} MB, ${last.nodes - first.nodes} nodes`,
    );
  }
} finally {
  await browser.close();
  await service.stop();
  rmSync(dataDir, { recursive: true, force: true });
}
