import { KeptReads } from "../../../lib/concurrency/kept-reads.ts";

/** A value that is read and written in steps, with the number of its reads. */
function register() {
  let value = 0;
  let reads = 0;
  const kept = new KeptReads();
  return {
    kept,
    read: (key = "a") =>
      kept.read(key, async () => {
        reads += 1;
        const seen = value;
        await Promise.resolve();
        return seen;
      }),
    write: (to: number, until: Promise<unknown> = Promise.resolve()) =>
      kept.write(async () => {
        await until;
        value = to;
      }),
    reads: () => reads,
  };
}

test("an answer is kept until something is written", async () => {
  const { read, write, reads } = register();
  expect([await read(), await read(), await read("b"), reads()]).toEqual([0, 0, 0, 2]);
  await write(1);
  expect([await read(), await read("b"), await read(), reads()]).toEqual([1, 1, 1, 4]);
});

test("callers at once share a read", async () => {
  const { read, reads } = register();
  expect(await Promise.all([read(), read(), read()])).toEqual([0, 0, 0]);
  expect(reads()).toBe(1);
});

test("nothing is kept of what was read while something was written", async () => {
  const { read, write, reads } = register();
  const early = read();
  const going = Promise.withResolvers<void>();
  const writing = write(1, going.promise);
  expect([await early, await read(), await read(), reads()]).toEqual([0, 0, 0, 3]);
  const other = write(2);
  await other;
  expect(await read()).toBe(2);
  going.resolve();
  await writing;
  expect([await read(), await read(), reads()]).toEqual([1, 1, 5]);
});

test("a read that failed is tried again, and a write that failed counts as one", async () => {
  const { kept, read, reads } = register();
  await expect(kept.read("a", () => Promise.reject(new Error("away")))).rejects.toThrow("away");
  expect(await read()).toBe(0);
  await expect(kept.write(() => Promise.reject(new Error("away")))).rejects.toThrow("away");
  expect([await read(), reads()]).toEqual([0, 2]);
});

test("of many answers the newest thousand are kept", async () => {
  const { read, reads } = register();
  for (let i = 0; i <= 1_000; i += 1) await read(`k${i}`);
  await read("k1");
  expect(reads()).toBe(1_001);
  await read("k0");
  expect(reads()).toBe(1_002);
});
