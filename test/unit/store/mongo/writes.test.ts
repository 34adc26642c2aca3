import fc from "fast-check";
import type { Collection } from "mongodb";
import { insertAbsent, upsertAll } from "../../../../lib/store/mongo/writes.ts";
import { bulkError, type BulkFailure } from "../../../fixtures/mongo-errors.ts";

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

describe("writes that hold the same documents", () => {
  const inOrder = (sent: readonly unknown[]) => {
    const idsOf = sent.map((one) => (one as { _id?: string })._id ?? idOf(one));
    expect(idsOf).toEqual([...idsOf].sort());
    return idsOf;
  };
  const idOf = (operation: unknown) =>
    (operation as { updateOne: { filter: { _id: string } } }).updateOne.filter._id;
  const anyIds = fc.uniqueArray(fc.string({ minLength: 1, maxLength: 3 }), { maxLength: 12 });

  test("are sent in one order, whatever the order they came in, and told by where they came", async () => {
    await fc.assert(
      fc.asyncProperty(anyIds, fc.infiniteStream(fc.boolean()), async (some, there) => {
        const present = new Set(some.filter(() => there.next().value));
        const calls: string[][] = [];
        const collection = {
          insertMany: (documents: readonly Item[]) => {
            calls.push(inOrder(documents));
            const indexes = documents.flatMap(({ _id }, at) => (present.has(_id) ? [at] : []));
            return indexes.length === 0 ? Promise.resolve({}) : refuse(indexes);
          },
        } as unknown as Collection<Item>;
        const refuse = (indexes: readonly number[]) =>
          Promise.reject(bulkError({ codes: indexes.map(() => 11_000), places: indexes }));
        const documents = some.map((_id) => ({ _id }));
        const duplicates = await insertAbsent(collection, documents);
        expect(duplicates.map((at) => some[at])).toEqual(some.filter((id) => present.has(id)));
        expect(calls).toHaveLength(some.length === 0 ? 0 : 1);
      }),
    );
  });

  test("are sent again where the server only put them off, these alone", async () => {
    const { collection, calls } = failing({ codes: [11_000, 112, 24] }, { codes: [50] });
    expect(await insertAbsent(collection, items.toReversed())).toEqual([2]);
    expect(calls.map(inOrder)).toEqual([["a", "b", "c"], ["b", "c"], ["b"]]);
  });

  test("that change documents are all sent again, since a server may have ended where it put one off", async () => {
    const { collection, calls } = failing({ codes: [16_500] });
    const upserts = items.map(({ _id }) => ({ _id, set: { n: 1 } }));
    await upsertAll(collection, upserts.toReversed());
    expect(calls.map(inOrder)).toEqual([
      ["a", "b", "c"],
      ["a", "b", "c"],
    ]);
  });

  test("that are always put off are refused as what may succeed later", async () => {
    const always = { insertMany: () => Promise.reject(bulkError({ codes: [112] })) };
    await expect(insertAbsent(always as unknown as Collection<Item>, items)).rejects.toMatchObject({
      type: "STORE_UNAVAILABLE",
    });
  });
});

describe("upsertAll", () => {
  const upserts = items.map(({ _id }) => ({ _id, set: { n: 1 } }));

  test("repeats them where some lost the race for a new key: a server may have ended there", async () => {
    const { collection, calls } = failing({ codes: [11_000, 11_000] }, { codes: [11_000] });
    await upsertAll(collection, upserts);
    expect(calls.map((operations) => operations.length)).toEqual([3, 3, 3]);
  });

  test("fails for anything else, and gives up in the end", async () => {
    await expect(upsertAll(failing({ codes: [121] }).collection, upserts)).rejects.toThrow();
    const never = failing(...Array.from({ length: 100 }, () => ({ codes: [11_000] })));
    await expect(upsertAll(never.collection, upserts)).rejects.toMatchObject({
      type: "STORE_UNAVAILABLE",
    });
  });
});
