import { eventually } from "../support/eventually.ts";
import { describeWith } from "../../tools/servers/installed.ts";
import { startRedis, type RunningServer } from "../../tools/servers/servers.ts";
import { ServiceProcess } from "../service-process.ts";

const longMs = 180_000;

describeWith(["redis"], "rate limits that two gateways share", () => {
  let redis: RunningServer;
  let gateways: readonly ServiceProcess[] = [];
  beforeAll(async () => {
    redis = await startRedis();
    // One a second: what is let through does not depend on how fast the test is.
    const variables = { REDIS_URL: redis.url, RATE_LIMIT_EVENTS_PER_SECOND: "1" };
    gateways = await Promise.all([1, 2].map(() => ServiceProcess.create(variables)));
    await Promise.all(gateways.map((gateway) => gateway.start()));
  }, longMs);
  afterAll(async () => {
    await Promise.all(gateways.map((gateway) => gateway.dispose()));
    await redis?.stop();
  }, longMs);

  const post = async (gateway: ServiceProcess, events: number) => {
    const body = { events: Array.from({ length: events }, () => ({ type: "a", source: "test" })) };
    const response = await fetch(`${gateway.url}/api/v1/events/batch`, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify(body),
    });
    await response.arrayBuffer();
    return response;
  };
  const tells = (gateway: ServiceProcess, text: string) => gateway.output.includes(text);

  test(
    "Redis away: each limits for itself and nobody is refused for it; back: what one spends the other refuses",
    async () => {
      const [one, other] = gateways as [ServiceProcess, ServiceProcess];
      await redis.kill();
      const answered = await Promise.all(gateways.map((gateway) => post(gateway, 1)));
      expect(answered.map(({ status }) => status)).toEqual([202, 202]);
      for (const gateway of gateways) {
        await eventually(() => expect(tells(gateway, "Redis (REDIS_URL) is away")).toBe(true));
      }
      await redis.restart();

      // Until a gateway has found Redis again it limits for itself, and what it lets through nobody else knows of.
      for (const gateway of gateways) {
        await eventually(async () => {
          await post(gateway, 1);
          expect(tells(gateway, "Redis is back")).toBe(true);
        }, 60_000);
      }
      // One is let through whole where anything is left; then both are refused for minutes.
      await eventually(async () => expect((await post(one, 1_000)).status).toBe(202), 60_000);
      await eventually(async () => {
        const refused = await post(other, 1);
        expect(refused.status).toBe(429);
        expect(Number(refused.headers.get("retry-after"))).toBeGreaterThan(300);
      }, 60_000);
      expect((await post(one, 1)).status).toBe(429);
    },
    longMs,
  );

  test(
    "a password that Redis refuses is told with the variable's name, and the service runs without it",
    async () => {
      const REDIS_URL = redis.url.replace("//", "//nobody:wr0ng-pass@");
      const service = await ServiceProcess.create({ REDIS_URL, RATE_LIMIT_READS_PER_SECOND: "1" });
      try {
        await service.start();
        await eventually(() => {
          expect(service.output).toMatch(/the cache is away \(REDIS_URL\)/);
          expect(service.output).not.toContain("wr0ng-pass");
        });
        expect((await post(service, 1)).status).toBe(202);
      } finally {
        await service.dispose();
      }
    },
    longMs,
  );
});
