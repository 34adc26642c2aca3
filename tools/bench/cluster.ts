import { readFileSync } from "node:fs";
import { setTimeout as delay } from "node:timers/promises";
import { ServiceBroker } from "moleculer";
import { ClusterTransporter } from "../../lib/cluster/amqp-transporter.ts";
import {
  sharedVariables,
  startServers,
  stopServers,
  type Servers,
} from "../../test/support/cluster.ts";
import { whenReady, type RunningService } from "../service-process.ts";
import type { Bench, Row } from "./bench.ts";
import { runLoad } from "./load.ts";
import { sampleEvent, sampleEvents } from "./sample-events.ts";
import { interleaved, median } from "./statistics.ts";

const connections = 64;
const batchEvents = 100;

/** Of the kernel's clock for CPU times on Linux. */
const ticksPerSecond = 100;

/**
 * One process for each service on RabbitMQ, Redis and mongo-java-server of its own: the servers of
 * the tests, which have to be installed (`tools/servers/install.sh`).
 */
export async function cluster(bench: Bench): Promise<readonly Row[]> {
  const servers = await startServers();
  bench.atEnd(() => stopServers(servers));
  const start = (SERVICES: string) => bench.spawn({ ...sharedVariables(servers), SERVICES });

  const [gateway, ingest] = await Promise.all([start("api-gateway"), start("ingest")]);
  await whenReady(ingest);
  const collecting = await besideOthers(bench, gateway, servers);

  const rest = await Promise.all(["processor", "aggregator", "query"].map(start));
  await Promise.all(rest.map((service) => whenReady(service)));
  await whenReady(gateway);
  const processors = [rest[0]!];
  await drained(processors);
  const alone = await processing(bench, gateway, processors);
  const second = await start("processor");
  await whenReady(second);
  processors.push(second);
  const together = await processing(bench, gateway, processors);
  return [
    ...collecting,
    { measure: "processing, one process", ...alone },
    { measure: "processing, two processes", ...together },
    await remoteCounts(bench, servers),
  ];
}

/** Only gateway and ingest run: collected batches stay on the queue meanwhile. */
async function besideOthers(
  bench: Bench,
  gateway: RunningService,
  servers: Servers,
): Promise<readonly Row[]> {
  const bodyFile = bench.file("single.json", JSON.stringify(sampleEvent()));
  const ours = `${gateway.url}/api/v1/events`;
  const [bare, confirming] = await Promise.all([
    bench.bareServer(),
    bench.forked("confirm-server.ts", [servers.rabbitmq.url]),
  ]);
  const request = { bodyFile, contentType: "application/json", connections };
  const post = (url: string, seconds: number) => () =>
    runLoad(bench.generator, { ...request, url, seconds }, bench.scratch);
  await accepted(ours, readFileSync(bodyFile, "utf8"));
  for (const url of [ours, bare.url, confirming.url]) await post(url, 2)();

  const [rounds, seconds] = bench.quick ? [3, 2] : [5, 4];
  const sides = await interleaved(rounds, [
    post(ours, seconds),
    post(bare.url, seconds),
    post(confirming.url, seconds),
  ]);
  const failed = sides.flat().reduce((sum, load) => sum + load.failed, 0);
  if (failed > 0) throw new Error(`${failed} requests failed`);
  const [one, other, third] = sides.map((side) =>
    median(side.map(({ perSecond }) => perSecond)),
  ) as [number, number, number];
  const detail = (to: number) =>
    `${Math.round(one)} to ${Math.round(to)} events/s, medians of ${rounds}, gateway and ingest over AMQP`;
  return [
    {
      measure: "cluster, single durable POST",
      value: one / other,
      unit: "of bare",
      goal: { least: 0.3 },
      detail: `${detail(other)}, bare node:http`,
    },
    {
      measure: "cluster, to a confirm for each event",
      value: one / third,
      unit: "times",
      goal: { least: 1.2 },
      detail: `${detail(third)}, a node:http server that publishes each event`,
    },
  ];
}

/** Waits until the gateway has found ingest. */
async function accepted(url: string, body: string): Promise<void> {
  const headers = { "Content-Type": "application/json" };
  for (let attempt = 1; ; attempt++) {
    const status = await fetch(url, { method: "POST", headers, body }).then(
      async (response) => {
        await response.arrayBuffer();
        return response.status;
      },
      () => 0,
    );
    if (status === 202) return;
    if (attempt === 600) throw new Error(`${url} answers ${status}`);
    await delay(100);
  }
}

/**
 * Posts batches, then waits until all are processed: how much CPU the processors took for an event.
 */
async function processing(
  bench: Bench,
  gateway: RunningService,
  processors: readonly RunningService[],
): Promise<Omit<Row, "measure">> {
  const requests = bench.quick ? 50 : 300;
  const headers = { "Content-Type": "application/json" };
  const body = JSON.stringify({ events: sampleEvents(batchEvents) });
  const cpuBefore = cpuSeconds(processors);
  const startedAt = performance.now();
  let left = requests;
  const poster = async () => {
    while (left-- > 0) {
      const url = `${gateway.url}/api/v1/events/batch`;
      const response = await fetch(url, { method: "POST", headers, body });
      await response.arrayBuffer();
      if (response.status !== 202) throw new Error(`a batch was answered ${response.status}`);
    }
  };
  await Promise.all([poster(), poster(), poster(), poster()]);
  await drained(processors);
  const seconds = (performance.now() - startedAt) / 1_000;
  const events = requests * batchEvents;
  return {
    value: ((cpuSeconds(processors) - cpuBefore) / events) * 1e6,
    unit: "µs CPU/event",
    detail: `${events} events in batches of ${batchEvents}, collected and stored at ${Math.round(events / seconds)} a second`,
  };
}

/** Waits at most ten minutes. A processor does not count what others hold, so all are asked. */
async function drained(processors: readonly RunningService[]): Promise<void> {
  for (let empty = 0, attempt = 0; empty < 2; attempt++) {
    if (attempt === 3_000) throw new Error("the processors do not come to rest");
    const waiting = await Promise.all(processors.map(waitingOf));
    empty = waiting.every((messages) => messages === 0) ? empty + 1 : 0;
    await delay(200);
  }
}

async function waitingOf({ url }: RunningService): Promise<number> {
  const text = await (await fetch(`${url}/metrics`)).text();
  return Number(/^analytics_queue_messages(?:\{.*\})? (\S+)$/m.exec(text)?.[1] ?? NaN);
}

/** User and system time of all threads, from `/proc` (Linux). */
function cpuSeconds(processes: readonly RunningService[]): number {
  return processes.reduce((sum, { pid }) => {
    // Behind the name in brackets, which may hold blanks; utime and stime are the fields 14 and 15.
    const fields = readFileSync(`/proc/${pid}/stat`, "utf8")
      .replace(/^.*\) /, "")
      .split(" ");
    return sum + (Number(fields[11]) + Number(fields[12])) / ticksPerSecond;
  }, 0);
}

/** Another node of the cluster asks, one question after the other. */
async function remoteCounts(bench: Bench, { rabbitmq }: Servers): Promise<Row> {
  const broker = new ServiceBroker({
    namespace: "analytics",
    nodeID: `bench-${process.pid}`,
    transporter: new ClusterTransporter(rabbitmq.url),
    logger: false,
  });
  const calls: number[] = [];
  try {
    await broker.start();
    await broker.waitForServices(["query"]);
    const rounds = bench.quick ? 100 : 400;
    for (let call = 0; call < rounds + 50; call++) {
      const startedAt = performance.now();
      await broker.call("query.counts", { type: "email.opened" });
      if (call >= 50) calls.push(performance.now() - startedAt);
    }
  } finally {
    await broker.stop();
  }
  return {
    measure: "remote query.counts, median",
    value: median(calls),
    unit: "ms",
    goal: { most: 3 },
    detail: `${calls.length} calls over AMQP, one after the other`,
  };
}
