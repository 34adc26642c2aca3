import { ServiceBroker, type Service, type ServiceSchema } from "moleculer";
import DbService from "moleculer-db";
import MongoDbAdapter from "moleculer-db-adapter-mongo";
import type { EntityAdapter } from "../../lib/store/entities/adapter.ts";
import type { MongoStore } from "../../lib/store/mongo/mongo-store.ts";
import { event, minute } from "../contract/store-harness.ts";
import { MongoHarness } from "../fixtures/mongo-store.ts";
import { SqliteHarness } from "../fixtures/sqlite-store.ts";
import { describeWith } from "../../tools/servers/installed.ts";
import { startMongoJava, type RunningServer } from "../../tools/servers/servers.ts";

const plans = ["pro", "free", 10, 9, 10.5, true, null, ["a"], { a: 1 }, "", undefined];

const users = ["u0", 7, "", "7", "u3", null];

/** Events of two projects that differ in every field that is asked for below. */
const stored = Array.from({ length: 44 }, (_, i) =>
  event(`e${10 + i}`, {
    project: i % 4 === 0 ? "q" : "p",
    type: `t${i % 3}`,
    timestamp: minute + (i % 5) * 1_000,
    source: i % 7 === 0 ? "z\ud800" : `s${i % 2}`,
    ...(i % 2 === 0 && { correlationId: `c${i % 6}` }),
    metadata: { userId: users[i % users.length]!, anonymousId: `u${i % 4}` },
    data: { plan: plans[i % plans.length], n: i } as never,
  }),
);

const all = { sort: "data.n" };
const queries: readonly Record<string, unknown>[] = [
  all,
  { ...all, query: { project: "p" } },
  { ...all, query: { project: "p", type: "t1" }, limit: 3, offset: 2 },
  { ...all, query: { project: "p", "data.plan": { $exists: false } } },
  { ...all, query: { "data.plan": { $in: ["pro", 10, null] } } },
  { ...all, query: { "data.plan": { $nin: ["pro", 10, null] } }, offset: 5 },
  { ...all, query: { "data.plan": null } },
  { ...all, query: { "data.n": { $gte: 10, $lt: 20 } } },
  { ...all, query: { "metadata.userId": "u3" } },
  { ...all, query: { "metadata.userId": { $in: ["u0", 7] } } },
  { ...all, query: { "metadata.userId": { $in: ["", "7"] } } },
  { ...all, query: { correlationId: { $ne: "c2" } } },
  { ...all, query: { correlationId: { $exists: false } } },
  { ...all, query: { source: "z\ud800" } },
  { ...all, query: { source: { $gt: "a" } } },
  { ...all, query: { timestamp: { $gt: minute + 2_000 }, receivedAt: minute + 1 } },
  { ...all, query: { timestamp: { $gt: new Date(minute + 2_000).toISOString() } } },
  { ...all, query: { id: "e12" } },
  { ...all, query: { _id: { $in: ["p:e11", "q:e10", "p:none", "bad"] } } },
  { ...all, query: { _id: "p:e11", type: "t0" } },
  { sort: "-timestamp id" },
  { sort: "timestamp -id", query: { "data.n": { $gte: 5 } }, limit: 6, offset: 4 },
  { sort: ["project", "-id"], limit: 7, offset: 3 },
  { sort: "correlationId,-data.n", limit: 9 },
  { sort: "-data.plan data.n", query: { project: "p" } },
  { sort: "data.plan -data.n", limit: 20, offset: 1 },
  { sort: "-source id", limit: 5 },
  { sort: "source id", query: { "data.n": { $gte: 5 } }, limit: 9 },
];

const refused: readonly Record<string, unknown>[] = [
  { query: { timestamp: { $gt: "a text" } } },
  { query: { $where: "1" } },
  { query: { type: { $regex: ".*" } } },
  { query: { $or: [{ type: "a" }] } },
  { query: { password: "x" } },
  { search: "x" },
  { sort: "$natural" },
];

describeWith(["mongo-java"], "the MongoDB store as moleculer-db's adapter", () => {
  let server: RunningServer;
  let harness: MongoHarness;
  let other: SqliteHarness;
  let mongo: EntityAdapter;
  let sqlite: EntityAdapter;
  beforeAll(async () => {
    server = await startMongoJava();
    harness = await MongoHarness.behindCable(server.url);
    other = await SqliteHarness.open();
    const stores = [await harness.open(), await other.open()] as const;
    for (const store of stores) await store.append("b1", stored);
    [mongo, sqlite] = [stores[0].adapter(), stores[1].adapter()];
  });
  afterAll(async () => {
    await harness?.dispose();
    await other?.dispose();
    await server?.stop();
  });

  test.each(queries)("finds and counts what the SQLite adapter does: %j", async (filters) => {
    const expected = await sqlite.find(filters);
    expect(await mongo.find(filters)).toEqual(expected);
    expect(await mongo.createCursor(filters).toArray()).toEqual(expected);
    expect(await mongo.count(filters)).toBe(await sqlite.count(filters));
    expect(await mongo.findOne(filters["query"] ?? {})).toBeDefined();
  });

  test.each(refused)("refuses %j", async (filters) => {
    await expect(mongo.find(filters)).rejects.toMatchObject({ type: "VALIDATION" });
    if (filters["sort"] === undefined) {
      await expect(mongo.count(filters)).rejects.toMatchObject({ type: "VALIDATION" });
    }
  });

  test.each([{}, { "data.n": { $gte: 5 } }])(
    "pages of one project without an order do not overlap (%j)",
    async (condition) => {
      const query = { project: "p", ...condition };
      const pages = await Promise.all(
        [0, 10, 20, 30].map((offset) => mongo.find({ query, limit: 10, offset })),
      );
      const all = await mongo.find({ query, sort: "timestamp id" });
      expect(pages.flat()).toEqual(all);
      expect(all).toHaveLength(await sqlite.count({ query }));
    },
  );

  test("finds by ids, in their order, and nothing by another's", async () => {
    const found = await mongo.findByIds(["q:e10", "p:e11", "p:e10", "e10", 7, "p:e11"]);
    expect(found.map(({ _id }) => _id)).toEqual(["q:e10", "p:e11"]);
    expect(await mongo.findById("p:e11")).toEqual(await sqlite.findById("p:e11"));
    expect(await mongo.findById("p:e10")).toBeNull();
  });

  test("changes and removes nothing", async () => {
    const verbs = ["updateMany", "updateById", "removeMany", "removeById", "clear"] as const;
    for (const verb of verbs) {
      await expect(mongo[verb]()).rejects.toMatchObject({ type: "METHOD_NOT_ALLOWED" });
    }
    expect(await mongo.count()).toBe(stored.length);
  });

  describe("in a moleculer-db service", () => {
    const broker = new ServiceBroker({ logger: false });
    let own: MongoHarness;
    let store: MongoStore;
    beforeAll(async () => {
      own = await MongoHarness.behindCable(server.url);
      store = own.create();
      broker.createService({
        name: "events",
        mixins: [DbService as unknown as ServiceSchema],
        settings: { idField: "key" },
        // Not in the schema: Moleculer copies schemas, and a store cannot be copied.
        created(this: Service & { adapter: EntityAdapter }) {
          this.adapter = store.adapter();
          expect(this.adapter).toBeInstanceOf(MongoDbAdapter);
          this.adapter.init();
        },
      });
      await broker.start();
    });
    afterAll(async () => {
      await broker.stop();
      // The service opened it, so the service closes it.
      await expect(store.ping()).rejects.toMatchObject({ type: "STORE_UNAVAILABLE" });
      await own.dispose();
    });

    test("keeps what is inserted, counts it, and finds it again", async () => {
      const entity = { project: "p", type: "a", source: "web", data: { "a.b": "\ud800" } };
      const created = await broker.call("events.create", { ...entity, key: "p:x" });
      expect(created).toMatchObject({ key: "p:x", id: "x", data: { "a.b": "\ud800" } });
      await broker.call("events.insert", { entities: [entity, { ...entity, project: "q" }] });
      expect(await broker.call("events.get", { id: "p:x" })).toMatchObject({ key: "p:x" });
      expect(await broker.call("events.get", { id: ["p:x", "q:x"] })).toHaveLength(1);
      const page = { query: { project: "p" }, sort: "-timestamp", pageSize: 1 };
      expect(await broker.call("events.list", page)).toMatchObject({ total: 2, totalPages: 2 });
      expect(await broker.call("events.find", page)).toHaveLength(2);
      expect(await broker.call("events.count", page)).toBe(2);
      const marks = await store.dirty("minute", 10);
      const sums = await Promise.all(marks.map(({ bucket }) => store.sumDeltas(bucket)));
      expect(sums.reduce((total, { cells }) => total + cells.types["a"]!, 0)).toBe(3);
    });

    test("refuses another content for an id, and to remove", async () => {
      const entity = { project: "p", type: "a", source: "web", key: "p:y" };
      await broker.call("events.create", entity);
      const other = broker.call("events.create", { ...entity, type: "b" });
      await expect(other).rejects.toMatchObject({ type: "ID_CONFLICT" });
      const removed = broker.call("events.remove", { id: "p:y" });
      await expect(removed).rejects.toMatchObject({ type: "METHOD_NOT_ALLOWED" });
    });
  });
});
