import { DatabaseSync } from "node:sqlite";
import type { BreakdownJob } from "../../lib/questions/query/breakdown.ts";
import { pack } from "../../lib/store/rows.ts";
import { chunkSize } from "../../lib/store/sqlite/schema.ts";
import { eventually } from "../support/eventually.ts";
import { SqliteHarness } from "../fixtures/sqlite-store.ts";
import { comparable, folded } from "./store-analyze.contract.ts";
import { type EventQuery, meetsFilter } from "../../lib/event/filter.ts";
import type { SqliteStore } from "../../lib/store/sqlite/sqlite-store.ts";
import { event, ids, minute } from "./store-harness.ts";

const filters = [
  {},
  { types: ["a"] },
  { from: minute + chunkSize - 10, to: minute + 2 * chunkSize + 10 },
  { where: [{ path: ["id"], op: "starts_with", value: "e1" } as const] },
];

/** Whose events are asked for, whatever tells where they are. */
const owned = [
  { userId: "u7" },
  { userId: "u7", types: ["a"] },
  { userId: "nobody" },
  { correlationId: "c1", order: "desc" },
  { correlationId: "c1", from: minute + chunkSize - 10_000, limit: 20 },
  { correlationId: "c1", userId: "u998" },
] as const satisfies readonly Partial<EventQuery>[];

const byPlan: BreakdownJob = {
  kind: "breakdown",
  metrics: [{ op: "count" }, { op: "uniques" }, { op: "sum", path: ["data", "n"] }],
  dimensions: [{ path: ["data", "plan"] }],
  totals: true,
  maxGroups: 100,
};

/** More than two chunks of events, a thousand stored at a time. */
const stored = Array.from({ length: 2 * chunkSize + 500 }, (_, i) =>
  event(`e${i}`, {
    type: i % 3 === 0 ? "a" : "b",
    timestamp: minute + i,
    metadata: { userId: `u${i % 999}` },
    ...(i % 500 === 1 && { correlationId: `c${i % 3}` }),
    data: { plan: `plan ${i % 7}`, n: i },
  }),
);

function chunksTold(file: string): number {
  const db = new DatabaseSync(file, { readOnly: true });
  try {
    const { count } = db.prepare("SELECT count(DISTINCT chunk) AS count FROM columns").get()!;
    return count as number;
  } finally {
    db.close();
  }
}

async function ownersAnswer(store: SqliteStore): Promise<void> {
  for (const query of owned) {
    const whole = { project: "p", order: "asc", limit: 10_000, ...query } as const;
    const expected = stored.filter((one) => meetsFilter(one, whole)).map(({ id }) => id);
    if (whole.order === "desc") expected.reverse();
    expect(ids(await store.events(whole))).toEqual(expected.slice(0, whole.limit));
    expect(await store.countEvents(whole)).toBe(expected.length);
  }
  const entities = await store.adapter().find({ query: { correlationId: "c1" } });
  expect(ids(entities).sort()).toEqual(
    ids(stored.filter(({ correlationId }) => correlationId === "c1")).sort(),
  );
}

test("full chunks get columns in the background, also those of before; answers are the same with them and without", async () => {
  const harness = await SqliteHarness.open();
  try {
    const store = await harness.open();
    for (let at = 0; at < stored.length; at += 1_000) {
      await store.append("b", stored.slice(at, at + 1_000));
    }
    await eventually(() => expect(chunksTold(harness.file)).toBe(2));
    const answers = async (of: typeof store) => {
      await ownersAnswer(of);
      for (const filter of filters) {
        const { result, events } = await of.analyze({ project: "p", ...filter }, byPlan, {
          timeoutMs: 60_000,
        });
        expect({ events, ...comparable(result as never) }).toEqual(folded(stored, filter, byPlan));
      }
    };
    await answers(store);
    // Both chunks' columns of projects, plans, n, users and their hashes; and the rest.
    const whole = (await store.cost({ project: "p" }, byPlan))!;
    expect(whole).toMatchObject({ columns: 10, rows: 501 });
    expect(whole.bytes).toBeGreaterThan(chunkSize / 4);
    // One chunk alone, of which the instants are needed, too.
    const from = minute + 10;
    const part = (await store.cost({ project: "p", from, to: from + 1 }, byPlan))!;
    expect(part).toMatchObject({ columns: 6, rows: 0 });
    expect(await store.cost({ project: "p", userId: "u7" }, byPlan)).toBeUndefined();
    await store.close();

    const db = new DatabaseSync(harness.file);
    db.exec("DELETE FROM columns");
    db.close();
    const again = await harness.open();
    await answers(again);
    await eventually(() => expect(chunksTold(harness.file)).toBe(2));
    await answers(again);
  } finally {
    await harness.dispose();
  }
});

/** Sources that JSON, or a column, has in another form. */
const oddSources = ['"\\', "a\u0000b", "\u0001", "\ud800", "\u{1f600}\n"];

test("chunks of packed batches get columns, too, whatever their texts are", async () => {
  const harness = await SqliteHarness.open();
  try {
    const store = await harness.open();
    const packed = stored.slice(0, chunkSize).map((one, at) => {
      const source = oddSources[at % 100];
      return source === undefined ? one : { ...one, source };
    });
    for (let at = 0; at < chunkSize; at += 1_024) {
      const events = packed.slice(at, at + 1_024);
      await store.keepWhole(pack({ batch: `b${at}`, project: "p", events, deltas: [] }));
    }
    await eventually(() => expect(chunksTold(harness.file)).toBe(1));
    for (const source of oddSources) {
      const filter = { project: "p", sources: [source] };
      const { result, events } = await store.analyze(filter, byPlan, { timeoutMs: 60_000 });
      const expected = packed.filter((one) => one.source === source);
      expect({ events, ...comparable(result as never) }).toEqual(folded(expected, {}, byPlan));
    }
  } finally {
    await harness.dispose();
  }
});
