import { BSON, Long } from "mongodb";
import { toDocument } from "../../../../lib/store/mongo/documents.ts";
import { rowFields, rowFrom, toldFields } from "../../../../lib/store/mongo/segments/raw-rows.ts";
import { toRow } from "../../../../lib/store/rows.ts";
import type { StoredEvent } from "../../../../lib/event/event.ts";
import { event, minute } from "../../../contract/store-harness.ts";
import { writtenColumns } from "../columns/segments.ts";
import type { EventFilter } from "../../../../lib/event/filter.ts";
import { foldOf } from "../../../../lib/questions/folds.ts";
import type { SegmentColumns } from "../../../../lib/store/columns/segment.ts";
import type { Collections } from "../../../../lib/store/mongo/documents.ts";
import { foldSegments } from "../../../../lib/store/mongo/segments/fold.ts";
import { buildNext, partsOf } from "../../../../lib/store/mongo/segments/build.ts";
import { columnOfField, partOfColumn } from "../../../../lib/store/mongo/segments/documents.ts";
import { groupsOf } from "../../../../lib/store/mongo/segments/manifest.ts";
import { UnsealedColumns } from "../../../../lib/store/mongo/segments/unsealed-columns.ts";
import { TimedOut } from "../../../../lib/store/time-limit.ts";
import { due, segmentLimits } from "../../../../lib/store/mongo/segments/seal.ts";

const [minuteMs, hourMs, dayMs] = [60_000, 3_600_000, 86_400_000];

/** A project's batches, announced a millisecond after each other from 0 on. */
const announced = (count: number, events: number, bytes = 1_000) =>
  Array.from({ length: count }, (_, at) => ({
    batch: `b${at}`,
    nonce: "",
    events,
    bytes,
    from: 0,
    to: 0,
    at,
  }));

describe("which batches are sealed", () => {
  test.each([
    ["as many as a segment holds", announced(40, 500), 0, 32],
    ["none before a segment is full", announced(32, 500), minuteMs - 1, 0],
    ["some thousand events after a minute", announced(9, 500), minuteMs, 9],
    ["fewer not before an hour", announced(8, 500), hourMs - 1, 0],
    ["a thousand events after an hour", announced(3, 400), hourMs, 3],
    ["a few not before a day", announced(3, 300), dayMs - 1, 0],
    ["a few after a day", announced(3, 1), dayMs, 3],
    ["a few announced before the clock was set back by a day", announced(3, 1), -dayMs, 3],
    ["not more batches than a segment names", announced(2_000, 1), 0, segmentLimits.batches],
    ["not more bytes than are read at once", announced(40, 10, 8 * 1_048_576), 0, 4],
    ["a batch that is too large, by itself", announced(2, 20_000), 0, 1],
    ["none of none", [], dayMs, 0],
  ])("%s", (_, batches, now, expected) => {
    expect(due(batches, now)).toEqual(batches.slice(0, expected));
  });
});

describe("unsealed batches in groups", () => {
  const sizesOf = (groups: readonly (readonly unknown[])[]) => groups.map(({ length }) => length);

  test.each([
    ["large ones, each in a group of its own", announced(3, 512), [1, 1, 1]],
    ["smaller ones, until these have enough events", announced(5, 200), [3, 2]],
    ["tiny ones, until these are enough", announced(130, 1), [64, 64, 2]],
    ["none", [], []],
  ])("%s", (_, batches, sizes) => {
    expect(sizesOf(groupsOf(batches))).toEqual(sizes);
  });

  test("a new batch changes the newest group at most, in whatever order they are read", () => {
    const batches = announced(40, 150);
    const before = groupsOf(batches.slice(0, -1).toReversed());
    const after = groupsOf(batches.toReversed());
    expect(after.flat()).toEqual(batches);
    expect(after.slice(0, before.length - 1)).toEqual(before.slice(0, -1));
  });
});

test("of a group that is kept all columns are there, and of one that is too large nothing", async () => {
  const stored = Array.from({ length: 3 }, (_, n) => event(`e${n}`, { data: { n } }));
  const documents = stored.map((one) => BSON.serialize(toDocument(one, "b")));
  const unsealed = new UnsealedColumns();
  expect(unsealed.lacks("few")).toBe(true);
  unsealed.keep("few", documents);
  expect(unsealed.lacks("few")).toBe(false);
  unsealed.keep("many", [new Uint8Array(40_000_000)]);
  unsealed.keep("none", []);
  await unsealed.idle();
  expect(unsealed.get("few")).toMatchObject({ rows: 3, complete: true, oldest: minute });
  expect([...unsealed.get("few")!.columns.keys()]).toContain('["data","n"]');
  expect(unsealed.get("none")).toMatchObject({ rows: 0 });
  expect(unsealed.get("many")).toBeUndefined();
  expect(unsealed.lacks("many")).toBe(true);
});

test("names of columns count among the bytes that are kept", async () => {
  const names = Array.from({ length: 100 }, (_, n) => `${n}`.padStart(1_000, "n"));
  const data = Object.fromEntries(names.map((name) => [name, 1]));
  const { properties: _, ...document } = toDocument(event("e", { data }), "b");
  const documents = [BSON.serialize(document)];
  const unsealed = new UnsealedColumns();
  const keys = Array.from({ length: 200 }, (_, n) => `group ${n}`);
  for (const key of keys) unsealed.keep(key, documents);
  await unsealed.idle();
  const kept = keys.filter((key) => unsealed.get(key) !== undefined).length;
  expect(kept).toBeGreaterThan(10);
  expect(2 * 1_000 * names.length * kept).toBeLessThan(33_554_432);
});

describe("a build that fails", () => {
  /** A segment that waits for its columns, and what becomes of it. */
  function waiting(publish: (change: object, carryOut: () => void) => void) {
    const parts = new Map<string, object>();
    const segment = {
      _id: "p|0",
      project: "p",
      batches: ["b"],
      isMarked: true,
      mark: "",
      dueAt: 0,
    };
    const answering = (found: readonly unknown[]) => {
      const cursor = {
        sort: () => cursor,
        limit: () => cursor,
        project: () => cursor,
        toArray: () => Promise.resolve(found),
      };
      return cursor;
    };
    const collections = {
      segments: {
        find: () => answering([{ ...segment }]),
        updateOne: async (filter: object, { $set }: { readonly $set: object }) => {
          const isMet = Object.entries(filter).every(
            ([field, value]) => segment[field as keyof typeof segment] === value,
          );
          const carryOut = () => void (isMet && Object.assign(segment, $set));
          if ("version" in $set) publish($set, carryOut);
          else carryOut();
          return Promise.resolve({ matchedCount: Number(isMet) });
        },
      },
      events: {
        find: () => answering([BSON.serialize(toDocument(event("e"), "b"))]),
      },
      segmentParts: {
        insertMany: (some: readonly { readonly _id: string }[]) => {
          for (const part of some) parts.set(part._id, part);
          return Promise.resolve();
        },
        deleteMany: ({ _id }: { readonly _id: { readonly $in: readonly string[] } }) => {
          for (const id of _id.$in) parts.delete(id);
          return Promise.resolve();
        },
      },
    };
    return { parts, segment, collections: collections as unknown as Collections };
  }

  test("leaves no columns, and is not published later", async () => {
    let late: () => void = () => undefined;
    const { parts, segment, collections } = waiting((_, carryOut) => {
      const { mark } = segment;
      late = () => void (segment.mark === mark && carryOut());
      throw new Error("the connection was lost");
    });
    await expect(buildNext(collections, 1)).rejects.toThrow("the connection was lost");
    expect([...parts.keys()]).toEqual([]);
    late();
    expect(segment).toMatchObject({ isMarked: true });
  });

  test("keeps its columns where they were published all the same", async () => {
    const { parts, segment, collections } = waiting((_, carryOut) => {
      carryOut();
      throw new Error("the connection was lost");
    });
    await expect(buildNext(collections, 1)).rejects.toThrow("the connection was lost");
    expect(segment).toMatchObject({ isMarked: false, parts: parts.size });
    expect(parts.size).toBeGreaterThan(0);
  });
});

test("columns are divided into documents of a size, whatever their names are", () => {
  const columns = ['["data","a.b$"]', "(user)", '["data","\\ud800"]', "type", "source"].map(
    (name, at) => [name, new Uint8Array(at * 40)] as const,
  );
  const parts = partsOf("p|3", "v", columns, { usual: 100, most: 200 });
  expect(parts.map(({ _id }) => _id)).toEqual(parts.map((_, part) => `p|3|v|${part}`));
  expect(parts.length).toBeGreaterThan(3);
  const kept = new Map<string, number>();
  for (const [at, part] of parts.entries()) {
    let size = 0;
    for (const [field, bytes] of Object.entries(part.columns)) {
      expect(partOfColumn(field, parts.length)).toBe(at);
      kept.set(columnOfField(field), bytes.length());
      size += field.length + bytes.length();
    }
    expect(size).toBeLessThanOrEqual(200);
  }
  expect(kept).toEqual(new Map(columns.map(([name, bytes]) => [name, bytes.length])));
  expect(parts.flatMap(({ columns: some }) => Object.keys(some)).join()).not.toMatch(/[.$]/);
});

test.each([
  ["of plain texts", event("a")],
  ["with all fields", event("b", { correlationId: "c", metadata: { userId: "ada" } })],
  ["of texts that are no ASCII", event("c", { source: "señal 👍", data: { "\ud800": ["\n"] } })],
  ["of early instants", event("d", { timestamp: 5, receivedAt: -1.5 })],
])("the row of an event %s is read from its BSON", (_, stored) => {
  const row = toRow(stored, "b");
  const toldRow = row.with(1, "").with(2, "").with(9, "");
  for (const [asked, expected] of [
    [rowFields, row],
    [toldFields, toldRow],
  ] as const) {
    expectRow(stored, asked, expected);
  }
});

function expectRow(stored: StoredEvent, asked: Partial<typeof rowFields>, expected: unknown): void {
  const document = Object.entries(toDocument(stored, "b"));
  const told = document.filter(
    ([field, value]) => asked[field as "type"] === 1 && value !== undefined,
  );
  // The driver writes whole numbers in 32 bits or as doubles; some servers send 64 bits.
  const wide = told.map(([field, value]) => [
    field,
    Number.isInteger(value) ? Long.fromNumber(value as number) : (value as unknown),
  ]);
  for (const fields of [told, told.toReversed(), wide]) {
    expect(rowFrom(BSON.serialize(Object.fromEntries(fields) as object))).toEqual(expected);
  }
}

test("of a segment only columns are fetched that tell something, and of another project's none", async () => {
  const stored = Array.from({ length: 4 }, (_, n) => event(`e${n}`, { timestamp: minute + n }));
  const { rows, complete, columns } = writtenColumns(stored);
  const known = new Map(columns);
  const fetched: (readonly string[])[] = [];
  const source: SegmentColumns = {
    fetch: (_, names) => {
      fetched.push(names);
      return Promise.resolve(
        new Map(names.flatMap((name) => (known.has(name) ? [[name, known.get(name)!]] : []))),
      );
    },
  };
  const about = { version: "v", project: "p", bytes: 1, parts: 1 };
  const segment = { ...about, id: "p|0", rows, complete, oldest: minute, newest: minute + 3 };
  const count = (filter: EventFilter) =>
    foldSegments(
      {} as Collections,
      { columns: source, unsealed: new UnsealedColumns() },
      { segments: [segment], unsealed: [], batches: [], events: 0 },
      filter,
      foldOf({ kind: "extent" }),
      { check: () => undefined },
    );
  expect(await count({ project: "p", types: ["mail.opened"] })).toBe(4);
  expect(await count({ project: "p", from: minute + 1, to: minute + 3 })).toBe(2);
  expect(await count({ project: "p", from: minute + 4 })).toBe(0);
  expect(await count({ project: "q" })).toBe(0);
  expect(fetched.map((names) => names.includes("project"))).toEqual([false, false]);
});

test("of a read whose time ran out nothing is kept: the server may have answered a part", async () => {
  const unsealed = new UnsealedColumns();
  let isOver = false;
  const cursor = {
    project: () => cursor,
    hasNext: () => {
      isOver = true;
      return Promise.resolve(false);
    },
    async *[Symbol.asyncIterator]() {},
    close: () => Promise.resolve(),
  };
  const group = { key: "g", batches: ["b"], bytes: 100 };
  const fold = foldSegments(
    { events: { find: () => cursor } } as unknown as Collections,
    { columns: { fetch: () => Promise.resolve(undefined) }, unsealed },
    { segments: [], unsealed: [group], batches: [], events: 1 },
    { project: "p" },
    foldOf({ kind: "extent" }),
    {
      check: () => {
        if (isOver) throw new TimedOut("over");
      },
    },
  );
  await expect(fold).rejects.toThrow(TimedOut);
  await unsealed.idle();
  expect(unsealed.lacks("g")).toBe(true);
});
