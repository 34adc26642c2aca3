import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { inspect } from "node:util";
import fc from "fast-check";
import { ServiceBroker } from "moleculer";
import { brokerOptions } from "../../lib/runtime/broker.ts";
import { readConfig } from "../../lib/config.ts";
import { catalogue, errorType } from "../../lib/errors.ts";
import { aggregator } from "../../services/aggregator.service.ts";
import { apiGateway } from "../../services/api-gateway.service.ts";
import { ingest } from "../../services/ingest.service.ts";
import { processor } from "../../services/processor.service.ts";
import { query } from "../../services/query.service.ts";
import { eventually } from "../support/eventually.ts";

/** What any node on the bus may call of ours, whatever it sends. */
const secret = "s3cret-password";
let dataDir: string;
let broker: ServiceBroker;

beforeAll(async () => {
  dataDir = await mkdtemp(join(tmpdir(), "analytics-"));
  const config = readConfig({
    DATA_DIR: dataDir,
    LOG_LEVEL: "fatal",
    PORT: "0",
    API_KEYS: `${secret}-0123456789:shop`,
    QUERY_TIMEOUT_MS: "2000",
  });
  broker = new ServiceBroker({ ...brokerOptions(config), skipProcessEventRegistration: true });
  for (const service of [ingest, processor, aggregator, query, apiGateway]) {
    broker.createService(service(config));
  }
  await broker.start();
});
afterAll(async () => {
  await broker.stop();
  await rm(dataDir, { recursive: true, force: true });
});

const listed = () =>
  broker.registry
    .getActionList({ onlyLocal: true })
    .map(({ name }: { name: string }) => name)
    .sort();
const ours = () => listed().filter((name) => !name.startsWith("$node."));

/** What an action answers: its result, or the type of its refusal. */
async function call(action: string, params: unknown, meta: object = {}): Promise<unknown> {
  try {
    return await broker.call(action, params as object, { meta });
  } catch (error) {
    const { name, type, code } = error as { name: string; type: unknown; code: unknown };
    return { refusal: { name, type, code } };
  }
}

/** A refusal is one of the catalogue and says whose fault it is: the caller's. */
function expectFair(action: string, params: unknown, answer: unknown): void {
  const { refusal } = (answer ?? {}) as { refusal?: { name: string; type: unknown } };
  if (refusal === undefined) return;
  const type = errorType(refusal);
  const told = { action, params, refusal, status: catalogue[type].status };
  expect(told).toMatchObject({ refusal: { name: "ServiceError", type } });
  expect(told.status).toBeLessThan(500);
}

const deep = (levels: number): unknown => {
  let value: unknown = "x";
  for (let level = 0; level < levels; level++) value = level % 2 === 0 ? [value] : { a: value };
  return value;
};

const garbage: readonly unknown[] = [
  null,
  "text",
  7,
  true,
  [],
  [1, 2],
  {},
  { nothing: 1 },
  { id: null },
  { id: 7 },
  { id: "" },
  { id: { $ne: 1 } },
  { id: "x".repeat(100_000) },
  { name: 7 },
  { name: "a", body: 7 },
  { name: "a", body: { kind: "run", question: deep(2_000) } },
  { name: "a", body: {}, demand: 7 },
  { name: "a", demand: { versions: 7 } },
  { events: 7 },
  { events: {} },
  { events: [null, 7, "x", [], deep(2_000)] },
  { events: [], waitMs: "soon" },
  { events: Array.from({ length: 1_001 }, () => ({})) },
  { from: "yesterday", to: {} },
  { from: 1e300, to: 1e301 },
  { from: 5, to: 1 },
  { from: -8.64e15, to: 8.64e15 },
  { limit: -1 },
  { limit: "x" },
  { metrics: 7 },
  { metrics: [deep(2_000)] },
  { metrics: ["count"], filters: deep(2_000) },
  { metrics: ["count"], dimensions: [null], range: [] },
  { steps: [null, 7], window: {} },
  { steps: deep(2_000) },
  { first: 7, returning: [] },
  { query: 7 },
  { query: { $where: "1" } },
  { query: { type: { $regex: "(" } } },
  { query: deep(2_000) },
  { sort: 7, fields: {} },
  { nodeID: {}, services: "query" },
  { nodeID: "a", services: [7] },
  { id: "a", batch: 7, hash: [] },
  { kind: "toString", question: {}, project: 7 },
  JSON.parse('{"__proto__":{"a":1},"constructor":7}'),
];

test("only what other nodes may do is an action", () => {
  expect(listed()).not.toContain("$node.options");
  expect(ours()).not.toContain("query.answered");
  expect(ours().filter((name) => name.startsWith("api-gateway."))).toEqual(["api-gateway.knows"]);
  expect(ours()).toContain("ingest.collect");
  for (const action of ["api-gateway.addRoute", "$node.options", "query.answered"]) {
    expect(() => broker.findNextActionEndpoint(action, {}, undefined as never)).not.toThrow();
    expect(broker.registry.actions.isAvailable(action)).toBe(false);
  }
});

test("what nodes tell of themselves holds no password", async () => {
  const config = readConfig({
    DATA_DIR: dataDir,
    LOG_LEVEL: "fatal",
    SERVICES: "api-gateway",
    RABBITMQ_URL: `amqp://user:${secret}@127.0.0.1:1`,
    REDIS_URL: `redis://:${secret}@127.0.0.1:1`,
  });
  const { transporter, cacher } = brokerOptions(config);
  const told = [
    broker.getLocalNodeInfo(),
    ...(await Promise.all(
      ["list", "services", "actions", "events", "health"].map((verb) =>
        broker.call(`$node.${verb}`, { withServices: true, withActions: true, withEvents: true }),
      ),
    )),
    transporter,
    cacher,
  ];
  // As the console shows what it is told to: what can be enumerated.
  const text = inspect(told, { depth: 6, maxArrayLength: null, maxStringLength: null });
  expect(text).not.toContain(secret);
});

test("no action takes garbage for something, fails by it, or takes it and loses it", async () => {
  for (const action of ours()) {
    for (const params of garbage) {
      const answer = await call(action, params);
      expectFair(action, params, answer);
    }
  }
}, 240_000);

test("no random parameters do either", async () => {
  const value = fc.oneof({ maxDepth: 3 }, fc.jsonValue(), fc.string(), fc.integer());
  const names = [
    "id",
    "name",
    "events",
    "from",
    "to",
    "type",
    "metrics",
    "steps",
    "limit",
    "query",
  ];
  const params = fc.dictionary(fc.constantFrom(...names), value, { maxKeys: 3 });
  await fc.assert(
    fc.asyncProperty(fc.constantFrom(...ours()), params, async (action, given) => {
      expectFair(action, given, await call(action, given));
    }),
    { numRuns: 300 },
  );
}, 120_000);

test.each([
  ["a number", 7],
  ["a list", ["shop"]],
  ["an object", { $ne: null }],
  ["nothing", ""],
  ["a colon", "shop:other"],
  ["a space", "my shop"],
  ["65 characters", "x".repeat(65)],
])(
  "%s as meta.project is refusal by every action, before anything is accepted",
  async (_name, project) => {
    const good: Readonly<Record<string, object>> = {
      "ingest.collect": { events: [{ type: "a", source: "b" }] },
      "query.event": { id: "e1" },
      "query.run": { metrics: ["count"] },
    };
    for (const action of ours()) {
      const answer = await call(action, good[action] ?? {}, { project });
      expect([action, answer]).toEqual([
        action,
        { refusal: { name: "ServiceError", type: "VALIDATION", code: 400 } },
      ]);
    }
    await Promise.resolve(
      broker.emit("analytics.track", { type: "a", source: "b" }, { meta: { project } }),
    ).catch(() => undefined);
    const depth = (await call("processor.backlog", {})) as { messages: number; dead: number };
    expect(depth.dead).toBe(0);
  },
);

test("null as meta.project is as absent, and what was accepted meanwhile is all stored", async () => {
  const event = { id: "after-all", type: "a", source: "b" };
  const receipt = await call(
    "ingest.collect",
    { events: [event], waitMs: 10_000 },
    { project: null },
  );
  expect(receipt).toMatchObject({ accepted: 1, outcomes: { "after-all": "stored" } });
  await eventually(async () =>
    expect(await call("processor.backlog", {})).toMatchObject({ messages: 0, dead: 0 }),
  );
});
