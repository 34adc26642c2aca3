import { maxDimensionValues, OTHER, record, type Cells } from "../../lib/counting/cells.ts";
import { sketchOf } from "../../lib/counting/sketch.ts";
import type { Grain } from "../../lib/counting/bucket.ts";
import { rollUp } from "../../lib/store/protocol.ts";
import type { EventStore } from "../../lib/store/store.ts";
import {
  always,
  bare,
  bucket,
  cells,
  day,
  dayMs,
  delta,
  hour,
  hourMs,
  minute,
  minuteMs,
  total,
  type OnStore,
} from "./store-harness.ts";

/** `writeRollup`, `rollups`, `sumChildren`, and what rolls up several at once. */
export function rollupsContract(onStore: OnStore): void {
  const types = async (store: EventStore, grain: "minute" | "hour" | "day" = "minute") =>
    (await store.rollups("p", grain, [always], "types")).map((row) => row.cells);

  describe("rollups", () => {
    test(
      "are replaced only by a greater version, in whatever order they come",
      onStore(async (store) => {
        await store.writeRollup(bucket(), { v: 2, cells: cells({ a: 2 }) });
        await store.writeRollup(bucket(), { v: 2, cells: cells({ a: 20 }) });
        await store.writeRollup(bucket(), { v: 1, cells: cells({ a: 10 }) });
        expect(await types(store)).toEqual([{ a: 2 }]);
        await store.writeRollup(bucket(), { v: 3, cells: cells({ a: 3, b: 1 }) });
        expect(await types(store)).toEqual([{ a: 3, b: 1 }]);
        const versions = [7, 4, 10, 5, 9, 6, 8];
        await Promise.all(
          versions.map((v) => store.writeRollup(bucket(), { v, cells: cells({ a: v }) })),
        );
        expect(await types(store)).toEqual([{ a: 10 }]);
      }),
    );

    test(
      "of nothing are not written",
      onStore(async (store) => {
        await store.writeRollup(bucket(), { v: 0, cells: cells({}) });
        expect(await types(store)).toEqual([]);
      }),
    );

    test(
      "have no users of a type where earlier versions wrote null or an object for none",
      onStore(async (store) => {
        const named = ["constructor", "__proto__", "a"];
        const counts = record<number>();
        const written = record<string>();
        for (const [at, type] of named.entries()) {
          counts[type] = 3;
          written[type] = [null as never, {} as never, sketchOf(["u"])][at]!;
        }
        const of = { ...cells(counts), users: written };
        await store.putDeltas([delta("b1", of), delta("b2", of)]);
        const next = bucket(minute + minuteMs);
        await store.putDeltas([delta("b1", of, next.start)]);
        await store.writeRollup(next, { v: 1, cells: of });
        await store.writeRollup(bucket(hour, "hour"), { v: 3, cells: of });

        const users = { a: sketchOf(["u"]) };
        for (const grain of ["minute", "hour"] as const) {
          const rows = await store.rollups("p", grain, [always], "users");
          expect(rows.map((row) => row.cells)).toEqual(
            grain === "minute" ? [users, users] : [users],
          );
        }
        expect((await store.rollup(next))?.cells.users).toEqual(users);
        expect((await store.sumDeltas(bucket())).cells.users).toEqual(users);
        for (const above of [bucket(hour, "hour"), bucket(day, "day")]) {
          expect((await store.sumChildren(above)).cells.users).toEqual(users);
        }
      }),
    );

    test(
      "of a minute that has none are its deltas, for its hour too",
      onStore(async (store) => {
        const next = minute + minuteMs;
        await store.putDeltas([
          delta("b1", cells({ a: 1 })),
          delta("b2", cells({ a: 2, b: 1 }, "app")),
          delta("b1", cells({ a: 4 }), next),
          delta("b3", cells({ a: 8 }), hour + hourMs),
        ]);
        const read = async (section: string, range = { from: hour, to: hour + hourMs }) =>
          (await store.rollups("p", "minute", [range], section)).map((row) => [
            row.start,
            row.cells,
          ]);
        expect(await read("types")).toEqual([
          [minute, { a: 3, b: 1 }],
          [next, { a: 4 }],
        ]);
        const source = [minute, { a: { web: 1, app: 2 }, b: { app: 1 } }];
        expect(await read("source")).toEqual([source, [next, { a: { web: 4 } }]]);
        expect(await read("types", always)).toHaveLength(3);
        const summed = await store.sumChildren(bucket(hour, "hour"));
        expect([summed.v, summed.cells.types]).toEqual([3, { a: 7, b: 1 }]);

        // A rollup is the minute, whatever its deltas are.
        await store.writeRollup(bucket(), { v: 9, cells: cells({ a: 90 }) });
        expect(await read("types")).toEqual([
          [minute, { a: 90 }],
          [next, { a: 4 }],
        ]);
        const again = await store.sumChildren(bucket(hour, "hour"));
        expect([again.v, again.cells.types]).toEqual([10, { a: 94 }]);
      }),
    );

    test(
      "are replaced where one is stored, and else not written, if asked",
      onStore(async (store) => {
        await store.writeRollup(bucket(), { v: 1, cells: cells({ a: 1 }) }, "stored");
        expect(await types(store)).toEqual([]);
        await store.writeRollup(bucket(), { v: 1, cells: cells({ a: 1 }) });
        await store.writeRollup(bucket(), { v: 2, cells: cells({ a: 2 }) }, "stored");
        expect(await types(store)).toEqual([{ a: 2 }]);
        await store.writeRollup(bucket(), { v: 1, cells: cells({ a: 1 }) }, "stored");
        expect(await types(store)).toEqual([{ a: 2 }]);
      }),
    );

    test(
      "are read one section at a time",
      onStore(async (store) => {
        const users = bare({ a: sketchOf(["x", "y"]) });
        await store.writeRollup(bucket(), { v: 1, cells: { ...cells({ a: 2 }), users } });
        const read = (section: string) => store.rollups("p", "minute", [always], section);
        const row = (part: unknown, exact = true) => [{ start: minute, cells: part, exact }];
        expect(await read("types")).toEqual(row({ a: 2 }));
        expect(await read("users")).toEqual(row(users));
        expect(await read("source")).toEqual(row({ a: { web: 2 } }));
        // Not counted then: all (other).
        expect(await read("data.plan")).toEqual(row({ a: { [OTHER]: 2 } }, false));
      }),
    );

    test(
      "lose the sections that a newer one lacks",
      onStore(async (store) => {
        await store.writeRollup(bucket(), { v: 1, cells: cells({ a: 1 }) });
        const lacking: Cells = { ...cells({ a: 3 }), dimensions: record() };
        await store.writeRollup(bucket(), { v: 2, cells: lacking });
        const [row] = await store.rollups("p", "minute", [always], "source");
        expect(row).toEqual({ start: minute, cells: { a: { [OTHER]: 3 } }, exact: false });
      }),
    );

    test(
      "come ascending for each half-open range; those of others are absent",
      onStore(async (store) => {
        const at = [5, 0, 1, 2, 3, 9].map((n) => hour + n * hourMs);
        for (const start of at) {
          await store.writeRollup(bucket(start, "hour"), { v: 1, cells: cells({ a: 1 }) });
        }
        await store.writeRollup(bucket(hour, "hour", "q"), { v: 1, cells: cells({ q: 1 }) });
        await store.writeRollup(bucket(hour), { v: 1, cells: cells({ m: 1 }) });
        const ranges = [
          { from: hour, to: hour + 2 * hourMs },
          { from: hour + 3 * hourMs, to: hour + 6 * hourMs },
        ];
        for (const section of ["types", "source", "data.plan"]) {
          const rows = await store.rollups("p", "hour", ranges, section);
          expect(rows.map(({ start }) => (start - hour) / hourMs)).toEqual([0, 1, 3, 5]);
        }
        expect(await store.rollups("p", "hour", [], "types")).toEqual([]);
        expect(await store.rollups("p", "day", [always], "types")).toEqual([]);
      }),
    );

    test(
      "keep the largest values of a dimension and sum the rest under (other)",
      onStore(async (store) => {
        const counts = Array.from({ length: maxDimensionValues + 100 }, (_, i) => i + 1);
        const values = bare(Object.fromEntries(counts.map((count) => [`v${count}`, count])));
        const all = counts.reduce((sum, count) => sum + count, 0);
        const wide = {
          ...cells({ a: all }),
          dimensions: bare({ source: bare({ a: values }), os: bare({ a: bare({ x: all }) }) }),
        };
        await store.writeRollup(bucket(), { v: 1, cells: wide });
        const [row] = await store.rollups("p", "minute", [always], "source");
        const kept = (row!.cells as Record<string, Record<string, number>>)["a"]!;
        expect(row!.exact).toBe(false);
        expect(total(row!)).toBe(all);
        expect(Object.keys(kept)).toHaveLength(maxDimensionValues + 1);
        expect(kept[OTHER]).toBe((100 * 101) / 2);
        expect(kept["v101"]).toBe(101);
        const [other] = await store.rollups("p", "minute", [always], "os");
        expect(other!.exact).toBe(true);

        // What was cut stays cut in the parents.
        const sum = await store.sumChildren(bucket(hour, "hour"));
        await store.writeRollup(bucket(hour, "hour"), sum);
        const [parent] = await store.rollups("p", "hour", [always], "source");
        expect([parent!.exact, total(parent!)]).toEqual([false, all]);
      }),
    );
  });

  test(
    "rolling marks up writes their rollups, marks the buckets above and clears the marks that are still the same",
    onStore(async (store) => {
      const at = (n: number) => hour + n * hourMs;
      const rollups = async () =>
        (await store.rollups("p", "hour", [always], "source")).map((row) => [row.start, row.cells]);
      const marked = async (grain: Grain) =>
        (await store.dirty(grain, 100)).map((mark) => mark.bucket.start);
      for (let n = 0; n < 10; n += 1) {
        await store.putDeltas([delta(`b${n}`, cells({ a: n + 1 }), at(n))]);
        await store.markParent(bucket(at(n), "hour"));
      }
      await store.writeRollup(bucket(at(0), "hour"), { v: 9, cells: cells({ a: 90 }) });
      await store.writeRollup(bucket(at(1), "hour"), { v: 1, cells: cells({ b: 1 }, "old") });
      await store.putDeltas([delta("late", cells({ a: 10 }), at(1))]);
      const dirty = store.dirty.bind(store);
      store.dirty = async (...asked) => {
        const marks = await dirty(...asked);
        await store.markParent(bucket(at(2), "hour"));
        return marks;
      };
      await rollUp(store, "hour", 100);
      store.dirty = dirty;
      const counts = [90, 12, 3, 4, 5, 6, 7, 8, 9, 10];
      expect(await rollups()).toEqual(counts.map((web, n) => [at(n), { a: { web } }]));
      expect(await marked("hour")).toEqual([at(2)]);
      expect(await marked("day")).toEqual([day]);
    }),
  );

  describe("sumChildren", () => {
    test(
      "of a bucket without any is nothing",
      onStore(async (store) => {
        const { v, cells: sum } = await store.sumChildren(bucket(hour, "hour"));
        expect({ v, sum }).toEqual({ v: 0, sum: { types: {}, users: {}, dimensions: {} } });
      }),
    );

    test(
      "sums the sections and versions of the next finer grain within the bucket",
      onStore(async (store) => {
        const users = (...names: string[]) => ({ users: bare({ a: sketchOf(names) }) });
        const write = (start: number, v: number, of: Cells, project = "p") =>
          store.writeRollup(bucket(start, "minute", project), { v, cells: of });
        await write(hour, 2, { ...cells({ a: 1 }), ...users("x", "y") });
        await write(hour + hourMs - minuteMs, 3, {
          ...cells({ a: 2, b: 1 }, "app"),
          ...users("y"),
        });
        await write(hour - minuteMs, 100, cells({ a: 100 }));
        await write(hour + hourMs, 100, cells({ a: 100 }));
        await write(hour, 100, cells({ a: 100 }), "q");
        const { v, cells: sum } = await store.sumChildren(bucket(hour, "hour"));
        expect(v).toBe(5);
        expect(sum).toEqual({
          types: { a: 3, b: 1 },
          users: { a: sketchOf(["x", "y"]) },
          dimensions: { source: { a: { web: 1, app: 2 }, b: { app: 1 } } },
        });
      }),
    );

    test(
      "of a day takes its hours",
      onStore(async (store) => {
        for (let n = 0; n < 24; n += 1) {
          const start = day + n * hourMs;
          await store.writeRollup(bucket(start, "hour"), { v: n + 1, cells: cells({ a: 1 }) });
        }
        await store.writeRollup(bucket(day + dayMs, "hour"), { v: 9, cells: cells({ a: 9 }) });
        const { v, cells: sum } = await store.sumChildren(bucket(day, "day"));
        expect([v, sum.types]).toEqual([300, { a: 24 }]);
        await store.writeRollup(bucket(day, "day"), { v, cells: sum });
        expect(await types(store, "day")).toEqual([{ a: 24 }]);
      }),
    );

    test(
      "never sees a rollup that is written in part",
      onStore(async (store) => {
        const write = (v: number) => {
          const values = bare({ [`v${v}`]: v });
          const dimensions = bare(
            Object.fromEntries(Array.from({ length: 5 }, (_, i) => [`d${i}`, bare({ a: values })])),
          );
          return store.writeRollup(bucket(), { v, cells: { ...cells({ a: v }), dimensions } });
        };
        const writes = Array.from({ length: 60 }, (_, i) => write(i + 1));
        const reads = Array.from({ length: 60 }, async (_, i) => {
          await writes[i];
          return store.sumChildren(bucket(hour, "hour"));
        });
        for (const { v, cells: sum } of await Promise.all(reads)) {
          expect(sum.types).toEqual({ a: v });
          for (const values of Object.values(sum.dimensions)) {
            expect(values).toEqual({ a: { [`v${v}`]: v } });
          }
        }
      }),
    );
  });
}
