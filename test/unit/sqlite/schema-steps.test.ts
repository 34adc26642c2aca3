import { hash } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { queueSchema } from "../../../lib/queue/embedded/schema.ts";
import { migrate, NewerSchema, type SchemaSteps } from "../../../lib/sqlite/schema-steps.ts";
import { storeSchema } from "../../../lib/store/sqlite/schema.ts";
import { oldVersions, unpackFolder } from "../../fixtures/old-folder.ts";

/**
 * What the tables of each version look like. A version that was released is never another: a change
 * of the schema is a step more, which gets a line of its own here.
 */
const fingerprints: Readonly<Record<string, readonly string[]>> = {
  store: [
    "0170b11189bc",
    "f8fe10d2b85d",
    "dacdd6a5f2cf",
    "4419ebc0f1e7",
    "c75168fe3ae3",
    "c75168fe3ae3",
    "728862236906",
    "0c4fde4e7603",
    "946bbe1d904a",
    "1b0970102077",
    "8a7cdd2eb7ab",
    "1e060c8173ce",
    "4126e4d75281",
  ],
  queue: ["60919aed47c0", "323064bdb657"],
};

/** The tables and indexes as SQL, without comments and layout. */
function shapeOf(db: DatabaseSync): readonly string[] {
  const rows = db
    .prepare("SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL ORDER BY name")
    .all();
  return rows.map(({ sql }) =>
    String(sql).replaceAll(/--.*$/gm, "").replaceAll(/\s+/g, " ").trim(),
  );
}

describe.each<[string, SchemaSteps]>([
  ["store", storeSchema],
  ["queue", queueSchema],
])("the schema of the %s", (name, steps) => {
  test("has a fingerprint for each of its versions, and released ones stay as they are", () => {
    const found = steps.map((_, at) => {
      const db = new DatabaseSync(":memory:");
      migrate(db, name, steps.slice(0, at + 1) as unknown as SchemaSteps);
      return hash("sha256", shapeOf(db).join("\n")).slice(0, 12);
    });
    expect(found).toEqual(fingerprints[name]);
  });

  test("is the same in a file that was migrated as in a new one", async () => {
    const fresh = new DatabaseSync(":memory:");
    migrate(fresh, name, steps);
    const folder = await mkdtemp(join(tmpdir(), "schema-"));
    try {
      for (const version of oldVersions) {
        await unpackFolder(version, join(folder, version));
        const old = new DatabaseSync(join(folder, version, `${name}.sqlite`));
        migrate(old, name, steps);
        expect(shapeOf(old)).toEqual(shapeOf(fresh));
        old.close();
      }
    } finally {
      await rm(folder, { recursive: true });
    }
  });
});

describe("steps", () => {
  const steps: SchemaSteps = ["CREATE TABLE a (x)", "CREATE TABLE b (x)"];

  test("are taken all or none, and only those that a file lacks", () => {
    const db = new DatabaseSync(":memory:");
    migrate(db, "file", ["CREATE TABLE a (x)"]);
    expect(() => migrate(db, "file", [...steps, "no SQL"])).toThrow(/syntax/);
    expect(shapeOf(db)).toEqual(["CREATE TABLE a (x)"]);
    migrate(db, "file", steps);
    migrate(db, "file", steps);
    expect(shapeOf(db)).toEqual(steps);
  });

  test("of a version that is not known are refused by name", () => {
    const db = new DatabaseSync(":memory:");
    migrate(db, "file", [...steps, "CREATE TABLE c (x)"]);
    expect(() => migrate(db, "/data/file", steps)).toThrow(NewerSchema);
    expect(() => migrate(db, "/data/file", steps)).toThrow(/\/data\/file.*schema 3.*knows 2/);
  });
});
