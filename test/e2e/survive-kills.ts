/** `node test/e2e/survive-kills.ts [kills] [seed]`: the long form of kill.test.ts. */
import { ServiceProcess } from "../service-process.ts";
import { chance } from "../support/shop-log.ts";
import { surviveKills } from "./kill-run.ts";

const kills = Number(process.argv[2] ?? 50);
const seed = Number(process.argv[3] ?? Date.now() % 2 ** 32);
const service = await ServiceProcess.create({ LOG_LEVEL: "warn" });
try {
  await service.start();
  const run = await surviveKills(service, kills, chance(seed));
  const exact = run.lost.length === 0 && run.stored === run.counted;
  console.log({ seed, ...run, lost: run.lost.length, exact });
  process.exitCode = exact ? 0 : 1;
} finally {
  await service.dispose();
}
