import { userOf } from "../../../lib/event/event.ts";
import fc from "fast-check";
import { startOf } from "../../../lib/counting/bucket.ts";
import { emptyCells, maxKeyLength, mergeCells, OTHER } from "../../../lib/counting/cells.ts";
import { cellsOf, deltasOf, keyReaders } from "../../../lib/counting/delta.ts";
import { valueOf } from "../../../lib/event/shown-value.ts";
import { estimate } from "../../../lib/counting/sketch.ts";
import { canonical, eventOf, eventsWithin, origin } from "../../support/arbitraries.ts";

const dimensions = ["source", "context.bot", "context.utm.source", "data.a", "data.__proto__"];

test("a batch adds one delta to each minute of its events, ascending", () => {
  fc.assert(
    fc.property(eventsWithin(10 * 60_000), (events) => {
      const deltas = deltasOf("batch", "p", events, dimensions);
      const minutes = [...new Set(events.map((event) => startOf("minute", event.timestamp)))];
      expect(deltas.map((delta) => delta.bucket.start)).toEqual(minutes.sort((a, b) => a - b));
      for (const { batch, bucket } of deltas) {
        expect(batch).toBe("batch");
        expect(bucket).toMatchObject({ project: "p", grain: "minute" });
      }
    }),
  );
});

test("a delta counts its events by type, by value and by user, as a plain recount does", () => {
  fc.assert(
    fc.property(eventsWithin(60_000), (events) => {
      const cells = deltasOf("batch", "p", events, dimensions)[0]?.cells ?? emptyCells();
      const types = new Set(events.map((event) => event.type));
      expect(Object.keys(cells.types).sort()).toEqual([...types].sort());
      for (const type of types) {
        const ofType = events.filter((event) => event.type === type);
        expect(cells.types[type]).toBe(ofType.length);
        const users = new Set(ofType.map(userOf).filter((user) => user !== undefined));
        expect(estimate(cells.users[type] ?? "")).toBe(users.size);
        for (const dimension of dimensions) {
          const counts = new Map<string, number>();
          for (const event of ofType) {
            const value = valueOf(event, dimension);
            counts.set(value, (counts.get(value) ?? 0) + 1);
          }
          const found = Object.entries(cells.dimensions[dimension]?.[type] ?? {});
          expect(new Map(found)).toEqual(counts);
        }
      }
    }),
  );
});

test("the deltas of a batch sum up to the cells of its events, in whatever order those come", () => {
  fc.assert(
    fc.property(eventsWithin(5 * 60_000), (events) => {
      const deltas = deltasOf("batch", "p", [...events].reverse(), dimensions);
      const sum = mergeCells(deltas.map((delta) => delta.cells));
      const whole = events.length === 0 ? emptyCells() : cellsOf(events, dimensions);
      expect(canonical(sum)).toEqual(canonical(whole));
    }),
  );
});

test("events before 1970 and a dimension named twice", () => {
  const [delta] = deltasOf("b", "p", [eventOf({ timestamp: -1 })], ["source", "source"]);
  expect(delta?.bucket.start).toBe(-60_000);
  expect(delta?.cells.dimensions["source"]?.["t"]?.["s"]).toBe(1);
});

test("records have no prototype", () => {
  const {
    types,
    users,
    dimensions: byName,
  } = cellsOf([eventOf({ timestamp: origin, metadata: { userId: 7 } })], ["source"]);
  const records = [types, users, byName, byName["source"], byName["source"]?.["t"]];
  for (const one of records) expect(Object.getPrototypeOf(one)).toBeNull();
});

test("a rollup tells values up to its length; longer ones are other ones", () => {
  const [reader] = keyReaders(["data.text"]);
  fc.assert(
    fc.property(fc.string({ unit: "binary", maxLength: 3 }), fc.nat(8), (head, over) => {
      const text = head + "x".repeat(maxKeyLength - 4 + over);
      const told = text.length > maxKeyLength ? OTHER : text.toWellFormed();
      expect(reader!.read(eventOf({ data: { text } }))).toBe(told);
    }),
  );
});
