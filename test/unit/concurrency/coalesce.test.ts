import { FreshAnswer } from "../../../lib/concurrency/coalesce.ts";

/** Findings that are answered by hand, in the order in which they were begun. */
function byHand() {
  const begun: PromiseWithResolvers<number>[] = [];
  const answer = new FreshAnswer<number>(() => {
    begun.push(Promise.withResolvers<number>());
    return begun.at(-1)!.promise;
  });
  return { begun, answer };
}

test("who asks while an answer is being found gets the next one, all of them the same", async () => {
  const { begun, answer } = byHand();
  const first = answer.ask();
  const later = [answer.ask(), answer.ask(), answer.ask()];
  expect(begun).toHaveLength(1);
  begun[0]!.resolve(1);
  expect(await first).toBe(1);
  await new Promise(setImmediate);
  expect(begun).toHaveLength(2);
  const evenLater = answer.ask();
  begun[1]!.resolve(2);
  expect(await Promise.all(later)).toEqual([2, 2, 2]);
  await new Promise(setImmediate);
  begun[2]!.resolve(3);
  expect(await evenLater).toBe(3);
});

test("a thousand who gave up cost one finding", async () => {
  const { begun, answer } = byHand();
  const first = answer.ask();
  const rest = Array.from({ length: 1_000 }, () => answer.ask());
  begun[0]!.resolve(1);
  await first;
  await new Promise(setImmediate);
  expect(begun).toHaveLength(2);
  begun[1]!.resolve(2);
  await Promise.all(rest);
  await new Promise(setImmediate);
  void answer.ask();
  expect(begun).toHaveLength(3);
});

test("a failure is told to those who asked, and ends there", async () => {
  const { begun, answer } = byHand();
  const first = answer.ask();
  const next = answer.ask();
  begun[0]!.reject(new Error("away"));
  await expect(first).rejects.toThrow("away");
  await new Promise(setImmediate);
  begun[1]!.resolve(2);
  expect(await next).toBe(2);
});
