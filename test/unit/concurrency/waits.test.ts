import { Waits, within, type Wait } from "../../../lib/concurrency/waits.ts";

const longMs = 60_000;

/** Begins a wait that lasts until `end`. */
function held(waits: Waits, owner: string, key: string) {
  const [begun, ended] = [Promise.withResolvers<Wait>(), Promise.withResolvers<string>()];
  const result = waits.during(owner, key, (wait) => {
    begun.resolve(wait);
    return ended.promise;
  });
  return { wait: begun.promise, end: ended.resolve, fail: ended.reject, result };
}

test("a wait is woken under its key alone, also by what came while it did something else", async () => {
  const waits = new Waits(10);
  const [one, other] = [held(waits, "p", "a"), held(waits, "p", "b")];
  const woken: string[] = [];
  const sleeping = (await one.wait).next(longMs).then(() => woken.push("one"));
  void (await other.wait).next(longMs).then(() => woken.push("other"));
  waits.wake("nobody");
  waits.wake("a");
  await sleeping;
  waits.wake("a");
  waits.wake("a");
  await (await one.wait).next(longMs);
  expect(woken).toEqual(["one"]);
  // Both were told by one turn.
  await (await one.wait).next(1);
  waits.wake("b");
  one.end("one");
  other.end("other");
  expect(await Promise.all([one.result, other.result])).toEqual(["one", "other"]);
});

test("an owner holds a bounded number of waits, others as many; what ends makes room, however", async () => {
  const waits = new Waits(2);
  const [first, second] = [held(waits, "p", "a"), held(waits, "p", "a")];
  const foreign = held(waits, "q", "a");
  expect(await held(waits, "p", "b").result).toBeUndefined();
  expect(waits.size).toBe(3);
  first.end("done");
  second.fail(new Error("broken"));
  expect(await first.result).toBe("done");
  await expect(second.result).rejects.toThrow("broken");
  const third = held(waits, "p", "a");
  foreign.end("");
  third.end("third");
  expect(await third.result).toBe("third");
  await foreign.result;
  expect(waits.size).toBe(0);
});

test("who waits for work no longer than so long hears what comes of it, and nothing that comes later", async () => {
  expect(await within(longMs, Promise.resolve("done"))).toBe("done");
  await expect(within(longMs, Promise.reject(new Error("broken")))).rejects.toThrow("broken");
  const late = Promise.withResolvers<void>();
  expect(await within(1, late.promise)).toBeUndefined();
  late.reject(new Error("late"));
});
