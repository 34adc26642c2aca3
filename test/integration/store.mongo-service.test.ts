import { surviveKills } from "../e2e/kill-run.ts";
import { describeWith } from "../../tools/servers/installed.ts";
import { startFerretdb, startMongoJava, type RunningServer } from "../../tools/servers/servers.ts";
import { ServiceProcess } from "../service-process.ts";
import { chance } from "../support/shop-log.ts";

describeWith(["ferretdb", "mongo-java"], "the service with MONGODB_URI", () => {
  let mongoJava: RunningServer;
  let ferretdb: RunningServer;
  beforeAll(async () => {
    [mongoJava, ferretdb] = await Promise.all([startMongoJava(), startFerretdb()]);
  });
  afterAll(() => Promise.all([mongoJava?.stop(), ferretdb?.stop()]));

  test("keeps and counts once what was answered 202, killed at random moments", async () => {
    const seed = Math.floor(Math.random() * 2 ** 32);
    const service = await ServiceProcess.create({ LOG_LEVEL: "warn", MONGODB_URI: mongoJava.url });
    try {
      await service.start();
      const run = await surviveKills(service, 3, chance(seed));
      expect({ seed, lost: run.lost.length, counted: run.counted }).toEqual({
        seed,
        lost: 0,
        counted: run.stored,
      });
    } finally {
      await service.dispose();
    }
  }, 180_000);

  test("does not start where the password is refused, and says so without it", async () => {
    const uri = ferretdb.url.replace("//", "//user:s3cret@");
    const service = await ServiceProcess.create({ MONGODB_URI: uri });
    try {
      await expect(service.start()).rejects.toThrow("refuses this user and password");
      expect(service.output).toContain("MONGODB_URI");
      expect(service.output).not.toContain("s3cret");
    } finally {
      await service.dispose();
    }
  });
});
