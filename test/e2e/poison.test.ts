import { jest } from "@jest/globals";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ServiceBroker } from "moleculer";
import { brokerOptions } from "../../lib/runtime/broker.ts";
import { metricsOf } from "../../lib/metric-registry.ts";
import { readConfig } from "../../lib/config.ts";
import type { Receipt } from "../../lib/event/receipt.ts";
import { decodeBatch } from "../../lib/event/batch-message.ts";
import type { DurableQueue } from "../../lib/queue/queue.ts";
import type { EventStore } from "../../lib/store/store.ts";
import { aggregator } from "../../services/aggregator.service.ts";
import { ingest } from "../../services/ingest.service.ts";
import { processor } from "../../services/processor.service.ts";
import { query } from "../../services/query.service.ts";
import { eventually } from "../support/eventually.ts";

const poison = new URL("../fixtures/poison.worker.ts", import.meta.url);

let dataDir: string;
let broker: ServiceBroker;

/** Starts the services, with a worker that dies of poisonous events, or with the usual one. */
async function start(worker?: URL): Promise<void> {
  const config = readConfig({ DATA_DIR: dataDir, LOG_LEVEL: "fatal" });
  broker = new ServiceBroker({ ...brokerOptions(config), skipProcessEventRegistration: true });
  for (const service of [
    ingest(config),
    processor(config, worker),
    aggregator(config),
    query(config),
  ]) {
    broker.createService(service);
  }
  await broker.start();
}

const queueOf = () =>
  (broker.getLocalService("processor") as unknown as { queue: DurableQueue }).queue;

beforeEach(async () => {
  dataDir = await mkdtemp(join(tmpdir(), "analytics-"));
  await start(poison);
});

afterEach(async () => {
  await broker.stop();
  await rm(dataDir, { recursive: true, force: true });
});

test("an event that kills every worker goes to the dead letters; its 499 neighbours are stored", async () => {
  const events = Array.from({ length: 500 }, (_, i) => ({
    id: `e${i}`,
    type: i === 321 ? "test.poison" : "test.fine",
    source: "test",
  }));
  const { logger } = broker.getLocalService("processor");
  const logged = jest.spyOn(logger, "error");
  const meta = { requestIds: ["request-1"] };
  const receipt = await broker.call<Receipt, object>("ingest.collect", { events }, { meta });
  expect(receipt.accepted).toBe(500);
  await eventually(async () => {
    const counts = await broker.call<{ data: unknown }, object>("query.counts", {});
    expect(counts.data).toEqual([{ type: "test.fine", count: 499 }]);
  }, 60_000);

  const queue = queueOf();
  await eventually(async () => expect((await queue.depth()).messages).toBe(0));
  const letters = await queue.dead.list(10);
  expect(letters).toHaveLength(1);
  const body = decodeBatch(letters[0]!.body);
  expect(body.events.map(({ id }) => id)).toEqual(["e321"]);
  const { store } = broker.getLocalService("query") as unknown as { store: EventStore };
  expect(body.batch).toBe((await store.event(body.project, "e0"))!.batch);
  const line = { events: 1, requestIds: ["request-1"] };
  expect(logged).toHaveBeenCalledWith(line, "events were put into the dead letters");
  const told = await metricsOf(broker).text();
  for (const [outcome, events] of Object.entries({ accepted: 500, stored: 499, dead: 1 })) {
    expect(told).toContain(`analytics_events_total{outcome="${outcome}"} ${events}\n`);
  }
  await expect(broker.call("query.event", { id: "e321" })).rejects.toMatchObject({
    type: "NOT_FOUND",
  });

  // Its letter, however often it comes, where it kills no worker any more.
  const { id, body: alone, receivedAt } = letters[0]!;
  await broker.stop();
  await start();
  expect(await queueOf().dead.replay(id)).toBe(true);
  await queueOf().publish({ body: alone, receivedAt });
  await eventually(async () => expect((await queueOf().depth()).messages).toBe(0));
  await eventually(async () => {
    const { data } = await broker.call<{ data: unknown[] }, object>("query.counts", {});
    expect(data).toHaveLength(2);
    expect(data).toContainEqual({ type: "test.fine", count: 499 });
    expect(data).toContainEqual({ type: "test.poison", count: 1 });
  }, 60_000);
});

test("an event that kills every worker is one dead letter, however often its batch comes", async () => {
  const { store } = broker.getLocalService("processor") as unknown as { store: EventStore };
  const failing = jest.spyOn(store, "holder").mockRejectedValueOnce(new Error("not now"));
  const events = ["test.poison", "test.fine"].map((type) => ({ id: type, type, source: "test" }));
  await broker.call("ingest.collect", { events });
  const queue = queueOf();
  await eventually(async () => expect((await queue.depth()).messages).toBe(0), 60_000);
  expect(failing).toHaveBeenCalledTimes(2);
  expect((await queue.depth()).dead).toBe(1);
  const told = await metricsOf(broker).text();
  expect(told).toContain(`analytics_events_total{outcome="dead"} 1\n`);
}, 60_000);

test("entity actions see the caller's project alone, and cannot write", async () => {
  const send = (project: string, id: string) =>
    broker.call(
      "ingest.collect",
      { events: [{ id, type: "a", source: "x" }], waitMs: 10_000 },
      { meta: { project } },
    );
  await send("shop", "s1");
  await send("blog", "b1");
  const find = (meta: object, params: object = {}) =>
    broker.call<{ _id: string }[], object>("query.find", params, { meta });
  expect((await find({ project: "shop" })).map(({ _id }) => _id)).toEqual(["shop:s1"]);
  expect(await find({ project: "shop" }, { query: { project: "blog" } })).toHaveLength(1);
  expect(await broker.call("query.count", {}, { meta: { project: "blog" } })).toBe(1);
  expect(
    await broker.call("query.get", { id: "blog:b1" }, { meta: { project: "blog" } }),
  ).toMatchObject({ type: "a" });
  await expect(
    broker.call("query.get", { id: "blog:b1" }, { meta: { project: "shop" } }),
  ).rejects.toMatchObject({ code: 404 });
  await expect(broker.call("query.insert", { entity: { type: "a" } })).rejects.toMatchObject({
    type: "SERVICE_NOT_FOUND",
  });
});
