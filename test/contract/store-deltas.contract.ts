import { maxDimensionValues } from "../../lib/counting/cells.ts";
import { sketchOf } from "../../lib/counting/sketch.ts";
import {
  bare,
  bucket,
  cells,
  delta,
  event,
  minute,
  minuteMs,
  type OnStore,
} from "./store-harness.ts";

const many = (count: number, from = 0) =>
  Array.from({ length: count }, (_, i) => delta(`b${from + i}`, cells({ a: 1, [`t${i % 3}`]: 2 })));

/** `putDeltas`, `sumDeltas`, `deltaSums` and `condense`. */
export function deltasContract(onStore: OnStore): void {
  describe("deltas", () => {
    test(
      "of a minute without any sum up to nothing",
      onStore(async (store) => {
        const { v, cells: sum } = await store.sumDeltas(bucket());
        expect({ v, sum }).toEqual({ v: 0, sum: { types: {}, users: {}, dimensions: {} } });
      }),
    );

    test(
      "are summed for their minute and project alone",
      onStore(async (store) => {
        const ofAnother = {
          ...delta("b1", cells({ a: 100 })),
          bucket: bucket(minute, "minute", "q"),
        };
        await store.putDeltas([
          delta("b1", cells({ a: 1 })),
          delta("b2", cells({ a: 2, b: 3 }, "app")),
          delta("b1", cells({ a: 50 }), minute + minuteMs),
          ofAnother,
        ]);
        const { v, cells: sum } = await store.sumDeltas(bucket());
        expect(v).toBe(2);
        expect(sum.types).toEqual({ a: 3, b: 3 });
        expect(sum.dimensions).toEqual({ source: { a: { web: 1, app: 2 }, b: { app: 3 } } });
      }),
    );

    test(
      "are never changed by a repeat, also one that comes at once",
      onStore(async (store) => {
        await store.putDeltas([delta("b1", cells({ a: 1 }))]);
        await Promise.all([
          store.putDeltas([delta("b1", cells({ a: 10 })), delta("b2", cells({ a: 2 }))]),
          store.putDeltas([delta("b2", cells({ a: 2 })), delta("b1", cells({ a: 10 }))]),
        ]);
        const { v, cells: sum } = await store.sumDeltas(bucket());
        expect([v, sum.types]).toEqual([2, { a: 3 }]);
      }),
    );

    test(
      "count distinct users once",
      onStore(async (store) => {
        const of = (users: readonly string[]) => ({
          ...cells({ a: users.length }),
          users: bare({ a: sketchOf(users) }),
        });
        await store.putDeltas([delta("b1", of(["x", "y"])), delta("b2", of(["y", "z"]))]);
        const { cells: sum } = await store.sumDeltas(bucket());
        expect(sum.users).toEqual({ a: sketchOf(["x", "y", "z"]) });
        const rows = await store.deltaSums("p", [minute], "users");
        expect(rows).toEqual([{ start: minute, cells: sum.users, exact: true }]);
      }),
    );

    test(
      "are summed uncut",
      onStore(async (store) => {
        const values = bare(
          Object.fromEntries(
            Array.from({ length: maxDimensionValues + 5 }, (_, i) => [`v${i}`, 1]),
          ),
        );
        const wide = {
          ...cells({ a: maxDimensionValues + 5 }),
          dimensions: bare({ source: bare({ a: values }) }),
        };
        await store.putDeltas([delta("b1", wide)]);
        const { cells: sum } = await store.sumDeltas(bucket());
        expect(sum.dimensions["source"]).toEqual({ a: values });
        const [row] = await store.deltaSums("p", [minute], "source");
        expect(row).toEqual({ start: minute, cells: { a: values }, exact: true });
      }),
    );

    test(
      "of minutes asked for are summed one section at a time; minutes without any are absent",
      onStore(async (store) => {
        const next = minute + minuteMs;
        await store.putDeltas([
          delta("b1", cells({ a: 1 })),
          delta("b2", cells({ a: 2 }, "app")),
          delta("b1", cells({ b: 4 }), next),
        ]);
        const minutes = [minute - minuteMs, minute, next];
        expect(await store.deltaSums("p", minutes, "types")).toEqual([
          { start: minute, cells: { a: 3 }, exact: true },
          { start: next, cells: { b: 4 }, exact: true },
        ]);
        expect(await store.deltaSums("p", [minute], "source")).toEqual([
          { start: minute, cells: { a: { web: 1, app: 2 } }, exact: true },
        ]);
        // A dimension that was not counted then is all (other).
        expect(await store.deltaSums("p", [next], "data.plan")).toEqual([
          { start: next, cells: { b: { "(other)": 4 } }, exact: false },
        ]);
      }),
    );

    test(
      "keep keys that mean something in JavaScript",
      onStore(async (store) => {
        const names = ["__proto__", "constructor", "toString", "a.b", "$where", "é😀"];
        const types = bare(Object.fromEntries(names.map((name) => [name, 2])));
        const hostile = cells(types, "__proto__");
        await store.putDeltas([delta("b1", hostile), delta("b2", hostile)]);
        const { cells: sum } = await store.sumDeltas(bucket());
        expect(Object.keys(sum.types).sort()).toEqual([...names].sort());
        expect(Object.values(sum.types)).toEqual(names.map(() => 4));
        const [row] = await store.deltaSums("p", [minute], "source");
        for (const name of names) {
          expect(Object.entries((row!.cells as Record<string, object>)[name]!)).toEqual([
            ["__proto__", 4],
          ]);
        }
        for (const part of [sum.types, sum.users, sum.dimensions, row!.cells]) {
          expect(Object.getPrototypeOf(part)).toBeNull();
        }
      }),
    );
  });

  describe("condense", () => {
    test(
      "changes neither the sum nor what is known, however often and whenever it comes",
      onStore(async (store) => {
        await store.condense(bucket());
        await store.putDeltas(many(70));
        const before = await store.sumDeltas(bucket());
        const expected = { v: 70, types: { a: 70, t0: 48, t1: 46, t2: 46 } };
        expect({ v: before.v, types: before.cells.types }).toEqual(expected);

        await Promise.all([
          store.condense(bucket()),
          store.condense(bucket()),
          store.putDeltas(many(70)),
          store.condense(bucket()),
        ]);
        await store.condense(bucket());
        const after = await store.sumDeltas(bucket());
        expect({ v: after.v, cells: after.cells }).toEqual({ v: before.v, cells: before.cells });

        // A late repeat is recognised, a new batch counts.
        await store.putDeltas([...many(70), ...many(40, 70)]);
        await store.condense(bucket());
        const { v, cells: sum } = await store.sumDeltas(bucket());
        expect([v, sum.types["a"]]).toEqual([110, 110]);
        for (const [section, part] of [
          ["types", sum.types],
          ["source", sum.dimensions["source"]],
        ] as const) {
          expect(await store.deltaSums("p", [minute], section)).toEqual([
            { start: minute, cells: part, exact: true },
          ]);
        }
      }),
    );

    test(
      "loses nothing of what is put at the same time",
      onStore(async (store) => {
        const waves = Array.from({ length: 6 }, (_, i) => [
          store.putDeltas(many(40, i * 40)),
          store.condense(bucket()),
        ]);
        await Promise.all(waves.flat());
        const { v, cells: sum } = await store.sumDeltas(bucket());
        expect([v, sum.types["a"]]).toEqual([240, 240]);
      }),
    );

    test(
      "leaves events alone",
      onStore(async (store) => {
        await store.append("b0", [event("a")]);
        await store.putDeltas(many(70));
        await store.condense(bucket());
        expect(await store.event("p", "a")).toBeDefined();
      }),
    );
  });
}
