import type { StoredEvent } from "../../lib/event/event.ts";
import { collectionsOf, type Collections } from "../../lib/store/mongo/documents.ts";
import type { MongoStore } from "../../lib/store/mongo/mongo-store.ts";
import { buildNext } from "../../lib/store/mongo/segments/build.ts";
import { notDue } from "../../lib/store/mongo/segments/documents.ts";
import { mergeNext } from "../../lib/store/mongo/segments/merge.ts";
import { seal } from "../../lib/store/mongo/segments/seal.ts";
import { comparable, folded } from "../contract/store-analyze.contract.ts";
import { event, minute } from "../contract/store-harness.ts";
import { MongoHarness } from "../fixtures/mongo-store.ts";
import { declaredIndexes, Searches } from "../fixtures/mongo-searches.ts";
import { inPairs, sealAll } from "../fixtures/sealed-store.ts";
import { describeWith } from "../../tools/servers/installed.ts";
import { startFerretdb, startMongoJava, type RunningServer } from "../../tools/servers/servers.ts";
import type { BreakdownJob } from "../../lib/questions/query/breakdown.ts";

const dayMs = 86_400_000;

/** When what is stored by then is old enough to be sealed. */
const later = () => Date.now() + dayMs + 60_000;
const patient = { timeoutMs: 60_000 };
const refusal = { at: minute + 1_000, reusable: false };
const byN: BreakdownJob = {
  kind: "breakdown",
  metrics: [{ op: "count" }, { op: "uniques" }],
  dimensions: [{ path: ["data", "n"] }],
  totals: true,
  maxGroups: 100,
};

const made = (n: number, project: string, batch: string): StoredEvent => ({
  ...event(`e${n}`, {
    project,
    timestamp: minute + n,
    metadata: { userId: `u${n % 3}` },
    data: { n },
  }),
  batch,
});

/** Makes a segment of some events that are a batch. */
async function sealOne(store: MongoStore, some: readonly StoredEvent[], now: number) {
  const [{ project, batch }] = some as [StoredEvent];
  const collections = collectionsOf(store.db);
  await store.append(batch, some);
  await seal(collections, project, now);
  while ((await buildNext(collections, now)) !== undefined);
}

async function expectAnswer(store: MongoStore, held: readonly StoredEvent[]): Promise<void> {
  const { project } = held[0]!;
  for (const filter of [{}, { from: minute + 1, to: minute + 3 }]) {
    const told = await store.analyze({ project, ...filter }, byN, patient);
    expect({ events: told.events, ...comparable(told.result) }).toEqual(folded(held, filter, byN));
  }
}

const writes = ["insertMany", "updateOne", "updateMany", "deleteMany", "bulkWrite"];

/** The collections of a process to which something happens before a write and each later one. */
function before(
  write: number,
  happens: () => Promise<void>,
  collections: Collections,
): Collections {
  let made = 0;
  const watched = (collection: object) =>
    new Proxy(collection, {
      get(target, name) {
        const value: unknown = Reflect.get(target, name, target);
        if (typeof value !== "function") return value;
        const method = value.bind(target) as (...args: unknown[]) => unknown;
        if (!writes.includes(String(name))) return method;
        return async (...args: unknown[]) => {
          if (made++ >= write) await happens();
          return method(...args);
        };
      },
    });
  const entries = Object.entries(collections).map(([name, each]) => [
    name,
    watched(each as object),
  ]);
  return Object.fromEntries(entries) as Collections;
}

const dies = () => Promise.reject(new Error("the process died"));

async function mergeAll(collections: Collections, now: number): Promise<void> {
  while ((await mergeNext(collections, now, inPairs)) !== undefined);
}

function mergingTests(name: "ferretdb" | "mongo-java", start: () => Promise<RunningServer>): void {
  describeWith([name], `merged segments on ${name}`, () => {
    const searches = new Searches();
    let server: RunningServer;
    beforeAll(async () => {
      server = await start();
    });
    afterAll(() => server?.stop());

    /** A store of small segments, each of which is merged with its neighbour. */
    const onStore =
      (test: (store: MongoStore, collections: Collections) => Promise<void>) => async () => {
        const harness = (await MongoHarness.behindCable(server.url)).watchedBy(searches);
        try {
          const store = await harness.open({ adoptsAfterMs: 0, bundleLimits: inPairs });
          await sealAll(store);
          await test(store, collectionsOf(store.db));
        } finally {
          await harness.dispose();
        }
      };

    test(
      "questions read two small segments as one, each for itself where events are erased, and as one again",
      onStore(async (store, { segments, segmentParts }) => {
        const now = later();
        const held = [0, 1, 2, 3, 4, 5].map((n) => made(n, "p", `b${n >> 1}`));
        for (const at of [0, 2, 4]) await sealOne(store, held.slice(at, at + 2), now);
        const mergeIt = async () => {
          // A segment that was marked rests for a moment.
          for (const restMs of [0, 10_000]) while ((await store.seal(later() + restMs)).isMore);
        };
        const read = async () =>
          (await store.parts.manifest({ project: "p" }))!.segments.map(({ id }) => id).toSorted();
        expect(await read()).toEqual(["p|0", "p|1", "p|2"]);
        await mergeIt();
        expect(await read()).toEqual(["p|2", "p|b0"]);
        await expectAnswer(store, held);
        const cost = await store.cost({ project: "p" }, byN);
        expect(cost).toMatchObject({ rows: 0, columns: 6 });

        await store.erase("p", held.slice(0, 1), refusal);
        const manifest = (await store.parts.manifest({ project: "p" }))!;
        expect(manifest.segments.map(({ id }) => id).toSorted()).toEqual(["p|1", "p|2"]);
        expect(manifest.batches).toEqual(["b0"]);
        await expectAnswer(store, held.slice(1));

        const [bundled] = await segmentParts
          .find({ _id: { $gt: "p|b0|", $lt: "p|b0}" } })
          .toArray();
        while ((await buildNext(collectionsOf(store.db), later())) !== undefined);
        expect(await segmentParts.findOne({ _id: bundled!._id })).toBeNull();
        expect(await read()).toEqual(["p|0", "p|1", "p|2"]);
        await mergeIt();
        expect(await read()).toEqual(["p|2", "p|b0"]);
        await expectAnswer(store, held.slice(1));

        // A batch of a merged segment that comes again brings an event of another time.
        const late = { ...made(9, "p", "b1"), timestamp: minute + 86_400_000 };
        await store.append("b1", [...held.slice(2, 4), late]);
        expect(await read()).toEqual(["p|0", "p|2"]);
        await expectAnswer(store, [...held.slice(1), late]);
        await mergeIt();
        expect(await read()).toEqual(["p|2", "p|b0"]);
        const { from, to } = { from: late.timestamp, to: late.timestamp + 1 };
        expect((await store.analyze({ project: "p", from, to }, byN, patient)).events).toBe(1);
        const due = (await segments.find({ project: "p" }).toArray()).map(({ dueAt }) => dueAt);
        expect(due.filter((at) => at === notDue.closed)).toHaveLength(2);
      }),
    );

    test(
      "a merger that dies before any of its writes leaves the answers as they are, and another one goes on",
      onStore(async (store, collections) => {
        let now = later();
        let isDead = true;
        let write = 0;
        // FerretDB on SQLite takes seconds for what takes milliseconds elsewhere.
        for (; isDead; write += name === "ferretdb" ? 3 : 1) {
          const project = `p${write}`;
          const held = [0, 1, 2, 3].map((n) => made(n, project, `${project} b${n >> 1}`));
          for (const at of [0, 2]) await sealOne(store, held.slice(at, at + 2), now);
          isDead = await mergeAll(before(write, dies, collections), now).then(
            () => false,
            () => true,
          );
          await expectAnswer(store, held);
          const [gone, ...left] = held;
          await store.erase(project, [gone!], refusal);
          await expectAnswer(store, left);

          now += 2 * dayMs;
          while ((await buildNext(collections, now)) !== undefined);
          await mergeAll(collections, now);
          await expectAnswer(store, left);
          const segments = await collections.segments.find({ project }).toArray();
          expect(segments.map(({ dueAt }) => dueAt)).toEqual([notDue.closed, notDue.closed]);
          const [bundle] = await collections.bundles.find({ project }).toArray();
          expect(bundle).toMatchObject({ rows: 3, takenUntil: 0 });
        }
        expect(write).toBeGreaterThan(7);
      }),
    );

    test(
      "what is erased, and built again, before any write of a merger is in no answer",
      onStore(async (store, collections) => {
        let now = later();
        let hasHappened = true;
        for (let write = 0; hasHappened; write += name === "ferretdb" ? 3 : 1) {
          const project = `p${write}`;
          const held = [0, 1, 2, 3].map((n) => made(n, project, `${project} b${n >> 1}`));
          for (const at of [0, 2]) await sealOne(store, held.slice(at, at + 2), now);
          const [gone, ...left] = held;
          hasHappened = false;
          const erases = async () => {
            if (hasHappened) return;
            hasHappened = true;
            await store.erase(project, [gone!], refusal);
            while ((await buildNext(collections, now)) !== undefined);
          };
          await mergeAll(before(write, erases, collections), now);
          await expectAnswer(store, hasHappened ? left : held);
          now += dayMs;
          await mergeAll(collections, now);
          await expectAnswer(store, hasHappened ? left : held);
        }
      }),
    );

    test(
      "small segments are merged in the order of their numbers, large ones stay as they are, the last ones wait",
      onStore(async (_, collections) => {
        const now = Date.now();
        const sizes = [
          ...Array.from({ length: 40 }, () => 9_000),
          ...Array.from({ length: 40 }, () => 600),
          9_000,
          ...Array.from({ length: 40 }, () => 1),
        ];
        await collections.segments.insertMany(
          sizes.map((rows, n) => ({
            ...{ _id: `p|${n}`, project: "p", batches: [`b${n}`], from: n, to: n },
            ...{ events: rows, isMarked: false, mark: "", dueAt: now - 1_000 + n },
            ...{ version: "v", rows, complete: true },
          })),
        );
        while ((await mergeNext(collections, now)) !== undefined);
        const bundles = await collections.bundles.find({ project: "p" }).toArray();
        const told = bundles.map(({ first, last, segments }) => [first, last, segments.length]);
        expect(told.toSorted(([a = 0], [b = 0]) => a - b)).toEqual([
          [0, 31, 0],
          [32, 66, 27],
          [67, 99, 32],
        ]);
        const due = await collections.segments.find({ project: "p" }).toArray();
        const dueOf = new Map(due.map(({ _id, dueAt }) => [_id, dueAt]));
        for (const [n, rows] of sizes.entries()) {
          const dueAt = dueOf.get(`p|${n}`)!;
          if (rows > 8_192) expect(dueAt).toBe(notDue.alone);
          else if (n < 100) expect(dueAt).toBe(notDue.closed);
          else expect(dueAt).toBeGreaterThan(now);
        }
      }),
    );

    test("an index leads to whatever it searches for, and no plan reads a whole collection", () => {
      expect(searches.unserved(declaredIndexes)).toEqual([]);
      expect(searches.scanning).toEqual([]);
    });
  });
}

mergingTests("mongo-java", startMongoJava);
mergingTests("ferretdb", startFerretdb);
