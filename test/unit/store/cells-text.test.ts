import fc from "fast-check";
import { readCells, readSection, readSections, readUsers } from "../../../lib/store/cells-text.ts";
import { bare } from "../../contract/store-harness.ts";

const name = fc.oneof(fc.constantFrom("__proto__", "constructor", "a"), fc.string());
const counts = fc.dictionary(name, fc.nat());
const values = fc.dictionary(name, counts);

/** Every record within, itself included. */
function records(value: unknown): object[] {
  if (typeof value !== "object" || value === null) return [];
  return [value, ...Object.values(value).flatMap(records)];
}

describe("cells from JSON", () => {
  test("are what they were, in records without a prototype", () => {
    const users = fc.dictionary(name, fc.string());
    const cells = fc.record({ types: counts, users, dimensions: fc.dictionary(name, values) });
    fc.assert(
      fc.property(cells, (given) => {
        const read = readCells(JSON.stringify(given));
        expect(read).toEqual(given);
        for (const part of Object.values(read)) {
          for (const of of records(part)) expect(Object.getPrototypeOf(of)).toBeNull();
        }
      }),
    );
  });

  test("are read many sections at a time or one", () => {
    fc.assert(
      fc.property(fc.array(values), (given) => {
        const read = readSections(
          "source",
          given.map((it) => JSON.stringify(it)),
        );
        expect(read).toEqual(given);
        for (const of of read.flatMap(records)) expect(Object.getPrototypeOf(of)).toBeNull();
      }),
    );
    expect(readSection("types", '{"__proto__":1}')).toStrictEqual(bare({ ["__proto__"]: 1 }));
  });

  test("have no users of a type where earlier versions wrote null or an object for none", () => {
    const users = '{"constructor":null,"__proto__":{},"a":"sketch"}';
    expect(readSection("users", users)).toStrictEqual(bare({ a: "sketch" }));
    expect(readCells(`{"types":{},"users":${users},"dimensions":{}}`).users).toEqual({
      a: "sketch",
    });
    expect(readUsers(users)).toEqual({ a: "sketch" });
  });
});
