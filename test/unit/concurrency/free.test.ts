import { free } from "../../../lib/concurrency/free.ts";

test("bytes with a buffer of their own are given back, those that share one stay", () => {
  const alone = new Uint8Array([1, 2, 3]);
  free(alone);
  expect(alone.byteLength).toBe(0);

  const shared = new Uint8Array([1, 2, 3, 4]);
  free(shared.subarray(1, 3));
  expect([...shared]).toEqual([1, 2, 3, 4]);
  free(new Uint8Array(new SharedArrayBuffer(4)));
  free(new Uint8Array());
});
