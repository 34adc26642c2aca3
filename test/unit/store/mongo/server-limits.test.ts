import { setTimeout as sleep } from "node:timers/promises";
import { analyze } from "../../../../lib/store/mongo/analyze.ts";
import { toDocument, type Collections } from "../../../../lib/store/mongo/documents.ts";
import { countEntities, findEntities } from "../../../../lib/store/mongo/entities.ts";
import { isTimeLimit } from "../../../../lib/store/mongo/errors.ts";
import { countEvents, events } from "../../../../lib/store/mongo/events.ts";
import { event } from "../../../contract/store-harness.ts";

const project = "p";
/** What no server can compare, so that each event is looked at here. */
const where = [{ path: ["data"], op: "exists", value: true }] as const;
const none = { where: [], sort: [], offset: 0, limit: 10 };
const count = {
  kind: "breakdown",
  metrics: [{ op: "count" }],
  dimensions: [],
  totals: false,
  maxGroups: 1,
} as const;

type Read = (from: Collections, timeoutMs: number) => Promise<unknown>;

const within = (timeoutMs: number) => ({ maxTimeMS: timeoutMs });
const reads: readonly (readonly [string, Read])[] = [
  ["events in order", (from, ms) => events(from, { project, order: "asc", limit: 10 }, within(ms))],
  ["a count by the server", (from, ms) => countEvents(from, { project }, within(ms))],
  [
    "a count of events that are read",
    (from, ms) => countEvents(from, { project, where }, within(ms)),
  ],
  ["entities", (from, ms) => findEntities(from, none, within(ms))],
  [
    "entities that are sorted here",
    (from, ms) => findEntities(from, { ...none, where }, within(ms)),
  ],
  ["a count of entities", (from, ms) => countEntities(from, none, within(ms))],
  [
    "a fold",
    (from, ms) => analyze(from, { project }, count, { timeoutMs: ms }, { pushDown: false }),
  ],
  [
    "a pipeline",
    (from, ms) => analyze(from, { project }, count, { timeoutMs: ms }, { pushDown: true }),
  ],
];

/** Answers the first of more documents after so long, as FerretDB may when it stops a read. */
function serverAfter(tookMs: number): Collections {
  const cursor = {
    sort: () => cursor,
    skip: () => cursor,
    limit: () => cursor,
    batchSize: () => cursor,
    project: () => cursor,
    toArray: async () => {
      await sleep(tookMs);
      return [toDocument(event("a"), "batch")];
    },
    async *[Symbol.asyncIterator]() {
      yield* await cursor.toArray();
    },
  };
  const countDocuments = async () => (await cursor.toArray()).length;
  const collection = { find: () => cursor, aggregate: () => cursor, countDocuments };
  return { events: collection } as unknown as Collections;
}

describe("where a server answers late, and so perhaps only what it had found until it stopped", () => {
  test.each(reads)("%s: refused", async (_, read) => {
    const failure = await read(serverAfter(40), 20).catch((error: unknown) => error);
    const { type } = failure as { readonly type?: string };
    expect(isTimeLimit(failure) || type === "QUERY_TOO_EXPENSIVE").toBe(true);
  });

  test.each(reads)("%s: answered where it is in time", async (_, read) => {
    await expect(read(serverAfter(0), 60_000)).resolves.toBeDefined();
  });
});
