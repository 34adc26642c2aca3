import fc from "fast-check";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { append } from "../../../../lib/store/sqlite/append.ts";
import { Database } from "../../../../lib/store/sqlite/database.ts";
import { toRow } from "../../../../lib/store/rows.ts";
import { event } from "../../../contract/store-harness.ts";
import type { Position } from "../../../../lib/event/event-page.ts";
import {
  anyOrder,
  idForms,
  idText,
  isEarlier,
  narrowId,
} from "../../../../lib/store/sqlite/narrow.ts";

const db = new DatabaseSync(":memory:");
db.exec("CREATE TABLE t (timestamp INTEGER, id ANY) STRICT");
afterAll(() => db.close());

const uuid = fc.uuid().map((id) => id.toLowerCase());
const character = fc.constantFrom(..."abcdefABCDEF0123456789._:@/+-gz");
const ids = fc.oneof(
  uuid,
  uuid.map((id) => id.toUpperCase()),
  uuid.map((id) => id.replaceAll("-", "")),
  // Of a UUID's length or almost, with one character that is wrong.
  fc
    .tuple(uuid, fc.nat({ max: 36 }), character)
    .map(([id, at, other]) => id.slice(0, at) + other + id.slice(at + 1)),
  fc.string({ unit: character, minLength: 1, maxLength: 128 }),
);
const lowerUuid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

describe("an id in a file", () => {
  test("is 16 bytes where it is a UUID in lower case, and is read as it was", () => {
    fc.assert(
      fc.property(ids, (id) => {
        const kept = narrowId(id);
        expect(kept instanceof Uint8Array && kept.length === 16).toBe(lowerUuid.test(id));
        for (const form of idForms(id)) {
          db.exec("DELETE FROM t");
          db.prepare("INSERT INTO t VALUES (0, ?)").run(form);
          expect(db.prepare(`SELECT ${idText("id")} AS id FROM t`).get()!["id"]).toBe(id);
        }
      }),
      { numRuns: 2_000 },
    );
  });
});

describe("the order of events", () => {
  const positions = fc.uniqueArray(
    fc.record({ timestamp: fc.nat({ max: 3 }), id: fc.oneof(ids, uuid) }),
    { maxLength: 40, selector: ({ id }) => id },
  );

  /** The ids in SQLite's order. */
  function sorted(all: readonly Position[], columns: readonly string[], isNarrow: boolean) {
    db.exec("DELETE FROM t");
    const insert = db.prepare("INSERT INTO t VALUES (?, ?)");
    for (const { timestamp, id } of all) insert.run(timestamp, isNarrow ? narrowId(id) : id);
    const rows = db
      .prepare(`SELECT ${idText("id")} AS told FROM t ORDER BY ${columns.join()}`)
      .all();
    return rows.map(({ told }) => told);
  }

  test("is one, by the index of narrow ids, by SQL over either form, and in JavaScript", () => {
    fc.assert(
      fc.property(positions, (all) => {
        const expected = all.toSorted((a, b) => (isEarlier(a, b) ? -1 : 1)).map(({ id }) => id);
        expect(sorted(all, ["timestamp", "id"], true)).toEqual(expected);
        expect(sorted(all, anyOrder.columns, true)).toEqual(expected);
        expect(sorted(all, anyOrder.columns, false)).toEqual(expected);
      }),
    );
  });
});

test("a stored event takes a number for its project, and 16 bytes for each UUID", () => {
  const folder = mkdtempSync(join(tmpdir(), "store-narrow-"));
  const file = new Database({ file: join(folder, "store.sqlite"), create: true, role: "writer" });
  try {
    const id = "01a21d60-efd3-7b7a-b0c8-6db77c950bb7";
    const rows = [event(id), event("e", { project: "q" })].map((one) => toRow(one, id));
    file.transaction((store) => append(store, id, rows, [], []));
    const kinds = "typeof(project), length(id), length(batch)";
    expect(file.transaction((store) => store.all(`SELECT ${kinds} FROM events`))).toEqual([
      ["integer", 16, 16],
      ["integer", 1, 16],
    ]);
  } finally {
    file.close();
    rmSync(folder, { recursive: true });
  }
});
