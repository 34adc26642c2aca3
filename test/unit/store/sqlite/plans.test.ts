import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { append } from "../../../../lib/store/sqlite/append.ts";
import { Database, type Row, type Value } from "../../../../lib/store/sqlite/database.ts";
import { noFloors } from "../../../../lib/counting/floors.ts";
import { below, dropEvents } from "../../../../lib/store/sqlite/retention.ts";
import { toRow } from "../../../../lib/store/rows.ts";
import { scansOf } from "../../../../lib/store/sqlite/scan.ts";
import { chunkSize } from "../../../../lib/store/sqlite/schema.ts";
import type { EventQuery } from "../../../../lib/event/filter.ts";
import { event, minute } from "../../../contract/store-harness.ts";

const folder = mkdtempSync(join(tmpdir(), "store-plans-"));
const options = { file: join(folder, "store.sqlite"), create: true };
const writer = new Database({ ...options, role: "writer" });
const reader = new Database({ ...options, role: "reader" });

beforeAll(() => {
  const rows = Array.from({ length: 3 * chunkSize }, (_, n) =>
    toRow(
      event(`e${n}`, {
        timestamp: minute + n,
        ...(n % 1_000 === 151 && { correlationId: "c", metadata: { userId: "u" } }),
      }),
      "b",
    ),
  );
  writer.transaction((db) => append(db, "b", rows, [], []));
});

afterAll(() => {
  reader.close();
  writer.close();
  rmSync(folder, { recursive: true });
});

/** How SQLite goes about each scan of a query, in the order of the query. */
function plansOf(query: Partial<EventQuery>): string[] {
  const asked = { project: "p", order: "desc", limit: 10, ...query } as const;
  return reader.transaction((db) =>
    [...scansOf(db, asked)].map(({ sql, parameters }) => {
      const explain = `EXPLAIN QUERY PLAN SELECT seq, timestamp, id ${sql}
        ORDER BY timestamp ${asked.order}, id ${asked.order}`;
      return db
        .all(explain, ...parameters)
        .map((row) => row[3])
        .join("; ");
    }),
  );
}

const after = { timestamp: minute + 5, id: "e" };
const where = [{ path: ["data", "plan"], op: "is", values: ["pro"] }] as const;

describe("a page of events", () => {
  test.each<[string, Partial<EventQuery>, string]>([
    ["all", {}, "COVERING INDEX events_by_time (project=?)"],
    [
      "a range",
      { from: 1, to: 2 },
      "COVERING INDEX events_by_time (project=? AND timestamp>? AND timestamp<?)",
    ],
    ["at depth", { after }, "COVERING INDEX events_by_time (project=? AND (timestamp,id)<(?,?))"],
    [
      "at depth of a range",
      { after, from: 1, to: 2, order: "asc" },
      "events_by_time (project=? AND (timestamp,id)>(?,?) AND timestamp<?)",
    ],
    ["of a type", { types: ["a"] }, "COVERING INDEX events_by_type (project=? AND type=?)"],
    [
      "of a type at depth",
      { types: ["a"], after },
      "COVERING INDEX events_by_type (project=? AND type=? AND (timestamp,id)<(?,?))",
    ],
    ["by property", { where }, "INDEX events_by_time (project=?)"],
    [
      "by source",
      { sources: ["a", "b"], types: ["a"] },
      "INDEX events_by_type (project=? AND type=?)",
    ],
  ])("is one walk along an index, without sorting: %s", (_, query, expected) => {
    const plans = plansOf(query);
    expect(plans).toHaveLength(1);
    expect(plans[0]).toContain(expected.replace("COVERING ", ""));
    if (expected.startsWith("COVERING")) expect(plans[0]).toContain("COVERING");
    expect(plans[0]).not.toContain("TEMP B-TREE");
  });

  test("of several types is one such walk for each, and each type once", () => {
    const plans = plansOf({ types: ["a", "b", "a"], order: "asc", after });
    expect(plans).toHaveLength(2);
    for (const plan of plans) {
      expect(plan).toContain("events_by_type (project=? AND type=? AND (timestamp,id)>(?,?))");
      expect(plan).not.toContain("TEMP B-TREE");
    }
  });

  test.each<[string, Partial<EventQuery>]>([
    ["a user", { userId: "u" }],
    ["a correlation", { correlationId: "c" }],
  ])(
    "of %s looks up places in the chunks that the range touches, the first one alone",
    (_, query) => {
      const all = plansOf({ ...query, after });
      expect(all).toHaveLength(1);
      const plans = plansOf(query);
      // Chunks 0 to 3: one, one, and the other two together.
      expect(plans).toHaveLength(3);
      for (const plan of plans) expect(plan).toContain("USING INTEGER PRIMARY KEY (rowid=?)");
      const ofFirst = { from: minute, to: minute + 10 };
      expect(plansOf({ ...query, ...ofFirst })).toHaveLength(1);
      expect(plansOf({ ...query, from: minute + 3 * chunkSize - 1 })).toHaveLength(1);
      expect(plansOf({ ...query, from: minute + 3 * chunkSize })).toHaveLength(0);
    },
  );

  test.each<[string, Partial<EventQuery>]>([
    ["a user", { userId: "nobody" }],
    ["a correlation", { correlationId: "none" }],
  ])("of %s that is nowhere takes none", (_, query) => {
    expect(plansOf(query)).toEqual([]);
  });

  test("of nothing takes no walk at all", () => {
    expect(plansOf({ types: [] })).toEqual([]);
    expect(plansOf({ sources: [] })).toEqual([]);
    expect(plansOf({ where: [{ path: ["data", "x"], op: "is", values: [] }] })).toEqual([]);
  });
});

/** A writer that keeps the plans of what it does with events. */
class Planning extends Database {
  readonly plans: string[] = [];

  override all(sql: string, ...parameters: readonly Value[]): readonly Row[] {
    this.#explain(sql, parameters);
    return super.all(sql, ...parameters);
  }

  override get(sql: string, ...parameters: readonly Value[]): Row | undefined {
    this.#explain(sql, parameters);
    return super.get(sql, ...parameters);
  }

  #explain(sql: string, parameters: readonly Value[]): void {
    if (!/FROM events\s+WHERE (project|.*timestamp < )/.test(sql)) return;
    const rows = super.all(`EXPLAIN QUERY PLAN ${sql}`, ...parameters);
    this.plans.push(rows.map((row) => row[3]).join("; "));
  }
}

test.each([
  ["of one type alone", { "mail.opened": minute }, null],
  ["of all types but some", { kept: null }, minute],
  ["of all types", {}, minute],
])("dropping old events %s passes over none that stay", (_, types, events) => {
  const planning = new Planning({ ...options, role: "writer" });
  try {
    planning.transaction((db) => dropEvents(db, "p", { ...noFloors, events, types }, 10));
    planning.transaction((db) => below(db, "p", { ...noFloors, events, types }));
    expect(planning.plans.length).toBeGreaterThanOrEqual(2);
    const isOfAll = Object.keys(types).length === 0;
    for (const plan of planning.plans) {
      const walk = isOfAll
        ? "events_by_time (project=? AND timestamp<?)"
        : "events_by_type (project=? AND type=? AND timestamp<?)";
      expect(plan).toContain(walk);
      expect(plan).not.toMatch(isOfAll ? /events_by_type/ : /events_by_time/);
    }
  } finally {
    planning.close();
  }
});
