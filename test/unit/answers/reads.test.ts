import { BudgetedReads } from "../../../lib/answers/reads.ts";
import { FairLanes } from "../../../lib/concurrency/semaphore.ts";
import type { EventStore } from "../../../lib/store/store.ts";
import { generousBudget } from "../../fixtures/budget.ts";

/** Reads of projects of one store whose reads of counts last until they are ended. */
function countingReads() {
  const begun: string[] = [];
  const ends: (() => void)[] = [];
  const counts = (project: string) =>
    new Promise<readonly []>((resolve) => {
      begun.push(project);
      ends.push(() => resolve([]));
    });
  const store = { openJobsOf: () => Promise.resolve([]), deltaSums: counts, rollups: counts };
  const limits = { concurrency: 3, maxWaiting: 3, maxWaitMs: 60_000 };
  const sums = new FairLanes(limits, () => new Error("too many wait"));
  const budget = generousBudget({ sums });
  const of = (project: string, signal?: AbortSignal) =>
    new BudgetedReads({ store: store as unknown as EventStore, project, budget, signal });
  return { begun, of, end: () => ends.forEach((end) => end()) };
}

const settled = () => new Promise((resolve) => setImmediate(resolve));

test("a project that has many counts read holds up neither others nor the store", async () => {
  const { begun, of, end } = countingReads();
  const many = Array.from({ length: 5 }, (_, i) =>
    i % 2 === 0 ? of("p").deltaSums("p", [0], "types") : of("p").rollups("p", "day", [], "types"),
  );
  const other = of("q").deltaSums("q", [0], "types");
  await settled();
  expect(begun).toEqual(["p", "p", "q"]);
  await expect(of("p").deltaSums("p", [0], "types")).rejects.toThrow("too many wait");
  const rest = Promise.all([...many, other]);
  for (let round = 0; round < 4; round += 1) {
    end();
    await settled();
  }
  expect(await rest).toEqual(Array.from({ length: 6 }, () => []));
});

test("a caller that leaves has no more counts read", async () => {
  const { begun, of } = countingReads();
  const leaving = new AbortController();
  const running = [1, 2].map(() => of("p").deltaSums("p", [0], "types"));
  const waiting = of("p", leaving.signal).deltaSums("p", [0], "types");
  await settled();
  leaving.abort(new Error("left"));
  await expect(waiting).rejects.toThrow("left");
  expect([running.length, begun]).toEqual([2, ["p", "p"]]);
});
