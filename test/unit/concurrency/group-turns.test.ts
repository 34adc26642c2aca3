import { GroupTurns } from "../../../lib/concurrency/group-turns.ts";

/** Lets what is resolved run on. */
const turn = () => new Promise((resolve) => setImmediate(resolve));

/** Turns whose groups a test ends by hand, the oldest first. */
function turnsOf(limits: { turns?: number; maxItems?: number; maxBytes?: number } = {}) {
  const groups: (readonly string[])[] = [];
  const ends: PromiseWithResolvers<readonly (string | Promise<string>)[]>[] = [];
  const turns = new GroupTurns<string, string>(
    (group) => {
      groups.push(group);
      const end = Promise.withResolvers<readonly (string | Promise<string>)[]>();
      ends.push(end);
      return end.promise;
    },
    { turns: 1, maxItems: 10, maxBytes: 100, ...limits },
  );
  const finish = async () => {
    const group = groups[groups.length - ends.length]!;
    ends.shift()!.resolve(group.map((value) => value.toUpperCase()));
    await turn();
  };
  const fail = async (error: Error) => {
    ends.shift()!.reject(error);
    await turn();
  };
  return { add: (value: string, bytes = 1) => turns.add(value, bytes), groups, finish, fail };
}

test("a piece that finds a free turn goes alone and at once, what waits goes together, in order", async () => {
  const { add, groups, finish } = turnsOf();
  const results = Promise.all([add("a"), add("b"), add("c")]);
  expect(groups).toEqual([["a"]]);
  await finish();
  expect(groups).toEqual([["a"], ["b", "c"]]);
  await finish();
  expect(await results).toEqual(["A", "B", "C"]);
  const later = add("d");
  await finish();
  expect(await later).toBe("D");
});

test("a group keeps to its bounds, but a larger piece goes alone", async () => {
  const { add, groups, finish } = turnsOf({ maxItems: 3, maxBytes: 10 });
  const all = ["a", "b", "c", "d", "e"].map((value) => add(value));
  const large = add("large", 1_000);
  const last = add("f", 9);
  for (let group = 0; group < 5; group++) await finish();
  expect(groups).toEqual([["a"], ["b", "c", "d"], ["e"], ["large"], ["f"]]);
  expect(await Promise.all([...all, large, last])).toEqual(["A", "B", "C", "D", "E", "LARGE", "F"]);
});

test("what waits for several turns is shared out among them", async () => {
  const { add, groups, finish } = turnsOf({ turns: 2 });
  const results = ["a", "b", "c", "d", "e", "f"].map((value) => add(value));
  expect(groups).toEqual([["a"], ["b"]]);
  await finish();
  await finish();
  expect(groups.slice(2)).toEqual([["c", "d"], ["e"]]);
  await finish();
  await finish();
  await finish();
  expect(await Promise.all(results)).toEqual(["A", "B", "C", "D", "E", "F"]);
});

test("a group that fails fails its pieces and no other", async () => {
  const { add, finish, fail } = turnsOf();
  const first = add("a");
  const lost = Promise.allSettled([add("b"), add("c")]);
  await finish();
  const next = add("d");
  const reason = new Error("the thread died");
  await fail(reason);
  expect(await lost).toEqual([
    { status: "rejected", reason },
    { status: "rejected", reason },
  ]);
  await finish();
  expect(await Promise.all([first, next])).toEqual(["A", "D"]);
});
