import type { Collection } from "mongodb";
import { insertAbsent, upsertAll } from "../../../lib/store/mongo-write.ts";
import { bulkError, type BulkFailure } from "../../fixtures/mongo-errors.ts";

interface Item {
  readonly _id: string;
  readonly n?: number;
}

/** A collection whose bulk writes fail one after the other as told, then succeed. */
function failing(...failures: readonly BulkFailure[]) {
  const calls: (readonly unknown[])[] = [];
  const answer = (operations: readonly unknown[]) => {
    calls.push(operations);
    const failure = failures[calls.length - 1];
    return failure === undefined ? Promise.resolve({}) : Promise.reject(bulkError(failure));
  };
  const collection = { insertMany: answer, bulkWrite: answer } as unknown as Collection<Item>;
  return { collection, calls };
}

const items = [{ _id: "a" }, { _id: "b" }, { _id: "c" }];

describe("insertAbsent", () => {
  test("tells the places of duplicates", async () => {
    expect(await insertAbsent(failing().collection, items)).toEqual([]);
    expect(await insertAbsent(failing({ codes: [11_000, 11_000] }).collection, items)).toEqual([
      0, 1,
    ]);
  });

  test.each([
    ["a write concern was not met", { codes: [11_000], concern: true }],
    ["a write concern was not met and nothing is a duplicate", { concern: true }],
    ["something else went wrong too", { codes: [11_000, 121] }],
    ["the connection was lost", { wrapped: new Error("reset") }],
  ])("fails where %s", async (_, failure: BulkFailure) => {
    await expect(insertAbsent(failing(failure).collection, items)).rejects.toThrow();
  });

  test("of nothing asks nobody", async () => {
    const { collection, calls } = failing();
    expect(await insertAbsent(collection, [])).toEqual([]);
    expect(calls).toEqual([]);
  });
});

describe("upsertAll", () => {
  const upserts = items.map(({ _id }) => ({ _id, set: { n: 1 } }));

  test("repeats those that lost the race for a new key, and only those", async () => {
    const { collection, calls } = failing({ codes: [11_000, 11_000] }, { codes: [11_000] });
    await upsertAll(collection, upserts);
    expect(calls.map((operations) => operations.length)).toEqual([3, 2, 1]);
  });

  test("fails for anything else, and gives up in the end", async () => {
    await expect(upsertAll(failing({ codes: [121] }).collection, upserts)).rejects.toThrow();
    const never = failing(...Array.from({ length: 100 }, () => ({ codes: [11_000] })));
    await expect(upsertAll(never.collection, upserts)).rejects.toMatchObject({
      type: "STORE_UNAVAILABLE",
    });
  });
});
