import { append } from "../../../../lib/store/mongo/events.ts";
import { toDocument, type Collections } from "../../../../lib/store/mongo/documents.ts";
import { markDirty } from "../../../../lib/store/mongo/marks.ts";
import { bucket, event } from "../../../contract/store-harness.ts";
import { bulkError } from "../../../fixtures/mongo-errors.ts";

/** Collections that take down what is done to them; each step takes a turn of the loop. */
function recorder(found: readonly object[] = []) {
  const steps: string[] = [];
  const step = (name: string) => async () => {
    steps.push(`${name} begins`);
    await new Promise(setImmediate);
    steps.push(`${name} ends`);
  };
  const duplicate = () => Promise.reject(bulkError({ codes: [11_000] }));
  const collections = {
    dirty: { bulkWrite: step("mark") },
    days: { bulkWrite: step("fingerprint") },
    events: {
      insertMany: duplicate,
      find: () => ({ project: () => ({ toArray: () => Promise.resolve(found) }) }),
    },
  };
  return { steps, collections: collections as unknown as Collections };
}

test("marks stand before the fingerprints of their days change", async () => {
  const { steps, collections } = recorder();
  await markDirty(collections, [bucket()]);
  expect(steps).toEqual(["mark begins", "mark ends", "fingerprint begins", "fingerprint ends"]);
});

test("whose an event is follows from the one that is stored", async () => {
  const stored = (batch: string) => recorder([{ _id: "p:a", batch, hash: "h" }]).collections;
  const own = await append(stored("b1"), "b1", [toDocument(event("a"), "b1")]);
  expect(own).toEqual({ owned: new Set(["a"]), foreign: [], held: new Set() });
  const other = await append(stored("b0"), "b1", [toDocument(event("a"), "b1")]);
  expect(other).toEqual({ owned: new Set(), foreign: [{ id: "a", hash: "h" }], held: new Set() });
});

test("an event that was there and is not is nobody's: nothing is acknowledged", async () => {
  const { collections } = recorder([]);
  await expect(append(collections, "b1", [toDocument(event("a"), "b1")])).rejects.toMatchObject({
    type: "STORE_UNAVAILABLE",
  });
});
