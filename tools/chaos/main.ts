/**
 * `npm run chaos -- --seconds 60 --seed 1 --runs 5 --query-nodes 2`: six processes on real servers
 * and further ones that answer questions, all of which are killed, frozen, slowed and cut off at
 * random while events are posted and read. Each run is on new servers, with the seed after the last
 * run's. Exits with 0 where after each run every count is exact and every answer was right and in
 * time.
 */
import { parseArgs } from "node:util";
import { chaosOnNewServers } from "./run.ts";
import { chance } from "../../test/support/shop-log.ts";

const { values } = parseArgs({
  options: {
    seconds: { type: "string", default: "60" },
    seed: { type: "string" },
    runs: { type: "string", default: "1" },
    "query-nodes": { type: "string", default: "1" },
  },
});
const seconds = Number(values.seconds);
const runs = Number(values.runs);
const queryNodes = Number(values["query-nodes"]);
const isCount = (value: number) => Number.isInteger(value) && value > 0;
const firstSeed = values.seed === undefined ? Date.now() % 2 ** 32 : Number(values.seed);
if (!(seconds > 0) || !Number.isInteger(firstSeed) || ![runs, queryNodes].every(isCount)) {
  console.error("--seconds is a number above 0, --seed a whole number");
  console.error("--runs and --query-nodes are whole numbers above 0");
  process.exit(2);
}

const inexact: number[] = [];
for (let seed = firstSeed; seed < firstSeed + runs; seed++) {
  if (!(await run(seed))) inexact.push(seed);
}
console.log(`${runs - inexact.length} of ${runs} runs exact`);
if (inexact.length > 0) {
  console.log(`not exact, by seed: ${inexact.join(", ")}`);
  process.exitCode = 1;
}

/** @returns whether every count was exact and every answer right */
async function run(seed: number): Promise<boolean> {
  console.log(`seed ${seed}`);
  const startedAt = Date.now();
  const at = () => `${((Date.now() - startedAt) / 1_000).toFixed(1)} s`;
  try {
    const result = await chaosOnNewServers({
      seconds,
      queryNodes,
      random: chance(seed),
      tell: (disturbance) => console.log(`${at()}  ${disturbance}`),
    });
    console.log(at(), { seed, ...result, exact: true });
    return true;
  } catch (error) {
    console.error((error as Error).message);
    console.log(at(), { seed, exact: false });
    return false;
  }
}
