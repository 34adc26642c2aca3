import { execFile } from "node:child_process";
import { randomUUID } from "node:crypto";
import { join } from "node:path";
import { promisify } from "node:util";
import { ServiceBroker } from "moleculer";
import { answersToBadQuestions, refusedAll } from "../bad-questions.ts";
import { ClusterTransporter } from "../../lib/cluster/amqp-transporter.ts";
import {
  Cluster,
  metricOf,
  sharedVariables,
  startServers,
  stopServers,
  type Servers,
} from "../support/cluster.ts";
import { countsOf, expectExact, postShuffled } from "../e2e/shop-run.ts";
import { SseClient } from "../e2e/sse-client.ts";
import { eventually } from "../support/eventually.ts";
import { SpanCollector } from "../support/span-collector.ts";
import { describeWith } from "../../tools/servers/installed.ts";
import { ServiceProcess } from "../service-process.ts";
import { chance, readShopLog } from "../support/shop-log.ts";

const stored = (processor: ServiceProcess) =>
  metricOf(processor, 'analytics_events_total{outcome="stored"}');
const longMs = 240_000;
const waitMs = 60_000;

/** A frame of `/live`. */
interface SecondOfLive {
  readonly events: { readonly types: readonly { readonly type: string; readonly count: number }[] };
  readonly stages: readonly { readonly name: string; readonly state: string }[];
}

const example = join(import.meta.dirname, "../../docs/example-node.ts");

describeWith(["rabbitmq", "redis", "mongo-java"], "a cluster of six processes", () => {
  let servers: Servers;
  let cluster: Cluster;
  let collector: SpanCollector;
  beforeAll(async () => {
    collector = await SpanCollector.listen();
    servers = await startServers();
    cluster = await Cluster.start(servers, { OTEL_EXPORTER_OTLP_ENDPOINT: collector.url });
    await cluster.ready();
  }, longMs);
  afterAll(async () => {
    await cluster?.dispose();
    await collector?.close();
    if (servers !== undefined) await stopServers(servers);
  }, longMs);

  const total = async (query: Record<string, string>) =>
    (await countsOf(cluster.gateway, query)).total;

  test(
    "the example node collects, counts and tracks without HTTP",
    async () => {
      const { stdout } = await promisify(execFile)(process.execPath, [example], {
        env: { ...process.env, ...sharedVariables(servers) },
      });
      const { receipt, counts } = JSON.parse(stdout) as {
        receipt: { accepted: number; outcomes: Record<string, string> };
        counts: { total: number; meta: { exact: boolean; asOf: string } };
      };
      expect(receipt.accepted).toBe(1);
      expect(Object.values(receipt.outcomes)).toEqual(["stored"]);
      expect(counts).toMatchObject({ total: 1, meta: { exact: true } });
      await eventually(async () => expect(await total({ type: "cart.viewed" })).toBe(1));
      expect(await total({ type: "order.placed" })).toBe(1);
    },
    longMs,
  );

  test(
    "an event's way over gateway, ingest, queue and processor is one tree of a trace",
    async () => {
      const traceId = "4bf92f3577b34da6a3ce929d0e0e4736";
      const response = await fetch(`${cluster.gateway.url}/api/v1/events`, {
        method: "POST",
        headers: {
          "Content-Type": "application/json",
          traceparent: `00-${traceId}-00f067aa0ba902b7-01`,
        },
        body: JSON.stringify({ type: "traced.event", source: "test" }),
      });
      expect(response.status).toBe(202);
      await eventually(
        () =>
          expect(collector.tree(traceId)).toMatchObject({
            "POST collect": undefined,
            "ingest.collect": "POST collect",
            "publish batch": "ingest.collect",
            "process batch": "publish batch",
            enrich: "process batch",
            store: "process batch",
            "store keepWhole": "store",
            counted: "process batch",
          }),
        waitMs,
      );
    },
    longMs,
  );

  test(
    "what is sent to one gateway is streamed and counted at another, and a stream goes on at either",
    async () => {
      const variables = { ...sharedVariables(servers), LOG_LEVEL: "info", SERVICES: "api-gateway" };
      const other = await ServiceProcess.create(variables);
      const clients: SseClient[] = [];
      const open = async (at: ServiceProcess, path: string, lastId?: string) => {
        const headers = lastId === undefined ? undefined : { "Last-Event-ID": lastId };
        const client = await SseClient.open(`${at.url}/api/v1${path}`, headers);
        clients.push(client);
        return client;
      };
      const send = async (at: ServiceProcess, ids: readonly string[], type = "streamed") => {
        const response = await fetch(`${at.url}/api/v1/events/batch`, {
          method: "POST",
          headers: { "Content-Type": "application/json" },
          body: JSON.stringify(ids.map((id) => ({ id, type, source: "test" }))),
        });
        expect(response.status).toBe(202);
      };
      const idsOf = ({ events }: SseClient) => events.map(({ id }) => id).toSorted();
      const counted = ({ events }: SseClient, wanted = "streamed"): number =>
        (events as unknown as readonly SecondOfLive[])
          .flatMap(({ events: { types } }) => types)
          .reduce((sum, { type, count }) => sum + (type === wanted ? count : 0), 0);
      try {
        await other.start();
        const stream = await eventually(() => open(other, "/events/stream?type=streamed"), waitMs);
        const lives = await Promise.all([open(cluster.gateway, "/live"), open(other, "/live")]);
        // What was stored before a gateway first looked is in none of its seconds.
        await eventually(async () => {
          await send(cluster.gateway, [randomUUID()], "looked");
          for (const live of lives) expect(counted(live, "looked")).toBeGreaterThan(0);
        }, waitMs);
        await send(cluster.gateway, ["s1", "s2"]);
        await send(other, ["s3"]);
        await eventually(() => expect(idsOf(stream)).toEqual(["s1", "s2", "s3"]), waitMs);
        stream.leave();
        await stream.ended;

        await send(cluster.gateway, ["s4", "s5"]);
        const again = await open(cluster.gateway, "/events/stream?type=streamed", stream.lastId);
        await send(other, ["s6"]);
        await eventually(() => expect(idsOf(again)).toEqual(["s4", "s5", "s6"]), waitMs);
        expect(again.named("missed")).toEqual([]);
        for (const live of lives) {
          await eventually(() => {
            expect(counted(live)).toBe(6);
            const { stages } = live.events.at(-1) as unknown as SecondOfLive;
            expect(stages.map(({ name, state }) => [name, state])).toEqual(
              ["gateway", "ingest", "processor", "aggregator", "query"].map((name) => [name, "ok"]),
            );
          }, waitMs);
        }
      } finally {
        clients.forEach((client) => client.leave());
        await other.dispose();
      }
    },
    longMs,
  );

  test("bad questions are refused as in one process", async () => {
    expect(await answersToBadQuestions(cluster.gateway.url)).toEqual(refusedAll);
  });

  test("no node can open the gateway, or ask another one for its options", async () => {
    const node = new ServiceBroker({
      namespace: "analytics",
      transporter: new ClusterTransporter(servers.rabbitmq.url),
      logger: false,
      // Else it would answer for itself.
      internalServices: false,
      skipProcessEventRegistration: true,
    });
    await node.start();
    try {
      await node.waitForServices(["api-gateway", "ingest", "query"]);
      for (const action of [
        "api-gateway.addRoute",
        "api-gateway.removeRoute",
        "api-gateway.listAliases",
        "api-gateway.rest",
        "query.answered",
        "$node.options",
      ]) {
        await expect(node.call(action, {})).rejects.toMatchObject({ type: "SERVICE_NOT_FOUND" });
      }
      const refused = { type: "VALIDATION", code: 400 };
      await expect(node.call("query.outcome", { id: 7 })).rejects.toMatchObject(refused);
      const event = { type: "a", source: "b" };
      await expect(
        node.call(
          "ingest.collect",
          { events: [event] },
          { meta: { project: "no project" } as object },
        ),
      ).rejects.toMatchObject(refused);
    } finally {
      await node.stop();
    }
  });

  test(
    "a fifth sent twice, a processor killed, RabbitMQ restarted: every count is exact, and both processors worked",
    async () => {
      const random = chance(4);
      const events = readShopLog().slice(0, 2_000);
      const [killed, other] = cluster.of("processor") as [ServiceProcess, ServiceProcess];
      await postShuffled(cluster.gateway, events, {
        random,
        batchSize: 10,
        async meanwhile(reached) {
          await reached(0.2);
          for (const processor of [killed, other]) {
            await eventually(async () => expect(await stored(processor)).toBeGreaterThan(0));
          }
          await reached(0.3);
          await killed.kill();
          const started = killed.start();
          await reached(0.4);
          await servers.rabbitmq.restart();
          await started;
        },
      });
      const range = { from: "2023-12-30T00:00:00Z", to: "2024-07-05T00:00:00Z" };
      await eventually(async () => expect(await total(range)).toBe(events.length), 2 * waitMs);
      await cluster.ready();
      await expectExact(cluster.gateway, events, random, 10, range);
    },
    longMs,
  );

  test(
    "the answer's asOf reaches up to now once nothing waits",
    async () => {
      const before = Date.now();
      await eventually(async () => {
        const { meta } = await countsOf(cluster.gateway, {});
        expect(Date.parse(meta.asOf)).toBeGreaterThanOrEqual(before);
      }, 2 * waitMs);
    },
    longMs,
  );
});
