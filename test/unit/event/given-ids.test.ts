import { randomUUIDv7 } from "node:crypto";
import fc from "fast-check";
import { isEventId } from "../../../lib/event/event-schema.ts";
import { givenIds, placesWithoutId } from "../../../lib/event/given-ids.ts";
import { maxBatchEvents } from "../../../lib/event/limits.ts";

const places = Array.from({ length: maxBatchEvents }, (_, place) => place);
const idsOf = (call: string) => places.map(givenIds(call));

test("a call's ids follow from its id: the same each time, no two alike, in order where they do not go round", () => {
  const call = "01a21d6b-2367-7039-9d2b-4d5ac9723002";
  const ids = idsOf(call);
  expect(ids).toEqual(idsOf(call));
  expect(ids.slice(0, 3)).toEqual([
    "01a21d6b-2367-7039-9d2b-4d5ac9723002",
    "01a21d6b-2367-7039-9d2b-4d5ac9723003",
    "01a21d6b-2367-7039-9d2b-4d5ac9723004",
  ]);
  expect(ids).toEqual(ids.toSorted());
  expect(givenIds("01a21d6b-2367-7039-9d2b-4d5ac9723fff")(1)).toBe(
    "01a21d6b-2367-7039-9d2b-4d5ac9723000",
  );
});

test("whatever a node calls its calls, the ids are UUIDs, and other calls have others", () => {
  const uuids = fc.constant(null).map(() => randomUUIDv7() as string);
  const call = fc.oneof(fc.string(), fc.uuid(), fc.uuid({ version: 4 }), uuids);
  fc.assert(
    fc.property(call, call, (one, other) => {
      const ids = idsOf(one);
      for (const id of ids) {
        expect(id).toMatch(/^[\da-f]{8}-[\da-f]{4}-[\da-f]{4}-[\da-f]{4}-[\da-f]{12}$/);
        expect(isEventId(id)).toBe(true);
      }
      expect(new Set(ids).size).toBe(maxBatchEvents);
      fc.pre(one !== other);
      expect(idsOf(other).filter((id) => ids.includes(id))).toEqual([]);
    }),
    { numRuns: 20 },
  );
  expect(givenIds("node-7/1")(0)).toMatch(/^[\da-f]{8}-[\da-f]{4}-8[\da-f]{3}-[89ab][\da-f]{3}-/);
});

test("events without an id are those that have none, or null; what is no event gets none", () => {
  const inputs = [{ id: "a" }, {}, { id: null }, { id: undefined }, 7, null, "text", [], { id: 1 }];
  expect(placesWithoutId(inputs)).toEqual([1, 2, 3]);
});
