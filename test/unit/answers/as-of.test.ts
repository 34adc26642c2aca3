import { AsOf } from "../../../lib/answers/as-of.ts";

/** Questions that are answered by hand, at a time that is set by hand. */
function byHand() {
  const asked: (PromiseWithResolvers<number> & { readonly at: number })[] = [];
  // The steady clock goes with the other one, but where that is set.
  const clock = { now: 1_000, setBy: 0 };
  const proof = new AsOf(
    (at) => {
      const answer = { ...Promise.withResolvers<number>(), at };
      asked.push(answer);
      return answer.promise;
    },
    { now: () => clock.now, steady: () => clock.now - clock.setBy },
  );
  return { asked, clock, proof };
}

async function proven() {
  const hand = byHand();
  const first = hand.proof.reach();
  hand.asked[0]!.resolve(990);
  expect(await first).toBe(990);
  return hand;
}

test("who asks at the same time shares a question", async () => {
  const { asked, proof } = byHand();
  const all = [proof.reach(), proof.reach(), proof.reach()];
  expect(asked.map(({ at }) => at)).toEqual([1_000]);
  asked[0]!.resolve(1_000);
  expect(await Promise.all(all)).toEqual([1_000, 1_000, 1_000]);
});

test("a proof of a moment ago serves, and is renewed beside what it serves once it is 50 ms old", async () => {
  const { asked, clock, proof } = await proven();
  clock.now = 1_049;
  expect(await proof.reach()).toBe(990);
  expect(asked).toHaveLength(1);
  clock.now = 1_099;
  expect(await proof.reach()).toBe(990);
  expect(asked).toHaveLength(2);
  asked[1]!.resolve(1_099);
  await new Promise(setImmediate);
  expect(await proof.reach()).toBe(1_099);
  expect(asked).toHaveLength(2);
});

test.each([
  ["100 ms later", 1_100, 0],
  ["where the clock was set back by an hour", 1_000 - 3_600_000, -3_600_000],
])("a proof of a moment ago serves nobody %s", async (_when, now, setBy) => {
  const { asked, clock, proof } = await proven();
  Object.assign(clock, { now, setBy });
  const next = proof.reach();
  expect(asked[1]!.at).toBe(now);
  asked[1]!.resolve(now);
  expect(await next).toBe(now);
});

test("the age of a proof counts from the question, not from the answer", async () => {
  const { asked, clock, proof } = byHand();
  const first = proof.reach();
  clock.now = 1_100;
  asked[0]!.resolve(1_000);
  await first;
  void proof.reach();
  expect(asked).toHaveLength(2);
});

test("without an answer no more is known than before, and the next one asks again", async () => {
  const { asked, clock, proof } = await proven();
  clock.now = 2_000;
  const second = proof.reach();
  asked[1]!.reject(new Error("away"));
  expect(await second).toBe(990);
  const third = proof.reach();
  asked[2]!.resolve(2_000);
  expect(await third).toBe(2_000);
});

test("of instants that come again, since the clock was set back, nothing is claimed before it is proven", async () => {
  const { asked, clock, proof } = await proven();
  Object.assign(clock, { now: 1_050 - 500, setBy: -500 });
  const next = proof.reach();
  asked[1]!.reject(new Error("a processor does not tell"));
  // At 1,000 it was looked at last: set back right after, the clock stood at 500 for the second time.
  expect(await next).toBe(500);
});

test("a clock that was set forth makes no proof old", async () => {
  const { asked, clock, proof } = await proven();
  Object.assign(clock, { now: 1_010 + 86_400_000, setBy: 86_400_000 });
  expect(await proof.reach()).toBe(990);
  expect(asked).toHaveLength(1);
});
