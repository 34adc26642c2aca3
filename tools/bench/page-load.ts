import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { chromium } from "playwright-core";
import { analyticsClient } from "../analytics-client.ts";
import { backfill } from "../demo/backfill.ts";
import { mailEvents } from "../demo/mail-events.ts";
import { freePort } from "../servers/free-ports.ts";
import { installed } from "../servers/installed.ts";
import { startService, whenReady } from "../service-process.ts";
import { median } from "./statistics.ts";

/*
 * What the first load of views costs a browser that has nothing of the page yet, beside a page of one
 * line in the same rounds: `node tools/bench/page-load.ts [rounds] [path]...`, nine rounds of `/` and
 * `/trends` where it is not said. CPU of the main thread until everything that was asked for has
 * been there for half a second in which the thread had next to nothing to do, of it scripts, style
 * and layout; requests, and their bytes as sent.
 */
const [roundsText = "9", ...paths] = process.argv.slice(2);
const rounds = Number(roundsText);
const views = paths.length > 0 ? paths : ["/", "/trends"];
const mails = 1_500;
const dayMs = 86_400_000;
/** A main thread that works less than this in half a second is at rest: live numbers take 2 ms. */
const restMs = 10;

interface Load {
  readonly cpuMs: number;
  readonly scriptMs: number;
  readonly styleMs: number;
  readonly layoutMs: number;
  readonly requests: number;
  readonly kilobytes: number;
}

const dataDir = mkdtempSync(join(tmpdir(), "maily-analytics-load-"));
const logFile = join(dataDir, "log");
const env = { LOG_LEVEL: "warn" };
const service = startService({ port: await freePort(), dataDir, logFile, env });
const bare = createServer((_request, response) => {
  response.setHeader("Content-Type", "text/html").end("<!doctype html><title>One</title>One line");
}).listen(0, "127.0.0.1");
await once(bare, "listening");
const bareUrl = `http://127.0.0.1:${(bare.address() as AddressInfo).port}/`;
const executablePath = installed("chromium");
const browser = await chromium.launch({ executablePath, args: ["--no-sandbox"] });
try {
  await whenReady(service);
  const to = Date.now();
  const events = mailEvents({ seed: 7, mails, from: to - 14 * dayMs, to });
  await backfill(analyticsClient(service.url), events);
  const addresses = [bareUrl, ...views.map((path) => service.url + path)];
  for (const address of addresses) await load(address);
  const found = new Map<string, Load[]>(addresses.map((address) => [address, []]));
  for (let round = 0; round < rounds; round++) {
    for (const address of addresses) found.get(address)!.push(await load(address));
  }
  for (const [address, loads] of found) {
    const middle = (part: keyof Load) => median(loads.map((one) => one[part]));
    console.log(
      `${address === bareUrl ? "one line" : new URL(address).pathname}: ${middle("cpuMs").toFixed(0)} ms of CPU ` +
        `(${Math.min(...loads.map(({ cpuMs }) => cpuMs)).toFixed(0)} at least; scripts ${middle("scriptMs").toFixed(0)}, ` +
        `style ${middle("styleMs").toFixed(0)}, layout ${middle("layoutMs").toFixed(0)}), ` +
        `${middle("requests")} requests, ${middle("kilobytes").toFixed(1)} KB`,
    );
  }
} finally {
  await browser.close();
  bare.close();
  await service.stop();
  rmSync(dataDir, { recursive: true, force: true });
}

/** Without a harness in the page: it would be counted. */
async function load(address: string): Promise<Load> {
  const context = await browser.newContext({ viewport: { width: 1440, height: 900 } });
  const page = await context.newPage();
  const session = await context.newCDPSession(page);
  let requests = 0;
  let bytes = 0;
  await session.send("Network.enable");
  const open = new Set<string>();
  let changedAt = performance.now();
  const ended = (id: string) => {
    if (open.delete(id)) changedAt = performance.now();
  };
  session.on("Network.requestWillBeSent", ({ requestId }) => {
    requests += 1;
    open.add(requestId);
    changedAt = performance.now();
  });
  // A stream goes on.
  session.on("Network.responseReceived", ({ requestId, response }) => {
    if (response.mimeType === "text/event-stream") ended(requestId);
  });
  session.on("Network.loadingFailed", ({ requestId }) => ended(requestId));
  session.on("Network.loadingFinished", ({ requestId, encodedDataLength }) => {
    bytes += encodedDataLength;
    ended(requestId);
  });
  await session.send("Performance.enable", { timeDomain: "threadTicks" });
  const spent = async () => {
    const { metrics } = await session.send("Performance.getMetrics");
    return (name: string) =>
      1_000 * (metrics.find((metric) => metric.name === name)?.value ?? Number.NaN);
  };
  const before = await spent();
  await session.send("Page.navigate", { url: address });
  let after = await spent();
  for (;;) {
    while (open.size > 0 || requests === 0 || performance.now() - changedAt < 500) await delay(20);
    // On a loaded machine a thread that has work may ask for nothing for as long.
    const then = after("TaskDuration");
    after = await spent();
    if (after("TaskDuration") - then < restMs) break;
    await delay(500);
  }
  await context.close();
  const used = (name: string) => after(name) - before(name);
  return {
    cpuMs: used("TaskDuration"),
    scriptMs: used("ScriptDuration"),
    styleMs: used("RecalcStyleDuration"),
    layoutMs: used("LayoutDuration"),
    requests,
    kilobytes: bytes / 1_024,
  };
}
