import { AnalyticsClient, type Loss } from "../../client/src/index.ts";
import { ServiceProcess } from "../service-process.ts";
import { eventually } from "../support/eventually.ts";

test("a service that is killed while the client sends: nothing is lost, nothing counts twice", async () => {
  const service = await ServiceProcess.create({ LOG_LEVEL: "warn" });
  const losses: Loss[] = [];
  let retries = 0;
  const client = new AnalyticsClient({
    url: service.url,
    source: "test",
    batchEvents: 100,
    onLoss: (loss) => losses.push(loss),
    onRetry: () => (retries += 1),
  });
  try {
    await service.start();
    const ids = new Set<string>();
    const sent = new Set<string>();
    for (let kill = 0; kill < 2; kill++) {
      // Some are on their way, some are stored, some wait when it dies.
      const accepted = client.stats.accepted;
      for (let i = 0; i < 3_000; i++) ids.add(client.track({ type: "kill.tracked" }));
      const sending = client.send(Array.from({ length: 1_500 }, () => ({ type: "kill.sent" })));
      await eventually(() => expect(client.stats.accepted).toBeGreaterThan(accepted));
      await service.kill();
      await service.start();
      for (const id of (await sending).ids) sent.add(id);
    }
    await client.flush();
    expect(losses).toEqual([]);
    expect(retries).toBeGreaterThan(0);
    expect({ tracked: ids.size, accepted: client.stats.accepted, sent: sent.size }).toEqual({
      tracked: 6_000,
      accepted: 6_000,
      sent: 3_000,
    });
    await eventually(async () => expect((await client.counts()).total).toBe(9_000), 60_000);
    const stored = new Set<string>();
    for await (const { id } of client.events({ limit: 1_000, fields: ["id"] })) stored.add(id!);
    expect(stored).toEqual(new Set([...ids, ...sent]));
  } finally {
    await client.close({ withinMs: 0 });
    await service.dispose();
  }
}, 180_000);
