import { setTimeout as delay } from "node:timers/promises";
import {
  Cluster,
  metricOf,
  sharedVariables,
  startServers,
  stopServers,
  type Servers,
} from "../support/cluster.ts";
import { countedAtRest, countsOf, expectExact, postBatch } from "../e2e/shop-run.ts";
import { eventually } from "../support/eventually.ts";
import { describeWith } from "../../tools/servers/installed.ts";
import { ServiceProcess } from "../service-process.ts";
import { chance, chunks, readShopLog, type ShopEvent } from "../support/shop-log.ts";

const longMs = 300_000;

describeWith(["rabbitmq", "redis", "mongo-java"], "a cluster whose processes come and go", () => {
  let servers: Servers;
  let cluster: Cluster;
  let secondGateway: ServiceProcess;
  const log = readShopLog();
  let sent = 0;
  const next = (count: number): readonly ShopEvent[] => log.slice(sent, (sent += count));

  beforeAll(async () => {
    servers = await startServers();
    cluster = await Cluster.start(servers);
    const variables = { ...sharedVariables(servers), SERVICES: "api-gateway" };
    secondGateway = await ServiceProcess.create(variables);
    await secondGateway.start();
    await cluster.ready();
  }, longMs);
  afterAll(async () => {
    await secondGateway?.dispose();
    await cluster?.dispose();
    if (servers !== undefined) await stopServers(servers);
  }, longMs);

  const countedAreAllSent = () => countedAtRest(cluster.gateway, sent);

  test(
    "what a processor held is with the other one once it is killed",
    async () => {
      const [killed, other] = cluster.of("processor") as [ServiceProcess, ServiceProcess];
      // It takes its share, and finishes nothing of it.
      process.kill(killed.pid, "SIGSTOP");
      for (const batch of chunks(next(200), 10)) {
        expect((await postBatch(cluster.gateway, batch)).status).toBe(202);
      }
      await eventually(async () =>
        expect(await metricOf(other, "analytics_queue_messages")).toBe(0),
      );
      const { total } = await countsOf(cluster.gateway, {});
      expect(total).toBeGreaterThan(0);
      expect(total).toBeLessThan(sent);

      await killed.kill();
      await countedAreAllSent();
      await killed.start();
      await cluster.ready();
    },
    longMs,
  );

  test(
    "one after the other is stopped and started under load: nothing fails but 503s, and every count is exact",
    async () => {
      const gateways = [cluster.gateway, secondGateway];
      // What a load balancer does: whoever is being stopped gets no new requests, and answers those it has.
      const inRotation = new Set(gateways);
      const failures: string[] = [];
      let refused = 0;
      let loading = true;
      const load = async () => {
        for (let turn = 0; loading; turn += 1) {
          const batch = next(2);
          for (let status = 0; status !== 202;) {
            const [first, second] = [...inRotation] as [ServiceProcess, ServiceProcess?];
            const answer = await postBatch(turn % 2 === 0 ? first : (second ?? first), batch);
            if (answer.status === 202) break;
            if (answer.status !== 503 || !answer.mayRetry) {
              failures.push(JSON.stringify(answer));
              return;
            }
            refused += 1;
            await delay(50);
          }
          await delay(100);
        }
      };
      const loads = Promise.all([load(), load()]);
      const ends: (number | null)[] = [];
      try {
        for (const service of [...cluster.all.filter((one) => !inRotation.has(one)), ...gateways]) {
          inRotation.delete(service);
          const before = sent;
          ends.push(await service.stop());
          await service.start();
          if (gateways.includes(service)) inRotation.add(service);
          await eventually(() => expect(sent).toBeGreaterThan(before + 10), 60_000);
        }
      } finally {
        loading = false;
        await loads;
      }
      expect(failures).toEqual([]);
      expect(ends).toEqual(ends.map(() => 0));
      // Without any, the load was not there when ingest was not.
      expect(refused).toBeGreaterThan(0);
      await cluster.ready();
      await countedAreAllSent();
      await expectExact(cluster.gateway, log.slice(0, sent), chance(5), 3);
    },
    longMs,
  );

  test(
    "a key that was taken is refused by every gateway within seconds, and a schema reaches every processor",
    async () => {
      const ask = (
        of: ServiceProcess,
        method: string,
        path: string,
        body?: unknown,
        key?: string,
      ) =>
        fetch(`${of.url}/api/v1${path}`, {
          method,
          headers: {
            Prefer: "wait=30",
            "Content-Type": "application/json",
            ...(key !== undefined && { "X-Api-Key": key }),
          },
          ...(body !== undefined && { body: JSON.stringify(body) }),
        });
      const given = await ask(cluster.gateway, "POST", "/keys", {
        name: "k",
        scopes: ["events:read"],
      });
      const { id, key } = (await given.json()) as { id: string; key: string };
      const admits = async (of: ServiceProcess) =>
        (await ask(of, "GET", "/events?limit=1", undefined, key)).status;
      await eventually(async () => expect(await admits(secondGateway)).toBe(200));
      expect((await ask(cluster.gateway, "DELETE", `/keys/${id}`)).status).toBe(204);
      expect(await admits(cluster.gateway)).toBe(401);
      // Promised are 5 s; a loaded machine has more.
      await eventually(async () => expect(await admits(secondGateway)).toBe(401), 20_000);

      const type = "cluster.checked";
      const schema = { required: ["data"] };
      await ask(cluster.gateway, "PUT", `/schemas/${type}`, { mode: "enforce", schema });
      // In a row from either processor.
      let inTurn = 0;
      await eventually(async () => {
        const sentNow = await ask(secondGateway, "POST", "/events", { type, source: "probe" });
        const { status } = (await sentNow.json()) as { status: string };
        inTurn = status === "quarantined" ? inTurn + 1 : 0;
        expect(inTurn).toBeGreaterThan(5);
      }, 60_000);
      const counted = async () => (await countsOf(cluster.gateway, { type })).total;
      const before = await counted();
      const held = await ask(secondGateway, "GET", "/quarantine?limit=1000");
      const { data } = (await held.json()) as { data: readonly { id: string }[] };
      const [first] = data;
      const path = `/quarantine/${first!.id}`;
      const mended = { type, source: "probe", data: 1 };
      expect((await ask(secondGateway, "PATCH", path, mended)).status).toBe(200);
      const replays = [cluster.gateway, secondGateway].map((of) =>
        ask(of, "POST", `${path}/replay`),
      );
      for (const { status } of await Promise.all(replays)) expect([200, 404]).toContain(status);
      await eventually(async () => expect(await counted()).toBe(before + 1), 60_000);
      const trace = await ask(secondGateway, "GET", `/events/${first!.id}/trace`);
      expect(await trace.json()).toMatchObject({ id: first!.id, state: "counted" });
      expect((await ask(cluster.gateway, "GET", path)).status).toBe(404);
    },
    longMs,
  );
});
