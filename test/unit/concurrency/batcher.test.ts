import fc from "fast-check";
import { Batcher } from "../../../lib/concurrency/batcher.ts";

const limits = { maxItems: 10, maxBytes: 1_000, maxWaitingItems: 100 };
const overflow = () => new Error("overflow");
const piece = (value: string, items = 1) => ({ value, items, sizeBytes: items });

/** A run that ends when it is told to, and remembers its groups. */
function held() {
  const groups: (readonly string[])[] = [];
  const ends: (() => void)[] = [];
  let started: () => void = () => undefined;
  const run = async (group: readonly string[]) => {
    groups.push(group);
    started();
    await new Promise<void>((resolve) => ends.push(resolve));
    return group.map((value) => value.toUpperCase());
  };
  const nextStart = () => new Promise<void>((resolve) => (started = resolve));
  return { groups, run, nextStart, end: () => ends.shift()?.() };
}

describe("Gatherer", () => {
  test("what arrives while a group is under way becomes the next one", async () => {
    const { groups, run, nextStart, end } = held();
    const gatherer = new Batcher(run, limits, overflow);
    let start = nextStart();
    const first = gatherer.add(piece("a"));
    await start;
    const others = ["b", "c", "d"].map((value) => gatherer.add(piece(value)));
    start = nextStart();
    end();
    expect(await first).toBe("A");
    await start;
    end();
    expect(await Promise.all(others)).toEqual(["B", "C", "D"]);
    expect(groups).toEqual([["a"], ["b", "c", "d"]]);
  });

  test("pieces that arrive in one turn of the loop share a group", async () => {
    const groups: number[] = [];
    const gatherer = new Batcher(
      (group: readonly string[]) => {
        groups.push(group.length);
        return Promise.resolve(group);
      },
      limits,
      overflow,
    );
    await Promise.all(["a", "b", "c"].map((value) => gatherer.add(piece(value))));
    expect(groups).toEqual([3]);
  });

  test("all that waits is one round, in as few groups as hold it, side by side", async () => {
    const { groups, run, nextStart, end } = held();
    const gatherer = new Batcher(run, limits, overflow);
    let start = nextStart();
    const first = gatherer.add(piece("a"));
    await start;
    const others = ["b", "c", "d"].map((value) => gatherer.add(piece(value, 6)));
    start = nextStart();
    end();
    await first;
    await start;
    expect(groups).toEqual([["a"], ["b"], ["c"], ["d"]]);
    for (const _ of others) end();
    expect(await Promise.all(others)).toEqual(["B", "C", "D"]);
  });

  test("a group keeps to its limits and splits no piece", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.integer({ min: 1, max: 15 }), { maxLength: 30 }),
        async (sizes) => {
          const groups: number[][] = [];
          const gatherer = new Batcher(
            (group: readonly number[]) => {
              groups.push([...group]);
              return Promise.resolve(group);
            },
            { ...limits, maxWaitingItems: 1_000 },
            overflow,
          );
          const results = await Promise.all(
            sizes.map((items) => gatherer.add({ value: items, items, sizeBytes: items })),
          );
          expect(results).toEqual(sizes);
          expect(groups.flat()).toEqual(sizes);
          for (const group of groups) {
            const total = group.reduce((sum, size) => sum + size, 0);
            expect(total <= limits.maxItems || group.length === 1).toBe(true);
          }
        },
      ),
    );
  });

  test("a piece waits for a round that does not end no longer than it may, and was then not begun", async () => {
    const { groups, run, nextStart, end } = held();
    const gatherer = new Batcher(run, { ...limits, maxWaitMs: 20 }, overflow);
    const start = nextStart();
    const first = gatherer.add(piece("a"));
    await start;
    const late = await Promise.allSettled(["b", "c"].map((value) => gatherer.add(piece(value))));
    for (const each of late) expect(each).toMatchObject({ reason: overflow() });
    end();
    expect(await first).toBe("A");
    await gatherer.idle();
    expect(groups).toEqual([["a"]]);
  });

  test("a group that fails fails all of its pieces, and the next one goes on", async () => {
    let fails = true;
    const gatherer = new Batcher(
      (group: readonly string[]) =>
        fails ? Promise.reject(new Error("down")) : Promise.resolve(group),
      limits,
      overflow,
    );
    const both = await Promise.allSettled([gatherer.add(piece("a")), gatherer.add(piece("b"))]);
    expect(both.map(({ status }) => status)).toEqual(["rejected", "rejected"]);
    fails = false;
    expect(await gatherer.add(piece("c"))).toBe("c");
  });

  test("refuses what would wait beyond the bound, and keeps what waits", async () => {
    const { run, nextStart, end } = held();
    const gatherer = new Batcher(run, { ...limits, maxWaitingItems: 5 }, overflow);
    let start = nextStart();
    const first = gatherer.add(piece("a"));
    await start;
    const waiting = gatherer.add(piece("b", 5));
    await expect(gatherer.add(piece("c"))).rejects.toThrow("overflow");
    start = nextStart();
    end();
    await first;
    const idle = gatherer.idle();
    await start;
    end();
    await waiting;
    await idle;
  });

  test("a piece added right after a group has ended does not wait for ever", async () => {
    const gatherer = new Batcher(
      (group: readonly string[]) => Promise.resolve(group),
      limits,
      overflow,
    );
    for (let round = 0; round < 20; round += 1) {
      const again = gatherer.add(piece("a")).then(() => gatherer.add(piece("b")));
      expect(await again).toBe("b");
    }
  });
});
