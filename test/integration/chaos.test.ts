import { chaosOnNewServers } from "../../tools/chaos/run.ts";
import { describeWith } from "../../tools/servers/installed.ts";
import { chance } from "../support/shop-log.ts";

const seed = 7;

describeWith(["rabbitmq", "redis", "mongo-java"], "chaos", () => {
  test(`processes, servers and cables are broken at random (seed ${seed}): every count is exact, every answer in time`, async () => {
    const { disturbances, answers } = await chaosOnNewServers({
      ...{ seconds: 15, queryNodes: 1 },
      random: chance(seed),
      tell: () => undefined,
    });
    for (const what of [
      "killed",
      "frozen",
      "slowed",
      "cut",
      "swallows",
      "slow",
      "erased",
      "rebuilt",
      "quarantine replayed",
      "dead letters replayed",
    ]) {
      expect(Object.keys(disturbances)).toContainEqual(expect.stringMatching(`${what}$`));
    }
    expect(Object.keys(answers)).toContainEqual(expect.stringMatching(/^503 /));
  }, 900_000);
});
