import { jest } from "@jest/globals";
import { once } from "node:events";
import { ServiceBroker } from "moleculer";
import { Ticker, type Run } from "../../../lib/concurrency/ticker.ts";
import { TickerMixin, type Ticking } from "../../../mixins/aggregator/rollup.mixin.ts";

async function withTicker(
  everyMs: number,
  use: (service: Ticking) => Promise<void>,
  restFactor = 0,
): Promise<void> {
  const broker = new ServiceBroker({ logger: false });
  const schema = { name: "ticks", mixins: [TickerMixin({ everyMs, restFactor })] };
  const service = broker.createService(schema) as unknown as Ticking;
  await broker.start();
  try {
    await use(service);
  } finally {
    await service.stopTicking();
    await broker.stop();
  }
}

test("runs again and again, never twice at once, and goes on after a failure", async () => {
  let running = 0;
  let runs = 0;
  await withTicker(1, async (service) => {
    await new Promise<void>((resolve) =>
      service.startTicking(async () => {
        running += 1;
        expect(running).toBe(1);
        await new Promise((turn) => setImmediate(turn));
        running -= 1;
        runs += 1;
        if (runs === 2) throw new Error("once");
        if (runs === 5) resolve();
      }),
    );
  });
  expect(runs).toBeGreaterThanOrEqual(5);
});

test("is woken before its time, also by a call that came while it ran", async () => {
  await withTicker(3_600_000, async (service) => {
    let runs = 0;
    await new Promise<void>((resolve) =>
      service.startTicking(async () => {
        runs += 1;
        if (runs === 1) service.wake();
        if (runs === 2) setImmediate(() => service.wake());
        if (runs === 3) resolve();
        await Promise.resolve();
      }),
    );
  });
});

test("stopping waits for the run under way", async () => {
  let ended = false;
  await withTicker(1, async (service) => {
    await new Promise<void>((started) =>
      service.startTicking(async () => {
        started();
        await new Promise((turn) => setTimeout(turn, 20));
        ended = true;
      }),
    );
    await service.stopTicking();
    expect(ended).toBe(true);
  });
});

test("stopping ends a run that heeds its signal", async () => {
  const runs = jest.fn<() => void>();
  const { promise: begun, resolve: begin } = Promise.withResolvers<void>();
  const work = async (signal: AbortSignal) => {
    begin();
    if (!signal.aborted) await once(signal, "abort");
    runs();
  };
  const ticker = new Ticker(work, { everyMs: 1, restFactor: 0 }, () => undefined);
  await begun;
  await ticker.stop();
  expect(runs).toHaveBeenCalledTimes(1);
});

test.each([-86_400_000, -3_600_000, 3_600_000, 86_400_000])(
  "a clock that is set by %d ms while it rests delays nothing",
  async (setByMs) => {
    const { now } = Date;
    try {
      await withTicker(
        3_600_000,
        async (service) => {
          let runs = 0;
          await new Promise<void>((resolve) =>
            service.startTicking(async () => {
              runs += 1;
              await Promise.resolve();
              if (runs === 2) return resolve();
              // After the run, in its rest.
              setImmediate(() => {
                Date.now = () => now() + setByMs;
                service.wake();
              });
            }),
          );
        },
        2,
      );
    } finally {
      Date.now = now;
    }
  },
);

describe("a loop with a least rest", () => {
  beforeEach(() => jest.useFakeTimers());
  afterEach(() => jest.useRealTimers());

  const ticking = (runs: readonly Run[]) => {
    const work = jest.fn<() => Promise<Run>>();
    for (const run of runs) work.mockResolvedValueOnce(run);
    work.mockResolvedValue(undefined);
    const ticker = new Ticker(
      work,
      { everyMs: 3_600_000, restFactor: 0, restMs: 250 },
      () => undefined,
    );
    return { work, ticker };
  };

  test("is woken no sooner than that after a run", async () => {
    const { work, ticker } = ticking([]);
    await jest.advanceTimersByTimeAsync(0);
    expect(work).toHaveBeenCalledTimes(1);
    ticker.wake();
    await jest.advanceTimersByTimeAsync(249);
    expect(work).toHaveBeenCalledTimes(1);
    await jest.advanceTimersByTimeAsync(1);
    expect(work).toHaveBeenCalledTimes(2);
    await jest.advanceTimersByTimeAsync(250);
    ticker.wake();
    await jest.advanceTimersByTimeAsync(0);
    expect(work).toHaveBeenCalledTimes(3);
    await ticker.stop();
  });

  test("goes on at once after a run that has left more", async () => {
    const { work, ticker } = ticking(["more", "more"]);
    await jest.advanceTimersByTimeAsync(10);
    expect(work).toHaveBeenCalledTimes(3);
    await jest.advanceTimersByTimeAsync(1_000);
    expect(work).toHaveBeenCalledTimes(3);
    await ticker.stop();
  });
});

test("a loop rests for five seconds at most before what a long run has left, and else as long as it is told", async () => {
  jest.useFakeTimers();
  try {
    const runs: Run[] = ["more", undefined];
    const work = jest.fn(async () => {
      await new Promise((resolve) => setTimeout(resolve, 20_000));
      return runs.shift();
    });
    const ticker = new Ticker(work, { everyMs: 60_000, restFactor: 2 }, () => undefined);
    await jest.advanceTimersByTimeAsync(24_999);
    expect(work).toHaveBeenCalledTimes(1);
    await jest.advanceTimersByTimeAsync(1);
    expect(work).toHaveBeenCalledTimes(2);
    ticker.wake();
    await jest.advanceTimersByTimeAsync(59_999);
    expect(work).toHaveBeenCalledTimes(2);
    await jest.advanceTimersByTimeAsync(1);
    expect(work).toHaveBeenCalledTimes(3);
    const stopped = ticker.stop();
    await jest.advanceTimersByTimeAsync(20_000);
    await stopped;
  } finally {
    jest.useRealTimers();
  }
});
