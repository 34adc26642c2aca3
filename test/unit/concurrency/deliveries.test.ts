import { Deliveries } from "../../../lib/concurrency/deliveries.ts";

const again = (is: boolean) => Promise.resolve(is);

test("a call under way is carried out once; delivered after its end it is known to come again", async () => {
  const deliveries = new Deliveries<boolean>();
  const begun: boolean[] = [];
  const gate = Promise.withResolvers<boolean>();
  const work = (is: boolean) => {
    begun.push(is);
    return gate.promise;
  };
  const all = [deliveries.carryOut("a", work), deliveries.carryOut("a", work)];
  const other = deliveries.carryOut("b", again);
  gate.resolve(true);
  expect(await Promise.all(all)).toEqual([true, true]);
  expect([begun, await other]).toEqual([[false], false]);
  expect(await deliveries.carryOut("a", again)).toBe(true);
});

test("a call that failed fails alike, and is not carried out", async () => {
  const deliveries = new Deliveries<boolean>();
  const error = new Error("broken");
  for (const work of [() => Promise.reject(error), again, again]) {
    await expect(deliveries.carryOut("a", work)).rejects.toBe(error);
  }
});

test("the last thousand calls are remembered, not all of them", async () => {
  const deliveries = new Deliveries<boolean>();
  for (let i = 0; i <= 1_000; i++) await deliveries.carryOut(String(i), again);
  expect(await deliveries.carryOut("1", again)).toBe(true);
  expect(await deliveries.carryOut("0", again)).toBe(false);
});
