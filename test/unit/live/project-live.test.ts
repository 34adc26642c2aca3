import { setImmediate } from "node:timers/promises";
import { ProjectLive, type UsersAnswer } from "../../../lib/live/project-live.ts";

const users: UsersAnswer = { results: [], meta: { asOf: "2026-03-01", lagMs: 0, exact: true } };

/** A project's live numbers, and how often each of their sources was read. */
async function watched() {
  const reads = { users: 0, stages: 0 };
  const live = new ProjectLive(
    {
      seconds: () => Promise.resolve([]),
      users: async () => {
        reads.users += 1;
        return users;
      },
      stages: async () => {
        reads.stages += 1;
        return [];
      },
      failed: (error) => {
        throw error;
      },
    },
    () => undefined,
  );
  await live.ready;
  /** A tick at an instant; what it reads is there at once, so an instant in the past is a slow read. */
  const tick = async (steady: number) => {
    live.tick(Date.now(), steady);
    await setImmediate();
  };
  return { reads, tick };
}

test("a slow answer about the stages stands for two seconds, an expensive number longer", async () => {
  const { reads, tick } = await watched();
  const start = performance.now();
  await tick(start - 3_000);
  await tick(start + 500);
  expect(reads).toEqual({ users: 1, stages: 1 });
  await tick(performance.now() + 2_000);
  expect(reads).toEqual({ users: 1, stages: 2 });
  await tick(performance.now() + 120_000);
  expect(reads).toEqual({ users: 2, stages: 3 });
});

test("a quick answer is asked for with each tick", async () => {
  const { reads, tick } = await watched();
  await tick(performance.now());
  await tick(performance.now() + 1_000);
  expect(reads).toEqual({ users: 2, stages: 2 });
});
