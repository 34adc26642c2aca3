/**
 * `npm run chaos -- --seconds 60 --seed 1`: six processes on real servers, all of which are killed at random
 * while events are posted. Exits with 0 where every count is exact afterwards.
 */
import { parseArgs } from "node:util";
import { chaos } from "./chaos-run.ts";
import { Cluster, startServers, stopServers } from "./cluster.ts";
import { chance } from "./shop-log.ts";

const { values } = parseArgs({
  options: { seconds: { type: "string", default: "60" }, seed: { type: "string" } },
});
const seconds = Number(values.seconds);
const seed = values.seed === undefined ? Date.now() % 2 ** 32 : Number(values.seed);
if (!(seconds > 0) || !Number.isInteger(seed)) {
  console.error("--seconds is a number above 0, --seed a whole number");
  process.exit(2);
}

console.log(`seed ${seed}`);
const startedAt = Date.now();
const at = () => `${((Date.now() - startedAt) / 1_000).toFixed(1)} s`;
const servers = await startServers();
let cluster: Cluster | undefined;
try {
  cluster = await Cluster.start(servers);
  await cluster.ready();
  const result = await chaos(cluster, servers, {
    seconds,
    random: chance(seed),
    tell: (disturbance) => console.log(`${at()}  ${disturbance}`),
  });
  console.log({ seed, ...result, exact: true });
} catch (error) {
  console.error(error);
  for (const { output } of cluster?.all ?? []) {
    const lines = output.split("\n").filter((line) => /"level":"(error|fatal)"/.test(line));
    console.error(lines.slice(-5).join("\n"));
  }
  console.log({ seed, exact: false });
  process.exitCode = 1;
} finally {
  await cluster?.dispose();
  await stopServers(servers);
}
