import { mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { append } from "../../../../lib/store/sqlite/append.ts";
import { checkpoint } from "../../../../lib/store/sqlite/checkpoint.ts";
import { Database } from "../../../../lib/store/sqlite/database.ts";
import { toRow } from "../../../../lib/store/rows.ts";
import { event } from "../../../contract/store-harness.ts";

const folder = mkdtempSync(join(tmpdir(), "store-checkpoint-"));
const file = join(folder, "store.sqlite");
const writer = new Database({ file, create: true, role: "writer" });
const reader = new Database({ file, create: false, role: "reader" });
afterAll(() => {
  reader.close();
  writer.close();
  rmSync(folder, { recursive: true });
});

let next = 0;
function store(db: Database, events: number): void {
  const rows = Array.from({ length: events }, () =>
    toRow(event(`e${next++}`, { data: { text: "x".repeat(4_000) } }), "b"),
  );
  append(db, "b", rows, [], []);
}

function waiting(): number {
  const db = new DatabaseSync(file);
  const { log, checkpointed } = db.prepare("PRAGMA wal_checkpoint(NOOP)").get()!;
  db.close();
  return Number(log) - Number(checkpointed);
}

const copy = () => reader.transaction(checkpoint);

test("a long log is copied into the file while the writer is at work, a short one is not", () => {
  writer.transaction((db) => store(db, 500));
  const short = waiting();
  copy();
  expect(waiting()).toBe(short);

  writer.transaction((db) => store(db, 2_000));
  expect(waiting()).toBeGreaterThan(2_000);
  const before = statSync(file).size;
  writer.transaction((db) => {
    store(db, 10);
    copy();
    expect(waiting()).toBe(0);
    expect(statSync(file).size).toBeGreaterThan(before + 8_000_000);
    store(db, 10);
  });
  const [count] = reader.transaction((db) => db.get("SELECT count(*) FROM events"))!;
  expect(count).toBe(2_520);
});
