import type { AddressInfo } from "node:net";
import { mkdtemp, rm } from "node:fs/promises";
import type { Server } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ServiceBroker } from "moleculer";
import { readConfig } from "../../lib/config.ts";
import { brokerOptions } from "../../lib/runtime/broker.ts";
import type { EventStore } from "../../lib/store/store.ts";
import { aggregator } from "../../services/aggregator.service.ts";
import { apiGateway } from "../../services/api-gateway.service.ts";
import { ingest } from "../../services/ingest.service.ts";
import { processor } from "../../services/processor.service.ts";
import { query } from "../../services/query.service.ts";
import { eventually } from "../support/eventually.ts";
import { SseClient } from "./sse-client.ts";

/** Stands in all that the person has who is erased. */
const mark = "secret";

let dataDir: string;
let broker: ServiceBroker;
let origin: string;
/** Lets the worker of erasures go on; until then it erases nothing. */
let release: () => void;

beforeAll(async () => {
  dataDir = await mkdtemp(join(tmpdir(), "analytics-"));
  const config = readConfig({
    DATA_DIR: dataDir,
    LOG_LEVEL: "fatal",
    PORT: "0",
    // The worst that can be rolled up.
    ROLLUP_DIMENSIONS: "metadata.userId",
  });
  broker = new ServiceBroker({ ...brokerOptions(config), skipProcessEventRegistration: true });
  const services = [ingest, processor, aggregator, query, apiGateway].map((service) =>
    broker.createService(service(config)),
  );
  await broker.start();
  const { server } = services.at(-1) as unknown as { readonly server: Server };
  origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const { store } = services[2] as unknown as { readonly store: EventStore };
  const erase = store.erase.bind(store);
  const held = new Promise<void>((resolve) => (release = resolve));
  store.erase = async (...args) => {
    await held;
    return erase(...args);
  };
});
afterAll(async () => {
  release();
  await broker.stop();
  await rm(dataDir, { recursive: true, force: true });
});

function ask(method: string, path: string, body?: unknown): Promise<Response> {
  return fetch(`${origin}/api/v1${path}`, {
    method,
    headers: { ...(body !== undefined && { "Content-Type": "application/json" }) },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  });
}

const at = (minute: number) => `2026-03-05T10:${String(minute).padStart(2, "0")}:00Z`;

/** What is asked by stands in refusals, too: it has no mark. */
const askedBy = (user: string) => (user === mark ? "their" : user);

const eventOf = (user: string, type: string, minute: number, more: object = {}) => ({
  id: `${askedBy(user)}-${minute}`,
  type,
  source: "web",
  timestamp: at(minute),
  correlationId: `${askedBy(user)}-story`,
  data: { note: `${user}-note` },
  metadata: { userId: `${user}-user` },
  ...more,
});

const range = { from: "2026-03-05T00:00:00Z", to: "2026-03-06T00:00:00Z" };
const within = `from=${range.from}&to=${range.to}`;

/** Every question whose answer can show a person, each with its answer as text. */
const questions: Readonly<Record<string, () => Promise<string>>> = {
  ...http("a list", "GET", `/events?${within}`),
  ...http("a person's list", "GET", `/events?userId=${mark}-user`),
  ...http("an export", "GET", "/events/export?format=csv"),
  ...http("a person's export", "GET", `/subjects/${mark}-user/export`),
  ...http("a story", "GET", "/stories/their-story"),
  ...http("counts", "GET", `/events/counts?groupBy=metadata.userId&${within}`),
  ...http("values from rollups", "GET", "/catalog/values?property=metadata.userId"),
  ...http("values from events", "GET", "/catalog/values?property=data.note"),
  ...http("a breakdown of rollups", "POST", "/query", {
    metrics: ["count", "uniques"],
    dimensions: ["metadata.userId"],
    range,
  }),
  ...http("a breakdown of events", "POST", "/query", {
    metrics: ["count"],
    dimensions: ["data.note"],
    range,
  }),
  ...http("a funnel", "POST", "/query/funnel", {
    steps: [{ type: "opened" }, { type: "paid" }],
    breakdown: "data.note",
  }),
  ...http("a retention", "POST", "/query/retention", {
    first: { type: "opened" },
    returning: { type: "paid" },
    interval: "day",
    breakdown: "data.note",
  }),
  ...http("paths", "POST", "/query/paths", { after: { type: "opened" }, length: 1 }),
  ...http("the quarantine", "GET", "/quarantine"),
  ...http("one in quarantine", "GET", "/quarantine/their-1"),
  ...action("entities", "query.find", {}),
  ...action("a list of entities", "query.list", {}),
  ...action("an entity", "query.get", { id: ["default:their-10"] }),
};

function http(name: string, method: string, path: string, body?: unknown) {
  return { [name]: async () => (await ask(method, path, body)).text() };
}

function action(name: string, called: string, params: object) {
  const answer = () => broker.call(called, params).catch((error: unknown) => String(error));
  return { [name]: async () => JSON.stringify(await answer()) };
}

/** Paths show a type that nobody else has. */
const secretType = `${mark}.type`;

const shown = async (name: string) => {
  const text = await questions[name]!();
  return text.includes(mark) || text.includes('"id":"their-');
};

const counted = async () => {
  const asked = { metrics: ["count", "uniques"], include: ["totals"], range };
  return (await (await ask("POST", "/query", asked)).json()) as {
    readonly totals: readonly number[];
    readonly meta: object;
  };
};

test("an erased person is in no answer from the 202 on, though nothing was erased yet", async () => {
  const stream = await SseClient.open(`${origin}/api/v1/events/stream`);
  await eventually(() => expect(stream.lastId).toBeDefined());
  const beforeAllEvents = stream.lastId!;
  const schema = { mode: "enforce", schema: { required: ["metadata"] } };
  expect((await ask("PUT", "/schemas/broken", schema)).status).toBe(201);
  const broken = eventOf(mark, "broken", 1, { data: { note: `${mark}-note` } });
  const events = [
    eventOf(mark, "opened", 10),
    eventOf(mark, secretType, 11),
    eventOf(mark, "paid", 12, { metadata: { anonymousId: `${mark}-user` } }),
    eventOf("plain", "opened", 10),
    eventOf("plain", "paid", 12),
  ];
  expect((await ask("POST", "/events/batch", { events })).status).toBe(202);
  const strict = { mode: "enforce", schema: { required: ["absent"] } };
  expect((await ask("PUT", "/schemas/broken", strict)).status).toBe(200);
  // Processors hear of a schema soon.
  await eventually(async () => {
    const probe = { type: "broken", source: "web", data: {} };
    await ask("POST", "/events", probe);
    const { data } = (await (await ask("GET", "/quarantine")).json()) as { data: unknown[] };
    expect(data).not.toEqual([]);
  }, 60_000);
  expect((await ask("POST", "/events", broken)).status).toBe(202);
  for (const name of Object.keys(questions)) {
    await eventually(async () => expect([name, await shown(name)]).toEqual([name, true]), 60_000);
  }
  await eventually(async () => expect((await counted()).meta).toMatchObject({ exact: true }));
  const before = await counted();
  stream.leave();

  const begun = await ask("DELETE", `/subjects/${mark}-user`);
  expect(begun.status).toBe(202);
  for (const name of Object.keys(questions)) {
    expect([name, await shown(name)]).toEqual([name, false]);
  }
  expect((await ask("GET", "/events/their-10")).status).toBe(404);
  const trace = await ask("GET", "/events/their-10/trace");
  expect(await trace.json()).toMatchObject({ state: "erased", acceptedAt: null });
  expect(
    await broker.call("query.count", { query: { source: "web", "data.note": `${mark}-note` } }),
  ).toBe(0);
  const again = await SseClient.open(`${origin}/api/v1/events/stream`, {
    "Last-Event-ID": beforeAllEvents,
  });
  await eventually(() => expect(again.events.map(({ id }) => id)).toContain("plain-12"), 60_000);
  expect(JSON.stringify(again.frames)).not.toContain(mark);
  expect(again.named("missed")).toEqual([]);
  again.leave();

  const meanwhile = await counted();
  expect(meanwhile.totals).toEqual(before.totals);
  expect(meanwhile.meta).toMatchObject({ exact: false, because: ["erasing"] });
  const listed = await ask("GET", `/events?include=total&type=opened&limit=1&${within}`);
  expect(await listed.json()).toMatchObject({ meta: { exact: false, because: ["erasing"] } });
  const funnel = await ask("POST", "/query/funnel", {
    steps: [{ type: "opened" }, { type: "paid" }],
  });
  expect(await funnel.json()).toMatchObject({
    steps: [{ users: 1 }, { users: 1 }],
    meta: { exact: true },
  });

  release();
  const path = begun.headers.get("location")!.replace("/api/v1", "");
  await eventually(async () => {
    expect(await (await ask("GET", path)).json()).toMatchObject({ status: "done", erased: 4 });
  }, 60_000);
  const after = await counted();
  expect(after.meta).toMatchObject({ exact: true });
  expect(after.totals[0]).toBe(before.totals[0]! - 3);
  for (const name of Object.keys(questions)) {
    expect([name, await shown(name)]).toEqual([name, false]);
  }
}, 180_000);
