import fc from "fast-check";
import { Semaphore, FairLanes } from "../../../lib/concurrency/semaphore.ts";

const refused = new Error("too many wait");
const left = new Error("left");
const limits = { concurrency: 2, maxWaiting: 3, maxWaitMs: 60_000 };

/** Lets what is resolved run on. */
const turn = () => new Promise((resolve) => setImmediate(resolve));

/** Lanes whose work a test ends by hand. */
function lanesOf(more: Partial<typeof limits> = {}) {
  const lanes = new FairLanes({ ...limits, ...more }, () => refused);
  const begun: string[] = [];
  const ends = new Map<string, () => void>();
  const run = (owner: string, name: string, options: Parameters<FairLanes["run"]>[2] = {}) => {
    const running = lanes.run(
      owner,
      () => {
        begun.push(name);
        const { promise, resolve } = Promise.withResolvers<string>();
        ends.set(name, () => resolve(name));
        return promise;
      },
      options,
    );
    // What a test leaves waiting is refused when its time is over, after the test.
    running.catch(() => {});
    return running;
  };
  const end = async (name: string) => {
    ends.get(name)!();
    await turn();
  };
  return { lanes, begun, run, end };
}

describe("lanes of owners", () => {
  test("one owner never takes the last place, and the others are served in turn", async () => {
    const { lanes, begun, run, end } = lanesOf();
    for (const name of ["a1", "a2", "a3"]) void run("a", name);
    for (const name of ["b1", "b2"]) void run("b", name);
    void run("c", "c1");
    expect(begun).toEqual(["a1", "b1"]);
    await end("a1");
    expect(begun).toEqual(["a1", "b1", "c1"]);
    await end("b1");
    expect(begun).toEqual(["a1", "b1", "c1", "a2"]);
    await end("a2");
    expect(begun).toEqual(["a1", "b1", "c1", "a2", "b2"]);
    for (const name of ["c1", "b2", "a3"]) await end(name);
    expect(lanes.load).toEqual({ running: 0, waiting: 0 });
  });

  test("an owner with too many that wait is refused, others are not; what goes on is not", async () => {
    const { lanes, run, begun, end } = lanesOf();
    for (const name of ["a1", "a2", "a3"]) void run("a", name);
    expect(() => lanes.check("a")).not.toThrow();
    void run("a", "a4");
    expect(() => lanes.check("a")).toThrow(refused);
    expect(() => lanes.check("b")).not.toThrow();
    await expect(run("a", "a5")).rejects.toBe(refused);
    void run("b", "b1");
    void run("b", "b2");
    void run("a", "a6", { goesOn: true });
    for (const name of ["a1", "a2", "a3", "a4", "a6"]) await end(name);
    expect(begun).toContain("a6");
    expect(begun).not.toContain("a5");
  });

  test("who leaves is taken off the queue, who left before does not begin", async () => {
    const { lanes, run, begun, end } = lanesOf();
    void run("a", "a1");
    const controller = new AbortController();
    const waiting = run("a", "a2", { signal: controller.signal });
    expect(lanes.load).toEqual({ running: 1, waiting: 1 });
    controller.abort(left);
    await expect(waiting).rejects.toBe(left);
    await expect(run("b", "b1", { signal: controller.signal })).rejects.toBe(left);
    expect(lanes.load).toEqual({ running: 1, waiting: 0 });
    await end("a1");
    expect(begun).toEqual(["a1"]);
    expect(lanes.load).toEqual({ running: 0, waiting: 0 });
  });

  test("who waited too long is refused", async () => {
    const { lanes, run } = lanesOf({ maxWaitMs: 1 });
    void run("a", "a1");
    await expect(run("a", "a2")).rejects.toBe(refused);
    expect(lanes.load).toEqual({ running: 1, waiting: 0 });
  });

  test("all work is done once, and never too much at a time (any owners, any order of ends)", async () => {
    const works = fc.array(fc.constantFrom("a", "b", "c"), { maxLength: 30 });
    await fc.assert(
      fc.asyncProperty(works, fc.integer({ min: 1, max: 4 }), async (owners, concurrency) => {
        const lanes = new FairLanes({ ...limits, concurrency, maxWaiting: 100 }, () => refused);
        const running = new Map<string, number>();
        let most = 0;
        const done = owners.map((owner, i) =>
          lanes.run(owner, async () => {
            running.set(owner, (running.get(owner) ?? 0) + 1);
            most = Math.max(
              most,
              running.values().reduce((sum, n) => sum + n, 0),
            );
            expect(running.get(owner)).toBeLessThanOrEqual(Math.max(1, concurrency - 1));
            for (let turns = 0; turns < i % 3; turns++) await turn();
            running.set(owner, running.get(owner)! - 1);
            if (i % 5 === 4) throw left;
            return i;
          }),
        );
        const ended = await Promise.allSettled(done);
        expect(most).toBeLessThanOrEqual(concurrency);
        expect(ended.map((one) => one.status === "fulfilled")).toEqual(
          owners.map((_, i) => i % 5 !== 4),
        );
        expect(lanes.load).toEqual({ running: 0, waiting: 0 });
      }),
    );
  });
});

test("a lane takes off who leaves while waiting", async () => {
  const lane = new Semaphore(1);
  const { promise, resolve } = Promise.withResolvers<void>();
  const first = lane.run(() => promise);
  const controller = new AbortController();
  const second = lane.run(() => Promise.resolve("second"), controller.signal);
  const third = lane.run(() => Promise.resolve("third"));
  expect(lane.waiting).toBe(2);
  controller.abort(left);
  await expect(second).rejects.toBe(left);
  expect(lane.waiting).toBe(1);
  resolve();
  await first;
  expect(await third).toBe("third");
});
