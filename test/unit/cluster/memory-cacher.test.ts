import fc from "fast-check";
import { sizeOf, ByteCache, largestEntry } from "../../../lib/cluster/memory-cacher.ts";

const forEver = { ttl: 0 };

describe("a cache of so many bytes", () => {
  test("never has more of them, whatever is put into it, and all that it has is right", () => {
    const steps = fc.array(
      fc.record({
        key: fc.constantFrom("a", "b", "c", "d", "e", "f"),
        size: fc.integer({ min: 0, max: 400 }),
        asks: fc.boolean(),
      }),
    );
    fc.assert(
      fc.property(steps, fc.integer({ min: 500, max: 8_000 }), (all, maxBytes) => {
        const cache = new ByteCache(maxBytes);
        const put = new Map<string, string>();
        for (const { key, size, asks } of all) {
          if (asks) {
            const found = cache.get(key);
            expect(found === undefined || found === put.get(key)).toBe(true);
            continue;
          }
          const value = "x".repeat(size);
          cache.set(key, value, forEver);
          put.set(key, value);
          expect(cache.sizeBytes).toBeLessThanOrEqual(maxBytes);
          expect(cache.has(key)).toBe(sizeOf([key, value]) <= largestEntry(maxBytes));
        }
        for (const key of [...cache.keys()]) cache.delete(key);
        expect(cache.sizeBytes).toBe(0);
      }),
    );
  });

  test("lets go of what was asked for longest ago", () => {
    const value = "x".repeat(400);
    const one = sizeOf(["0", value]);
    const cache = new ByteCache(10 * one);
    for (let i = 0; i < 10; i++) cache.set(String(i), value, forEver);
    cache.get("0");
    cache.set("n", value, forEver);
    expect([...cache.keys()]).toEqual(["2", "3", "4", "5", "6", "7", "8", "9", "0", "n"]);
  });

  test("lets go of what is too old", () => {
    let now = 0;
    const cache = new ByteCache(10_000, () => now);
    cache.set("a", 1, { ttl: 10 });
    cache.set("b", 2, { ttl: 20 });
    now = 15;
    expect([cache.has("a"), cache.get("b")]).toEqual([false, 2]);
    now = 30;
    cache.purgeStale();
    expect(cache.sizeBytes).toBe(0);
  });
});

test("the size of a value counts its texts, keys and elements, and looks no further than asked", () => {
  expect(sizeOf("abcd")).toBe(24);
  expect(sizeOf([1, 2])).toBe(48);
  expect(sizeOf({ a: "x" })).toBe(50);
  const endless = {
    length: 0,
    get more(): unknown {
      return [endless, endless];
    },
  };
  expect(sizeOf(endless, 1_000)).toBeGreaterThan(1_000);
});
