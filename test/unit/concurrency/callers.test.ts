import { endingWithin } from "../../../lib/concurrency/callers.ts";

const late = () => new Error("late");
const never = () => new Promise<never>(() => undefined);

test("what is done in time is the answer, or its failure", async () => {
  await expect(endingWithin(60_000, late, undefined, async () => 7)).resolves.toBe(7);
  const failing = () => Promise.reject(new Error("broken"));
  await expect(endingWithin(60_000, late, undefined, failing)).rejects.toThrow("broken");
});

test("what hangs ends at the deadline, and its signal tells it why", async () => {
  let given: AbortSignal | undefined;
  const hanging = endingWithin(1, late, undefined, (signal) => {
    given = signal;
    return never();
  });
  await expect(hanging).rejects.toThrow("late");
  expect(given).toMatchObject({ aborted: true, reason: { message: "late" } });
});

test("who leaves before is told to the work at once", async () => {
  const leaving = new AbortController();
  const work = (signal: AbortSignal) =>
    new Promise<never>((_, reject) => {
      signal.addEventListener("abort", () => reject(signal.reason as Error));
    });
  const left = endingWithin(60_000, late, leaving.signal, work);
  leaving.abort(new Error("left"));
  await expect(left).rejects.toThrow("left");
});
