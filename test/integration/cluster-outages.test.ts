import { once } from "node:events";
import { RabbitQueue } from "../../lib/queue/rabbitmq/rabbitmq-queue.ts";
import { sharedVariables, startServers, stopServers, type Servers } from "../support/cluster.ts";
import { countsOf } from "../e2e/shop-run.ts";
import { eventually } from "../support/eventually.ts";
import { layCable } from "../../tools/servers/cable.ts";
import { describeWith } from "../../tools/servers/installed.ts";
import { ServiceProcess, type Variables } from "../service-process.ts";

const longMs = 120_000;
const linesWith = (service: ServiceProcess, text: string) =>
  service.output.split("\n").filter((line) => line.includes(text)).length;

async function running<T>(
  variables: Variables,
  work: (service: ServiceProcess) => Promise<T>,
): Promise<T> {
  const service = await ServiceProcess.create(variables);
  try {
    return await work(service);
  } finally {
    await service.dispose();
  }
}

describeWith(["rabbitmq", "redis", "mongo-java"], "what a cluster shares is away", () => {
  let servers: Servers;
  beforeAll(async () => {
    servers = await startServers();
  }, longMs);
  afterAll(async () => {
    if (servers !== undefined) await stopServers(servers);
  }, longMs);

  test(
    "Redis frozen or dead: answers come from the store, at once, and one line tells of it",
    () =>
      running(sharedVariables(servers), async (service) => {
        await service.start();
        const cacheOf = async () => {
          const startedAt = performance.now();
          const { meta } = await countsOf(service, { to: "2024-01-01T00:00:00Z" });
          return { cache: meta.cache, ms: performance.now() - startedAt };
        };
        const hits = () => eventually(async () => expect((await cacheOf()).cache).toBe("hit"));
        await hits();
        for (const [outages, { begin, end }] of [
          { begin: async () => servers.redis.freeze(), end: async () => servers.redis.thaw() },
          { begin: () => servers.redis.kill(), end: () => servers.redis.restart() },
        ].entries()) {
          await begin();
          for (let ask = 0; ask < 20; ask += 1) {
            const { cache, ms } = await cacheOf();
            expect(cache).toBe("miss");
            expect(ms).toBeLessThan(1_000);
          }
          await eventually(() => expect(linesWith(service, "the cache is away")).toBe(outages + 1));
          await end();
          await hits();
        }
        expect(linesWith(service, "the cache is away")).toBe(2);
      }),
    longMs,
  );

  const wrong: readonly (readonly [string, () => Variables, RegExp])[] = [
    [
      "a wrong password of RabbitMQ",
      () => ({
        SERVICES: "ingest",
        RABBITMQ_URL: servers.rabbitmq.url.replace("test:test@", "test:wr0ng-pass@"),
      }),
      /RABBITMQ_URL.*refuses this user name/,
    ],
    [
      "a user that MongoDB does not take",
      () => ({
        ...sharedVariables(servers),
        SERVICES: "query",
        MONGODB_URI: servers.mongo.url.replace("//", "//somebody:wr0ng-pass@"),
      }),
      /MONGODB_URI.*it may know no users/,
    ],
    [
      "a queue that exists with another bound",
      () => ({
        ...sharedVariables(servers),
        SERVICES: "ingest",
        CLUSTER_NAME: "bounded",
        QUEUE_MAX_BYTES: "20000000",
      }),
      /RABBITMQ_URL.*bounded\.events\.raw exists with another.*'100000'.*QUEUE_MAX_BYTES/,
    ],
  ];
  test.each(wrong)(
    "%s ends the process with code 1 and one line that names the variable",
    async (_what, variables, told) => {
      const { url } = servers.rabbitmq;
      await (await RabbitQueue.open({ url, prefix: "bounded.events", maxBytes: 100_000 })).close();
      await running({ ...variables(), LOG_LEVEL: "warn" }, async (service) => {
        const [code] = (await once(service.spawn(), "exit")) as [number];
        expect(code).toBe(1);
        expect(service.output.trim().split("\n")).toEqual([expect.stringMatching(told)]);
        expect(service.output).not.toContain("wr0ng-pass");
      });
    },
    longMs,
  );

  test.each(["ingest", "api-gateway"])(
    "%s waits for a broker that cannot be reached, says so, and gets ready",
    async (SERVICES) => {
      const cable = await layCable(servers.rabbitmq.url);
      cable.pull();
      try {
        await running({ RABBITMQ_URL: cable.url, SERVICES }, async (service) => {
          service.spawn();
          await eventually(async () => {
            const response = await fetch(`${service.url}/health/ready`);
            expect(response.status).toBe(503);
            expect(await response.text()).toContain("RABBITMQ_URL");
          });
          expect((await fetch(`${service.url}/health/live`)).status).toBe(200);
          await eventually(() => expect(linesWith(service, "the message broker is away")).toBe(1));
          cable.plugIn();
          const isReady = SERVICES === "ingest" ? "" : "the service is not there";
          await eventually(async () => {
            const body = await (await fetch(`${service.url}/health/ready`)).text();
            expect(body).toContain(isReady || '"ready":true');
          });
          expect(linesWith(service, "the message broker is away")).toBe(1);
          expect(service.output).not.toContain(":test@");
          if (SERVICES !== "ingest") return;

          const metrics = await fetch(`${service.url}/metrics`);
          expect(await metrics.text()).toContain('analytics_events_total{outcome="accepted"}');
          const health = await fetch(`${service.url}/health`);
          expect(await health.json()).toEqual({
            status: "ok",
            stages: { ingest: { state: "ok" } },
          });
          expect((await fetch(`${service.url}/api/v1/events`)).status).toBe(404);
          expect((await fetch(`${service.url}/metrics`, { method: "POST" })).status).toBe(405);

          cable.pull();
          await eventually(async () =>
            expect(await (await fetch(`${service.url}/health/ready`)).text()).toContain(
              "RABBITMQ_URL",
            ),
          );
          cable.plugIn();
          await eventually(async () => expect(await service.isReady()).toBe(true));
          expect(await service.stop()).toBe(0);
        });
      } finally {
        await cable.remove();
      }
    },
    longMs,
  );
});
