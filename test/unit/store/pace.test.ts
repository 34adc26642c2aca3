import { setTimeout as delay } from "node:timers/promises";
import { pacedBy } from "../../../lib/store/pace.ts";

test("after a piece of work comes a rest, which ends early where the worker is to end", async () => {
  let isEnding = false;
  let isOver = false;
  // A rest of hours.
  const paced = pacedBy(1_000_000, () => isEnding);
  const working = paced(() => delay(20, "done")).finally(() => (isOver = true));
  await delay(100);
  expect(isOver).toBe(false);
  isEnding = true;
  expect(await working).toBe("done");
});

test("what fails fails at once", async () => {
  const paced = pacedBy(1_000_000, () => false);
  await expect(paced(() => Promise.reject(new Error("away")))).rejects.toThrow("away");
});
