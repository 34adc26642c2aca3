import { BSON } from "mongodb";
import { toDocument } from "../../../../lib/store/mongo/documents.ts";
import { rowFields, toldFields } from "../../../../lib/store/mongo/segments/raw-rows.ts";
import { event, minute } from "../../../contract/store-harness.ts";
import { foldOver } from "../../../support/fold-over.ts";
import { funnelOf } from "../../../support/jobs.ts";
import { meetsFilter, type EventFilter } from "../../../../lib/event/filter.ts";
import { foldOf, type FoldJob } from "../../../../lib/questions/folds.ts";
import type { Manifest } from "../../../../lib/store/manifest.ts";
import type { Collections } from "../../../../lib/store/mongo/documents.ts";
import { foldSegments } from "../../../../lib/store/mongo/segments/fold.ts";
import { UnsealedColumns } from "../../../../lib/store/mongo/segments/unsealed-columns.ts";

describe("of many events that are in no segment", () => {
  const stored = Array.from({ length: 40 }, (_, n) =>
    event(`e${n}`, {
      type: n % 3 === 0 ? "a" : "b",
      source: n % 2 === 0 ? "web" : "\ud800",
      timestamp: minute + n,
      metadata: { userId: `u${n % 7}` },
      data: {
        plan: n % 4 === 0 ? "$0" : `plan ${n % 4}`,
        tags: ["x", `${n % 3}`],
      },
      ...(n % 5 === 0 && { correlationId: `c${n % 10}` }),
    }),
  );

  /** A database with these events, and the fields that each command asked for. */
  function database() {
    const asked: (readonly string[])[] = [];
    const find = () => ({
      project: ({ _id: _, ...fields }: Record<string, number>) => {
        asked.push(Object.keys(fields).toSorted());
        const found = stored.map((one) => {
          const document = Object.entries(toDocument(one, "b"));
          return BSON.serialize(Object.fromEntries(document.filter(([field]) => field in fields)));
        });
        return {
          hasNext: () => Promise.resolve(true),
          async *[Symbol.asyncIterator]() {
            yield* found;
          },
          readBufferedDocuments: () => [],
          toArray: () => Promise.resolve(found),
          close: () => Promise.resolve(),
        };
      },
    });
    return { asked, collections: { events: { find } } as never as Collections };
  }

  const uniques: FoldJob = {
    kind: "breakdown",
    dimensions: [{ path: ["source"] }],
    metrics: [{ op: "uniques" }],
    totals: true,
    maxGroups: 100,
  };
  const byPlan: FoldJob = { ...uniques, dimensions: [{ path: ["data", "plan"] }] };
  const byTag: FoldJob = { ...uniques, dimensions: [{ path: ["data", "tags", null] }] };
  const steps = funnelOf({ steps: [{ type: "a" }, { type: "b" }] });
  const isPlan1 = { path: ["data", "plan"], op: "is", values: ["plan 1"] } as const;
  const isE1 = { path: ["id"], op: "is", values: ["e1"] } as const;
  const many = 2_000_000;
  const none: Manifest = { segments: [], unsealed: [], batches: [], events: stored.length };
  const sorted = (fields: object) =>
    Object.keys(fields)
      .filter((field) => field !== "_id")
      .toSorted();
  const [whole, told] = [sorted(rowFields), sorted(toldFields)];

  async function ask(
    collections: Collections,
    unsealed: UnsealedColumns,
    manifest: Manifest,
    job: FoldJob,
    filter: Partial<EventFilter> = {},
  ) {
    const fold = foldOf(job);
    const count = await foldSegments(
      collections,
      { columns: { fetch: () => Promise.resolve(undefined) }, unsealed },
      manifest,
      { project: "p", ...filter },
      fold,
      { check: () => undefined },
    );
    return { count, result: fold.finish() };
  }

  test("what may not be kept is never read whole", async () => {
    const { asked, collections } = database();
    const unsealed = new UnsealedColumns();
    const { count } = await ask(collections, unsealed, { ...none, batches: ["b"] }, uniques);
    expect(count).toBe(stored.length);
    await unsealed.idle();
    expect(asked).toEqual([["source", "timestamp", "userId"]]);
  });

  test.each<[string, FoldJob, Partial<EventFilter>, number, readonly (readonly string[])[]]>([
    ["of fields alone", uniques, {}, many, [["source", "timestamp", "userId"], told]],
    [
      "of fields that its filter names",
      steps,
      { types: ["a", "b"], sources: ["web"], correlationId: "c0", from: minute + 3 },
      many,
      [["correlationId", "source", "timestamp", "type", "userId"], told],
    ],
    [
      "of fields that its conditions name",
      { ...steps, by: "correlationId" },
      { where: [{ path: ["receivedAt"], op: "gte", value: minute }] },
      many,
      [["correlationId", "receivedAt", "timestamp", "type"], told],
    ],
    ["bodies, to group by properties", byPlan, {}, many, [["body", "timestamp", "userId"], told]],
    [
      "bodies, where its conditions name properties",
      steps,
      { where: [isPlan1] },
      many,
      [["body", "timestamp", "type", "userId"], told],
    ],
    ["bodies, for elements of lists", byTag, {}, many, [["body", "timestamp", "userId"], told]],
    [
      "bodies, of one user",
      steps,
      { userId: "u1" },
      many,
      [["body", "timestamp", "type", "userId"], told],
    ],
    ["whole, where they are few", uniques, {}, 500_000, [whole]],
    [
      "of ids, which no column has",
      uniques,
      { where: [isE1] },
      many,
      [["id", "source", "timestamp", "userId"], told],
    ],
  ])("a question reads what it needs: %s", async (_, job, filter, bytes, expected) => {
    const { asked, collections } = database();
    const unsealed = new UnsealedColumns();
    const manifest = { ...none, unsealed: [{ key: "g", batches: ["b"], bytes }] };
    const met = stored.filter((one) => meetsFilter(one, filter));
    const answer = { count: met.length, result: foldOver(foldOf(job), met) };
    expect(await ask(collections, unsealed, manifest, job, filter)).toEqual(answer);
    await unsealed.idle();
    expect(asked).toEqual(expected);
    expect(unsealed.get("g")).toMatchObject({ rows: stored.length });
    const { count } = await ask(collections, unsealed, manifest, job, filter);
    expect(count).toBe(answer.count);
    // Columns have neither ids nor elements of lists.
    const isReadAgain = job === byTag || filter.where?.includes(isE1) === true;
    expect(asked).toHaveLength(expected.length + Number(isReadAgain));
  });
});
