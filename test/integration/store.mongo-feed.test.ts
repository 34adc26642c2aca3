import type { Collection } from "mongodb";
import {
  collectionsOf,
  type Collections,
  type FeedDocument,
} from "../../lib/store/mongo/documents.ts";
import { Feed } from "../../lib/store/mongo/feed.ts";
import type { MongoStore } from "../../lib/store/mongo/mongo-store.ts";
import type { Place } from "../../lib/store/stored.ts";
import { event } from "../contract/store-harness.ts";
import { MongoHarness } from "../fixtures/mongo-store.ts";
import { eventually } from "../support/eventually.ts";
import { describeWith } from "../../tools/servers/installed.ts";
import { startFerretdb, startMongoJava } from "../../tools/servers/servers.ts";

const query = { projects: ["p"], counted: ["p"], limit: 500, window: 10_000 };

describeWith(["ferretdb", "mongo-java"], "the order of storing", () => {
  describe.each([
    ["FerretDB", startFerretdb],
    ["mongo-java-server", startMongoJava],
  ])("on %s", (_name, start) => {
    let server: Awaited<ReturnType<typeof start>>;
    let harness: MongoHarness;
    let store: MongoStore;
    beforeAll(async () => {
      server = await start();
      harness = new MongoHarness(server.url);
      store = await harness.open();
    });
    afterAll(async () => {
      await harness?.dispose();
      await server?.stop();
    });

    test("has the batch of a process that stood still after it took a number, at one place for all", async () => {
      const collections = collectionsOf(store.db);
      const record = async (to: Collections, batch: string) => {
        await store.append(batch, [event(`of ${batch}`, { batch })]);
        await new Feed().record(to, batch, [{ id: `of ${batch}`, type: "t", project: "p" }]);
      };
      const behind = async (reader: Feed, after: Place) => {
        const { events, upTo, counts } = await reader.stored(collections, { ...query, after });
        return { ids: events.map(({ event: { id } }) => id), upTo, counts };
      };
      await record(collections, "first");
      const { end } = await new Feed().stored(collections, { ...query, after: null });
      const feed = standingStill(collections.feed);
      const slow = record({ ...collections, feed: feed.collection }, "slow");
      await feed.called;
      await record(collections, "next");
      const reader = new Feed();
      expect(await behind(reader, end)).toMatchObject({ ids: [], upTo: end });
      const next = await eventually(async () => {
        const seen = await behind(reader, end);
        expect(seen.ids).toEqual(["of next"]);
        return seen;
      });
      // Whoever reads later does not wait again.
      expect(await behind(new Feed(), end)).toEqual(next);
      feed.goOn();
      await slow;
      const late = await behind(reader, next.upTo);
      expect(late).toMatchObject({ ids: ["of slow"], counts: [["p", "t", 1]] });
      expect((await behind(new Feed(), end)).ids).toEqual(["of next", "of slow"]);
    });
  });
});

/** The collection for a process whose inserts reach the server only once it goes on. */
function standingStill(collection: Collection<FeedDocument>) {
  const called = Promise.withResolvers<void>();
  const going = Promise.withResolvers<void>();
  const insertMany: typeof collection.insertMany = async (...of) => {
    called.resolve();
    await going.promise;
    return collection.insertMany(...of);
  };
  return {
    collection: new Proxy(collection, {
      get: (of, key) => {
        if (key === "insertMany") return insertMany;
        const value: unknown = Reflect.get(of, key);
        return typeof value === "function" ? (value.bind(of) as unknown) : value;
      },
    }),
    called: called.promise,
    goOn: going.resolve,
  };
}
