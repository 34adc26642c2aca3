import { mkdtemp, rm } from "node:fs/promises";
import type { AddressInfo, Server } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ServiceBroker } from "moleculer";
import { brokerOptions } from "../../lib/runtime/broker.ts";
import { readConfig } from "../../lib/config.ts";
import { sampleSize } from "../../lib/store/store.ts";
import { aggregator } from "../../services/aggregator.service.ts";
import { apiGateway } from "../../services/api-gateway.service.ts";
import { ingest } from "../../services/ingest.service.ts";
import { processor } from "../../services/processor.service.ts";
import { query } from "../../services/query.service.ts";

const keys = {
  shop: "shop-key-0123456789",
  blog: "blog-key-0123456789",
  writer: "write-key-0123456789",
};
const day = 86_400_000;
const now = Date.now();
const long = now - 400 * day;
const iso = (instant: number) => new Date(instant).toISOString();

let dataDir: string;
let broker: ServiceBroker;
let url: string;

const plans = ["pro", "pro", "Premium", "free", 10, "10", true, null];
const paid = plans.map((plan, i) => ({
  type: "order.paid",
  source: i < 6 ? "web" : "app",
  timestamp: now - i,
  data: { plan, items: [{ sku: "a" }, { sku: i }] },
}));
const events = {
  shop: [
    ...paid,
    { type: "order.sent", source: "web", timestamp: long, data: {} },
    { type: "order.sent", source: "web", timestamp: now, data: {} },
    { type: "order.lost", source: "web", timestamp: long, data: {} },
  ],
  blog: [{ type: "post.read", source: "blog", timestamp: now, data: { plan: "secret" } }],
};

beforeAll(async () => {
  dataDir = await mkdtemp(join(tmpdir(), "analytics-"));
  const config = readConfig({
    DATA_DIR: dataDir,
    LOG_LEVEL: "fatal",
    PORT: "0",
    API_KEYS: `${keys.shop}:shop,${keys.blog}:blog,${keys.writer}:shop:events:write`,
  });
  broker = new ServiceBroker({ ...brokerOptions(config), skipProcessEventRegistration: true });
  for (const service of [ingest, processor, aggregator, query, apiGateway]) {
    broker.createService(service(config));
  }
  await broker.start();
  const gateway = broker.getLocalService("api-gateway") as unknown as { readonly server: Server };
  url = `http://127.0.0.1:${(gateway.server.address() as AddressInfo).port}/api/v1/catalog`;
  for (const [project, some] of Object.entries(events)) {
    const params = { events: some, waitMs: 30_000 };
    const receipt = await broker.call("ingest.collect", params, { meta: { project } });
    expect(receipt).toMatchObject({ accepted: some.length });
  }
}, 60_000);
afterAll(async () => {
  await broker?.stop();
  await rm(dataDir, { recursive: true, force: true });
});

interface Answered {
  readonly data: readonly object[];
  readonly events?: number;
  readonly meta: Readonly<Record<string, unknown>>;
}

async function get(path: string, key: string = keys.shop) {
  const response = await fetch(`${url}/${path}`, { headers: { Authorization: `Bearer ${key}` } });
  return { status: response.status, answer: (await response.json()) as Answered };
}

async function answered(path: string, key?: string): Promise<Answered> {
  const { status, answer } = await get(path, key);
  expect({ path, status, answer }).toMatchObject({ status: 200 });
  return answer;
}

test("types have their counts of 30 days, and their first and last event of all", async () => {
  const sent = { type: "order.sent", firstSeen: iso(long), lastSeen: iso(now) };
  const lost = { type: "order.lost", count: 0, firstSeen: iso(long), lastSeen: iso(long) };
  const answer = await answered("types");
  expect(answer.data).toEqual([
    { type: "order.paid", count: 8, firstSeen: iso(now - 7), lastSeen: iso(now) },
    { ...sent, count: 1 },
    lost,
  ]);
  expect(answer.meta).toMatchObject({ exact: true, rows: 3, rowsLeftOut: 0, cache: "miss" });
  expect(answer.meta["range"]).toBeDefined();
  expect((await answered("types")).meta).toMatchObject({ cache: "hit" });

  const { data } = await answered("types?range=all&limit=2");
  expect(data.slice(1)).toEqual([{ ...sent, count: 2 }]);
  const cut = await answered("types?limit=1&timezone=Asia/Kolkata");
  expect(cut.data).toHaveLength(1);
  expect(cut.meta).toMatchObject({ exact: false, because: ["rowsLeftOut"], rowsLeftOut: 2 });
  const old = await answered(`types?to=${iso(long + 1)}`);
  expect(old.data.slice(0, 2)).toEqual([
    { ...sent, count: 1 },
    { ...lost, count: 1 },
  ]);
});

test("properties are of the types asked for, with their kinds and shares", async () => {
  const { data, events: seen, meta } = await answered("properties?type=order.paid");
  expect(seen).toBe(8);
  expect(meta).toMatchObject({ exact: true, source: "events", rowsLeftOut: 0 });
  expect(data).toContainEqual({
    property: "data.plan",
    kinds: ["text", "number", "boolean", "null"],
    share: 1,
  });
  expect(data).toContainEqual({
    property: "data.items[].sku",
    kinds: ["text", "number"],
    share: 1,
  });
  const all = await answered("properties?type=order.paid,order.sent&type=order.lost&limit=3");
  expect(all).toMatchObject({ events: 11, meta: { exact: false, because: ["rowsLeftOut"] } });
  expect(await answered("properties?type=nothing")).toMatchObject({ data: [], events: 0 });
});

test("values keep their kinds, are searched in any case, and cut as told", async () => {
  const values = await answered("values?property=data.plan&type=order.paid");
  expect(values).toMatchObject({
    data: [
      { value: "pro", kind: "text", count: 2 },
      { value: "10", kind: "number", count: 1 },
      { value: "10", kind: "text", count: 1 },
      { value: "Premium", kind: "text", count: 1 },
      { value: "free", kind: "text", count: 1 },
      { value: "true", kind: "boolean", count: 1 },
    ],
    events: 8,
    meta: { exact: true, source: "events" },
  });
  const found = await answered("values?property=data.plan&search=PR&limit=1");
  expect(found).toMatchObject({
    data: [{ value: "pro", kind: "text", count: 2 }],
    meta: { exact: false, because: ["rowsLeftOut"], rowsLeftOut: 1 },
  });
  const skus = await answered("values?property=data.items[].sku&search=a");
  expect(skus.data).toEqual([{ value: "a", kind: "text", count: 8 }]);
});

test("where there are more events than are looked at, answers are of the newest, and say so", async () => {
  const meta = { project: "big" };
  const many = Array.from({ length: sampleSize.events + 1 }, (_, i) => ({
    type: "big.one",
    source: "test",
    timestamp: now - i,
    data: { age: i < sampleSize.events ? "new" : "old" },
  }));
  for (let at = 0; at < many.length; at += 1_000) {
    const params = { events: many.slice(at, at + 1_000), waitMs: 30_000 };
    await broker.call("ingest.collect", params, { meta });
  }
  const sampled = {
    events: sampleSize.events,
    meta: { exact: false, because: ["sampled"], rowsLeftOut: 0 },
  };
  const values = await broker.call("query.catalog.values", { property: "data.age" }, { meta });
  expect(values).toMatchObject({
    ...sampled,
    data: [{ value: "new", kind: "text", count: sampleSize.events }],
  });
  expect(await broker.call("query.catalog.properties", {}, { meta })).toMatchObject(sampled);
  const sources = await broker.call("query.catalog.values", { property: "source" }, { meta });
  expect(sources).toMatchObject({ events: many.length, meta: { exact: true, source: "rollup" } });
});

test("values that are rolled up come from the rollups", async () => {
  const sources = await answered("values?property=source&type=order.paid");
  expect(sources).toMatchObject({
    data: [
      { value: "web", kind: "text", count: 6 },
      { value: "app", kind: "text", count: 2 },
    ],
    events: 8,
    meta: { exact: true, source: "rollup" },
  });
  const types = await answered("values?property=type&search=ORDER.S&range=30d");
  expect(types.data).toEqual([{ value: "order.sent", kind: "text", count: 1 }]);
});

test("a project sees nothing of another, and a key that only writes sees nothing", async () => {
  expect((await answered("types", keys.blog)).data).toMatchObject([{ type: "post.read" }]);
  for (const path of ["values?property=data.plan&search=secret", "properties?type=post.read"]) {
    expect((await answered(path)).data).toEqual([]);
    expect((await answered(path, keys.blog)).data).not.toEqual([]);
  }
  expect((await get("types", keys.writer)).status).toBe(403);
  expect((await get("types", "nobody-0123456789")).status).toBe(401);
});

test("the actions answer as the addresses do", async () => {
  const calls = [
    ["query.catalog.types", { range: "30d" }, "types?range=30d"],
    ["query.catalog.properties", { type: ["order.paid"] }, "properties?type=order.paid"],
    ["query.catalog.values", { property: "source", limit: 1 }, "values?property=source&limit=1"],
  ] as const;
  for (const [action, params, path] of calls) {
    const answer = await broker.call<Answered, object>(action, params, {
      meta: { project: "shop" },
    });
    const { data, events: seen } = await answered(path);
    expect(answer).toMatchObject({ data, ...(seen !== undefined && { events: seen }) });
    expect(data).not.toEqual([]);
  }
});

test.each([
  ["values", "property"],
  ["values?property=nothing", "property"],
  ["values?property=metadata", "property"],
  ["values?property=data.plan&search=", "search"],
  ["values?property=data.plan&limit=1001", "limit"],
  ["properties?limit=0", "limit"],
  ["properties?property=data.plan", "property"],
  ["types?type=order.paid", "type"],
  ["types?range=soon", "range"],
  ["types?from=2026-02-01T00:00:00Z&to=2026-01-01T00:00:00Z", "to"],
  ["types?timezone=Nowhere/City", "timezone"],
])("%s is refused", async (path, pointer) => {
  const { status, answer } = await get(path);
  expect({ status, answer }).toMatchObject({ status: 400, answer: { errors: [{ pointer }] } });
});
