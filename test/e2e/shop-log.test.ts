import { ServiceProcess } from "../service-process.ts";
import { chance, readShopLog, shuffled } from "../support/shop-log.ts";
import { expectExact, postThroughKills, settled } from "./shop-run.ts";

const log = readShopLog();

let service: ServiceProcess;
beforeEach(async () => {
  service = await ServiceProcess.create({ LOG_LEVEL: "warn" });
  await service.start();
});
afterEach(() => service.dispose());

test("the whole log, shuffled, a fifth sent twice, four kills: every count is what a recount gives", async () => {
  const random = chance(1);
  await postThroughKills(service, log, { kills: 4, random });
  await settled(service);
  await expectExact(service, log, random, 40);
}, 300_000);

test("a slice of it on a random seed, counted before the pipeline has settled", async () => {
  const seed = Math.floor(Math.random() * 2 ** 32);
  console.info({ seed });
  const random = chance(seed);
  const slice = shuffled(log, random).slice(0, 3_000);
  await postThroughKills(service, slice, { kills: 2, random, batchSize: 60 });
  await settled(service);
  await expectExact(service, slice, random, 15);
}, 300_000);
