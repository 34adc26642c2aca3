import { ServiceBroker } from "moleculer";
import DbService from "moleculer-db";
import { rollUpAll } from "../../lib/store/protocol.ts";
import { eventually } from "../support/eventually.ts";
import { SqliteHarness } from "../fixtures/sqlite-store.ts";
import type { EntityAdapter } from "../../lib/store/entities/adapter.ts";
import type { SqliteStore } from "../../lib/store/sqlite/sqlite-store.ts";
import { always, event, minute } from "./store-harness.ts";

/** A broker with a moleculer-db service `stored` over a SQLite store. */
const onService =
  (
    test: (
      call: (action: string, params?: object) => Promise<unknown>,
      store: SqliteStore,
      adapter: EntityAdapter,
    ) => Promise<void>,
    settings: object = {},
  ) =>
  async () => {
    const harness = await SqliteHarness.open();
    const store = harness.create();
    const adapter = store.adapter();
    const broker = new ServiceBroker({ logger: false });
    broker.createService({
      name: "stored",
      mixins: [DbService as unknown as object],
      adapter,
      settings,
    } as never);
    await broker.start();
    try {
      await test((action, params) => broker.call(`stored.${action}`, params), store, adapter);
    } finally {
      await broker.stop();
      await harness.dispose();
    }
  };

const stored = [
  event("a", { data: { plan: "pro", amount: 1 }, correlationId: "c", timestamp: minute }),
  event("b", { data: { plan: "pro", amount: 10 }, timestamp: minute + 1, type: "mail.sent" }),
  event("c", { data: { plan: "free", "a.b": 1 }, timestamp: minute + 2, source: "app" }),
  event("d", { project: "q", metadata: { userId: "u" }, timestamp: minute + 3 }),
];

const seeded = (test: Parameters<typeof onService>[0], settings?: object) =>
  onService(async (call, store, adapter) => {
    await store.append("b1", stored.slice(0, 3));
    await store.append("b2", stored.slice(3));
    await test(call, store, adapter);
  }, settings);

const idsOf = (entities: unknown) => (entities as readonly { id: string }[]).map(({ id }) => id);
const invalid = { type: "VALIDATION", code: 400 };

describe("a moleculer-db service over the SQLite store", () => {
  test(
    "gets entities by `project:id`, one or several",
    seeded(async (call) => {
      expect(await call("get", { id: "p:a" })).toEqual({ _id: "p:a", ...stored[0], batch: "b1" });
      const several = await call("get", { id: ["q:d", "p:none", "p:b", "nonsense"] });
      expect(idsOf(several)).toEqual(["d", "b"]);
      await expect(call("get", { id: "p:d" })).rejects.toMatchObject({ code: 404 });
      expect(await call("get", { id: ["p:a"], mapping: true })).toMatchObject({
        "p:a": { id: "a" },
      });
      expect(await call("get", { id: "p:a", fields: ["type", "data.plan"] })).toEqual({
        type: "mail.opened",
        data: { plan: "pro" },
      });
    }),
  );

  test(
    "finds by columns and paths",
    seeded(async (call) => {
      const find = async (query: object) => idsOf(await call("find", { query, sort: "id" }));
      expect(await find({})).toEqual(["a", "b", "c", "d"]);
      expect(await find({ project: "p" })).toEqual(["a", "b", "c"]);
      expect(await find({ type: "mail.sent" })).toEqual(["b"]);
      expect(await find({ "data.plan": "pro", "data.amount": { $gt: 1, $lte: 10 } })).toEqual([
        "b",
      ]);
      expect(await find({ "data.plan": { $ne: "pro" } })).toEqual(["c", "d"]);
      expect(await find({ "data.plan": { $in: ["free", "x"] } })).toEqual(["c"]);
      expect(await find({ "data.plan": { $nin: ["free"] }, project: "p" })).toEqual(["a", "b"]);
      expect(await find({ "data.amount": "1" })).toEqual([]);
      expect(await find({ "data.plan": { $exists: false } })).toEqual(["d"]);
      expect(await find({ timestamp: { $gte: minute + 1, $lt: minute + 3 } })).toEqual(["b", "c"]);
      expect(await find({ correlationId: "c" })).toEqual(["a"]);
      expect(await find({ "metadata.userId": "u" })).toEqual(["d"]);
      expect(await find({ _id: "p:a" })).toEqual(["a"]);
      expect(await find({ _id: { $in: ["p:a", "q:d", "q:a"] } })).toEqual(["a", "d"]);
    }),
  );

  test(
    "sorts, limits, skips, lists and counts",
    seeded(async (call) => {
      const find = async (params: object) => idsOf(await call("find", params));
      expect(await find({ sort: "-timestamp" })).toEqual(["d", "c", "b", "a"]);
      expect(await find({ sort: "project,-id" })).toEqual(["c", "b", "a", "d"]);
      expect(await find({ sort: "-data.amount", query: { "data.plan": "pro" } })).toEqual([
        "b",
        "a",
      ]);
      expect(await find({ sort: "id", limit: 2, offset: 1 })).toEqual(["b", "c"]);
      expect(await call("count", { query: { project: "p" } })).toBe(3);
      expect(await call("list", { sort: "id", page: 2, pageSize: 3 })).toMatchObject({
        rows: [{ id: "d" }],
        total: 4,
        totalPages: 2,
      });
    }),
  );

  test(
    "refuses what it does not know instead of answering something else",
    seeded(async (call) => {
      const queries: object[] = [
        { $where: "1" },
        { type: { $where: "1" } },
        { type: { $regex: "." } },
        { $or: [{ type: "a" }] },
        { nothing: 1 },
        { "type.length": 1 },
        { __proto__: 1, "constructor.name": "x" },
        { data: { plan: "pro" } },
        { type: ["mail.sent"] },
        { "data.plan": {} },
        { "data.plan": { $gt: null } },
        { "data.plan": { $in: "pro" } },
        { _id: { $gt: "p:a" } },
      ];
      for (const query of queries) {
        await expect(call("find", { query })).rejects.toMatchObject(invalid);
        await expect(call("count", { query })).rejects.toMatchObject(invalid);
      }
      await expect(call("find", { search: "pro" })).rejects.toMatchObject(invalid);
      await expect(call("find", { sort: "data.plan,nothing" })).rejects.toMatchObject(invalid);
    }),
  );

  test(
    "inserts events by the rules of admission, stored and counted once",
    onService(async (call, store) => {
      const entity = { type: "mail.opened", source: "import", timestamp: minute };
      const first = (await call("create", { ...entity, project: "p", id: "x" })) as object;
      expect(first).toMatchObject({ _id: "p:x", ...entity, project: "p", id: "x" });
      const address = { metadata: { ip: "192.0.2.77" } };
      const rest = (await call("insert", {
        entities: [
          { ...entity, ...address, project: "p" },
          { ...entity, id: "x", project: "p" },
          { ...entity, id: "x" },
        ],
      })) as readonly Record<string, unknown>[];
      expect(rest.map(({ project }) => project)).toEqual(["p", "p", "default"]);
      expect(rest[0]).toMatchObject({ metadata: { ip: "192.0.2.0" } });
      expect(await call("count")).toBe(3);
      await rollUpAll(store, 10);
      const [row] = await store.rollups("p", "day", [always], "types");
      expect(row!.cells).toEqual({ "mail.opened": 2 });

      const conflict = call("create", { ...entity, project: "p", id: "x", source: "other" });
      await expect(conflict).rejects.toMatchObject({ type: "ID_CONFLICT", code: 409 });
      const bad = call("create", { ...entity, surprise: 1 });
      await expect(bad).rejects.toMatchObject({ type: "INVALID_EVENT", code: 422 });
      await expect(call("create", { ...entity, project: "a:b" })).rejects.toMatchObject({
        type: "INVALID_EVENT",
      });
      expect(await call("count")).toBe(3);
    }),
  );

  test(
    "never changes or removes a stored event",
    seeded(async (call, _store, adapter) => {
      const refused = { type: "METHOD_NOT_ALLOWED", code: 405 };
      await expect(call("update", { id: "p:a", type: "x" })).rejects.toMatchObject(refused);
      await expect(call("remove", { id: "p:a" })).rejects.toMatchObject(refused);
      for (const verb of [
        "updateMany",
        "updateById",
        "removeMany",
        "removeById",
        "clear",
      ] as const) {
        await expect(adapter[verb]()).rejects.toMatchObject(refused);
      }
      expect(await call("count")).toBe(4);
    }),
  );

  test(
    "may call the id by another name",
    seeded(
      async (call) => {
        const found = (await call("get", { id: "p:a" })) as Record<string, unknown>;
        expect([found["key"], "_id" in found]).toEqual(["p:a", false]);
        const created = { type: "t", source: "s", key: "p:new", project: "p" };
        expect(await call("create", created)).toMatchObject({ key: "p:new", id: "new" });
      },
      { idField: "key" },
    ),
  );

  test("starts while the store is away, and works once it is there", async () => {
    const harness = await SqliteHarness.open();
    const mend = await harness.breakIt();
    const broker = new ServiceBroker({ logger: false });
    const adapter = harness.create().adapter();
    const mixins = [DbService as unknown as object];
    broker.createService({ name: "stored", mixins, adapter } as never);
    await broker.start();
    try {
      const away = { type: "STORE_UNAVAILABLE", retryable: true };
      await expect(broker.call("stored.count")).rejects.toMatchObject(away);
      await mend();
      expect(await eventually(() => broker.call("stored.count"))).toBe(0);
    } finally {
      await broker.stop();
      await harness.dispose();
    }
  });

  test("leaves a store open that it did not open", async () => {
    const harness = await SqliteHarness.open();
    const store = await harness.open();
    const adapter = store.adapter();
    const broker = new ServiceBroker({ logger: false });
    const mixins = [DbService as unknown as object];
    broker.createService({ name: "stored", mixins, adapter } as never);
    await broker.start();
    await broker.stop();
    await store.append("b", [event("a")]);
    expect(await adapter.findOne({ id: "a" })).toMatchObject({ _id: "p:a" });
    expect(await adapter.findOne({ id: "none" })).toBeNull();
    expect(await adapter.createCursor({ query: { id: "a" } }).count()).toBe(1);
    await harness.dispose();
  });
});
