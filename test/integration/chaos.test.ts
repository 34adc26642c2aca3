import { chaos } from "../chaos-run.ts";
import { Cluster, startServers, stopServers } from "../cluster.ts";
import { describeWith } from "../servers/installed.ts";
import { chance } from "../shop-log.ts";

const seed = 7;

describeWith(["rabbitmq", "redis", "mongo-java"], "chaos", () => {
  test(`processes and servers are killed at random (seed ${seed}): every count is exact`, async () => {
    const told: string[] = [];
    const servers = await startServers();
    try {
      const cluster = await Cluster.start(servers);
      try {
        await cluster.ready();
        await chaos(cluster, servers, {
          seconds: 15,
          random: chance(seed),
          tell: (disturbance) => told.push(disturbance),
        });
      } finally {
        await cluster.dispose();
      }
    } finally {
      await stopServers(servers);
    }
    expect(told.filter((one) => one.endsWith("killed")).length).toBeGreaterThan(1);
  }, 400_000);
});
