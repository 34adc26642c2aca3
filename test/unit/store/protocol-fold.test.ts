import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Database } from "../../../lib/store/sqlite/database.ts";
import { fold, planFold, sumDeltas } from "../../../lib/store/sqlite/delta-sums.ts";
import { putDeltas } from "../../../lib/store/sqlite/deltas.ts";
import { cellsRow } from "../../../lib/store/rows.ts";
import type { BucketRow } from "../../../lib/store/sqlite/marks.ts";
import { cells, minute } from "../../contract/store-harness.ts";

const bucket: BucketRow = ["p", "minute", minute];
const folder = mkdtempSync(join(tmpdir(), "store-fold-"));
const file = join(folder, "store.sqlite");
const writer = new Database({ file, create: true, role: "writer" });

afterAll(() => {
  writer.close();
  rmSync(folder, { recursive: true });
});

const put = (from: number, count: number) =>
  writer.transaction((db) =>
    putDeltas(
      db,
      Array.from({ length: count }, (_, i) => [
        "p",
        minute,
        `b${from + i}`,
        ...cellsRow(cells({ a: 1, [`t${(from + i) % 3}`]: 1 })),
      ]),
      [],
    ),
  );
const sum = () => writer.transaction((db) => sumDeltas(db, bucket));
const plan = () => writer.transaction((db) => planFold(db, bucket));

test("a fold does nothing where another one came between its plan and it", () => {
  put(0, 10);
  expect(plan()).toBeUndefined();
  put(10, 40);
  const early = plan()!;
  put(50, 40);
  const late = plan()!;
  expect([early.batches.length, late.batches.length]).toEqual([50, 90]);
  const before = sum();
  expect(JSON.parse(before.cells)).toMatchObject({ types: { a: 90 } });
  writer.transaction((db) => fold(db, bucket, late));
  expect(sum()).toEqual(before);
  writer.transaction((db) => fold(db, bucket, early));
  expect(sum()).toEqual(before);
  writer.transaction((db) => fold(db, bucket, late));
  expect(sum()).toEqual(before);
  expect(plan()).toBeUndefined();

  // What came since is added to what is folded.
  put(90, 40);
  const next = sum();
  const more = plan()!;
  expect(more.batches).toHaveLength(40);
  writer.transaction((db) => fold(db, bucket, more));
  expect(sum()).toEqual(next);
  expect(next.v).toBe(130);
});
