import { jest } from "@jest/globals";
import { inGroups } from "../../../../lib/store/sqlite/serve.ts";

describe("the writer's calls", () => {
  let at = 0;
  let tookMs = 5;
  let groups: (readonly number[])[] = [];
  let take: (id: number, verb?: string) => void;

  beforeEach(() => {
    jest.useFakeTimers({ doNotFake: ["performance"] });
    jest.spyOn(performance, "now").mockImplementation(() => at);
    [at, tookMs, groups] = [0, 5, []];
    const call = inGroups((calls) => {
      groups.push(calls.map(({ id }) => id));
      at += tookMs;
    });
    take = (id, verb = "keepWhole") => call({ id, verb, parameters: [] });
  });
  afterEach(() => {
    jest.restoreAllMocks();
    jest.useRealTimers();
  });

  function pass(ms: number): void {
    at += ms;
    jest.advanceTimersByTime(ms);
  }

  test("that come in one turn are one group, in their order", () => {
    take(1);
    take(2, "ping");
    take(3);
    expect(groups).toEqual([]);
    pass(0);
    expect(groups).toEqual([[1, 2, 3]]);
  });

  test("that bring a batch wait for others for twice as long as the last commit took", () => {
    take(1);
    pass(0);
    take(2);
    pass(9);
    take(3);
    expect(groups).toEqual([[1]]);
    pass(1);
    expect(groups).toEqual([[1], [2, 3]]);
  });

  test("that bring a batch never wait for more than 20 ms", () => {
    tookMs = 60_000;
    take(1);
    pass(0);
    take(2);
    pass(20);
    expect(groups).toEqual([[1], [2]]);
  });

  test("that bring a batch wait for nobody when the last commit is long over", () => {
    take(1);
    pass(0);
    pass(10);
    take(2);
    pass(0);
    expect(groups).toEqual([[1], [2]]);
  });

  test.each(["ping", "erase", "close"])("go at once, and with them the batches: %s", (verb) => {
    take(1);
    pass(0);
    take(2);
    take(3, verb);
    pass(0);
    expect(groups).toEqual([[1], [2, 3]]);
    pass(100);
    take(4);
    pass(0);
    expect(groups).toEqual([[1], [2, 3], [4]]);
  });
});
