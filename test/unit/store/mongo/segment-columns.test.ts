import { event, minute } from "../../../contract/store-harness.ts";
import { writtenColumns } from "../columns/segments.ts";
import { foldOf } from "../../../../lib/questions/folds.ts";
import type { FetchedColumns, SegmentColumns } from "../../../../lib/store/columns/segment.ts";
import type { Segment } from "../../../../lib/store/manifest.ts";
import type { Collections } from "../../../../lib/store/mongo/documents.ts";
import { foldSegments } from "../../../../lib/store/mongo/segments/fold.ts";
import { partsOf } from "../../../../lib/store/mongo/segments/build.ts";
import { StoredColumns } from "../../../../lib/store/mongo/segments/columns.ts";
import { UnsealedColumns } from "../../../../lib/store/mongo/segments/unsealed-columns.ts";

describe("columns from the database", () => {
  const columns = ["type", "source", '["data","a.b"]'].map(
    (name) => [name, Uint8Array.from([name.length])] as const,
  );
  const stored = (n: number) => partsOf(`p|${n}`, "v", columns, { usual: 10, most: 1_000 });
  const segmentOf = (n: number, version = "v", documentBytes = 1_000): Segment => {
    const parts = stored(n).length;
    return {
      ...{ id: `p|${n}`, version, project: "p", rows: 1, complete: true, oldest: 0, newest: 0 },
      ...{ bytes: parts * documentBytes, parts, isPlaced: true },
    };
  };

  /** A database with segments, and the fields that each command asked for. */
  function database(segments: number, isRefused = (_: object) => false) {
    const parts = Array.from({ length: segments }, (_, n) => stored(n)).flat();
    const asked: object[] = [];
    const find = ({ _id }: { readonly _id: string | { readonly $in: readonly string[] } }) => ({
      project: (fields: object) => ({
        toArray: () => {
          asked.push(fields);
          if (isRefused(fields)) return Promise.reject(new Error("refused"));
          const ids = typeof _id === "string" ? [_id] : _id.$in;
          return Promise.resolve(
            parts
              .filter((part) => ids.includes(part._id))
              .map((part) => ({
                _id: part._id,
                columns: Object.fromEntries(
                  Object.entries(part.columns).filter(([field]) => `columns.${field}` in fields),
                ),
              })),
          );
        },
      }),
    });
    const collections = { segmentParts: { find } } as unknown as Collections;
    return { asked, columns: new StoredColumns(collections) };
  }

  const told = (found: FetchedColumns | undefined) =>
    found && [...found].map(([name, [byte]]) => [name, byte]);

  test.each([
    ["one command", 1_000, 1],
    ["a few commands, where their documents are large", 600_000, 4],
  ])("come with %s for many segments, each segment its own", async (_, bytes, commands) => {
    const { asked, columns } = database(20);
    const all = Array.from({ length: 20 }, (_, n) => segmentOf(n, "v", bytes));
    const wanted = [...all, segmentOf(3, "gone", bytes)];
    const found = await Promise.all(wanted.map((one) => columns.fetch(one, ["type"])));
    expect(found.map(told)).toEqual([...Array<unknown>(20).fill([["type", 4]]), undefined]);
    expect(asked).toEqual(Array<unknown>(commands).fill({ _id: 1, "columns.type": 1 }));
  });

  test("are those that were asked for, where segments are asked for different ones", async () => {
    const { asked, columns } = database(3);
    const lists = [["type"], ["source", '["data","a.b"]'], ["type"], ["no such"], []];
    const found = await Promise.all(
      lists.map((names, n) => columns.fetch(segmentOf(n % 3), names)),
    );
    expect(found.map((one) => told(one)?.toSorted())).toEqual([
      [["type", 4]],
      [
        ['["data","a.b"]', 14],
        ["source", 6],
      ],
      [["type", 4]],
      [],
      [],
    ]);
    expect(asked).toHaveLength(4);
  });

  test("of other names come where a command fails", async () => {
    const { columns } = database(2, (fields) => "columns.type" in fields);
    const [refused, found] = await Promise.allSettled([
      columns.fetch(segmentOf(0), ["type"]),
      columns.fetch(segmentOf(1), ["source"]),
    ]);
    expect(refused).toMatchObject({ status: "rejected", reason: { message: "refused" } });
    expect(found.status).toBe("fulfilled");
    expect("value" in found && told(found.value)).toEqual([["source", 6]]);
  });
});

test.each([
  ["many", 600_000, 27],
  ["a few, where they are large", 9_000_000, 8],
  ["no more than so many, where they are tiny", 10, 128],
])("segments are fetched ahead together: %s", async (_, bytes, expected) => {
  const { rows, complete, columns } = writtenColumns([event("e")]);
  let begun = 0;
  const atFolds: number[] = [];
  const segments = Array.from({ length: 150 }, (_, n): Segment => ({
    ...{ id: `p|${n}`, version: "v", project: "p", rows, complete, oldest: minute, newest: minute },
    ...{ bytes, parts: 1 },
  }));
  const source: SegmentColumns = {
    fetch: () => {
      begun += 1;
      return Promise.resolve(new Map(columns));
    },
  };
  const count = await foldSegments(
    {} as Collections,
    { columns: source, unsealed: new UnsealedColumns() },
    { segments, unsealed: [], batches: [], events: 0 },
    { project: "p" },
    foldOf({ kind: "extent" }),
    { check: () => void atFolds.push(begun) },
  );
  expect(count).toBe(150);
  expect(atFolds[0]).toBe(expected);
  expect(begun).toBe(150);
  expect(atFolds.every((ahead, at) => ahead - at <= expected)).toBe(true);
});
