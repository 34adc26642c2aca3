import { ServiceProcess } from "../service-process.ts";
import { chance } from "../support/shop-log.ts";
import { surviveKills } from "./kill-run.ts";

test("what was answered 202 survives kills at random moments, and is counted once", async () => {
  const seed = Math.floor(Math.random() * 2 ** 32);
  const service = await ServiceProcess.create({ LOG_LEVEL: "warn" });
  try {
    await service.start();
    const run = await surviveKills(service, 5, chance(seed));
    expect({ seed, lost: run.lost.length, counted: run.counted }).toEqual({
      seed,
      lost: 0,
      counted: run.stored,
    });
    expect(run.accepted).toBeGreaterThan(0);
  } finally {
    await service.dispose();
  }
}, 600_000);
