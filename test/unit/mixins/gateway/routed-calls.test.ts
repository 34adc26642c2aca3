import { jest } from "@jest/globals";
import { once } from "node:events";
import type { AddressInfo, Server } from "node:net";
import { setImmediate } from "node:timers/promises";
import { ServiceBroker, type Context, type Middleware, type Service } from "moleculer";
import { callLimits, readTimeoutMs, requestMs } from "../../../../lib/call-limits.ts";
import { readConfig } from "../../../../lib/config.ts";
import { brokerOptions } from "../../../../lib/runtime/broker.ts";
import { limitCalls, extendLimit } from "../../../../lib/moleculer.ts";
import { apiGateway } from "../../../../services/api-gateway.service.ts";
import { document } from "../../../support/openapi.ts";

interface Called {
  readonly action: string;
  readonly timeoutMs: number;
}

/** Asks a gateway, and returns the calls that this made, in order. */
type Ask = (method: string, path: string, headers?: object) => Promise<readonly Called[]>;

type Serving = Service & { readonly server: Server };

interface Gateway {
  readonly ask: Ask;
  stop(): Promise<void>;
}

/** Answers that no other service has a part in, or that do not end: those bound their own calls. */
const withoutCalls =
  /^GET (\/health.*|\/metrics|\/openapi\.json|\/docs|\/api\/v1\/(keys\/self|live|events\/stream))$/;

const routes = Object.entries(document.paths)
  .flatMap(([path, methods]) => Object.keys(methods).map((method) => [method.toUpperCase(), path]))
  .map(([method = "", path = ""]) => ({ method, path, name: `${method} ${path}` }))
  .filter(({ name }) => !withoutCalls.test(name));

/** The routes that may take as long as questions, by the scope that they demand. */
const reads =
  /^(GET \/api\/v1\/(events|reports|catalog|schemas|queries|stories)|POST \/api\/v1\/query|GET .*\/export$)/;

const event = { type: "a.b", source: "c" };
/** Where an empty object is refused at the edge. */
const bodies: Readonly<Record<string, object>> = {
  "/api/v1/events": event,
  "/api/v1/events/batch": [event],
};

/** A gateway before services whose actions do nothing but say how long they are waited for. */
async function gateway(variables: Readonly<Record<string, string>>): Promise<Gateway> {
  const config = readConfig({ PORT: "0", ...variables });
  const options = brokerOptions(config);
  // The process would ask itself, too.
  const middlewares = options.middlewares?.filter((one) => (one as Middleware).name !== "WarmUp");
  const broker = new ServiceBroker({ ...options, middlewares, logger: false });
  const called: Called[] = [];
  const actions = Object.keys(callLimits).map((action) => action.split(/\.(.*)/s));
  for (const [name = "", ofService] of Map.groupBy(actions, ([service]) => service)) {
    if (name === "api-gateway") continue;
    const handler = ({ action, options }: Context) => {
      called.push({ action: action?.name ?? "", timeoutMs: options.timeout ?? Infinity });
      return {};
    };
    const verbs = ofService.map(([, verb = ""]) => [verb, { timeout: 0, handler }] as const);
    broker.createService({ name, actions: Object.fromEntries(verbs) });
  }
  const { server }: Serving = broker.createService(apiGateway(config));
  await broker.start();
  const { port } = server.address() as AddressInfo;
  return {
    async ask(method, path, headers = {}) {
      called.length = 0;
      const isBare = method === "GET" || method === "DELETE" || path.endsWith("/replay");
      const body = bodies[path] ?? {};
      const response = await fetch(`http://127.0.0.1:${port}${path.replaceAll(/[{}]/g, "")}`, {
        method,
        headers: { ...(!isBare && { "content-type": "application/json" }), ...headers },
        ...(!isBare && { body: JSON.stringify(body) }),
      });
      await response.body?.cancel();
      // The gateway looks for keys by itself, too.
      return called.filter(({ action }) => !/^query\.keys\.(known|used)$/.test(action));
    },
    stop: () => broker.stop(),
  };
}

describe.each([
  ["as long as they take by default", "10000"],
  ["as long as an operator may let them", "50000"],
])("questions may take %s", (_, queryTimeoutMs) => {
  let edge: Gateway;
  beforeAll(async () => {
    edge = await gateway({ QUERY_TIMEOUT_MS: queryTimeoutMs });
  });
  afterAll(() => edge.stop());

  test.each(routes)("$name waits no longer for all its calls than it may", async (route) => {
    const { method, path, name } = route;
    const longestMs = reads.test(name) ? readTimeoutMs(Number(queryTimeoutMs)) : requestMs;
    const calls = await edge.ask(method, path);
    expect(calls).not.toEqual([]);
    for (const { timeoutMs } of calls) {
      expect(timeoutMs).toBeGreaterThan(0);
      expect(timeoutMs).toBeLessThanOrEqual(longestMs);
    }
  });
});

test("what a request may take leaves two seconds of the 15 that clients are promised to late timers", () => {
  expect(requestMs).toBeLessThanOrEqual(12_000);
  expect(readTimeoutMs(readConfig({}).queryTimeoutMs)).toBeLessThanOrEqual(13_000);
});

test("calls from one context have one time limit together, which may be extended", async () => {
  const broker = new ServiceBroker({ logger: false });
  const timesMs: number[] = [];
  const tell = ({ options }: Context) => void timesMs.push(options.timeout!);
  broker.createService({
    name: "some",
    actions: {
      last: tell,
      first: (ctx: Context) => (tell(ctx), ctx.call("some.last")),
      async edge(ctx: Context) {
        limitCalls(ctx, 60_000);
        await ctx.call("some.first");
        await ctx.call("some.last");
        extendLimit(ctx, 60_000);
        await ctx.call("some.last");
        limitCalls(ctx, Number.EPSILON);
        return ctx.call("some.last").catch(({ name }: Error) => name);
      },
    },
  });
  await broker.start();
  expect(await broker.call("some.edge")).toBe("RequestSkippedError");
  await broker.stop();
  const [first, nested, second, anew] = timesMs as [number, number, number, number];
  expect(timesMs).toHaveLength(4);
  expect(first).toBeLessThan(60_000);
  expect(nested).toBeLessThan(first);
  expect(second).toBeLessThan(nested);
  expect(anew).toBeGreaterThan(60_000);
});

test("in a cluster a request waits for a node that offers its action, and for none where it has none", async () => {
  const config = readConfig({ PORT: "0" });
  const broker = new ServiceBroker({
    ...brokerOptions(config),
    logger: false,
    transporter: "Fake",
  });
  const { server }: Serving = broker.createService(apiGateway(config));
  await broker.start();
  const { port } = server.address() as AddressInfo;
  const looks = jest.spyOn(broker.registry.actions, "isAvailable");
  expect((await fetch(`http://127.0.0.1:${port}/health/live`)).status).toBe(200);
  expect(looks).not.toHaveBeenCalled();
  const received = once(server, "request");
  const answer = fetch(`http://127.0.0.1:${port}/api/v1/retention`);
  await received;
  await setImmediate();
  const handler = () => ({ events: "90d" });
  broker.createService({ name: "aggregator", actions: { "retention.get": { handler } } });
  expect(await (await answer).json()).toEqual({ events: "90d" });
  await broker.stop();
});

test("who may not ask is told so at once, also where no node offers the action", async () => {
  const keys = { reader: "a-reader-of-the-shop", admin: "an-admin-of-the-shop" };
  const config = readConfig({
    PORT: "0",
    API_KEYS: `${keys.reader}:shop:events:read,${keys.admin}:shop:admin`,
  });
  const broker = new ServiceBroker({
    ...brokerOptions(config),
    logger: false,
    transporter: "Fake",
  });
  const { server }: Serving = broker.createService(apiGateway(config));
  try {
    await broker.start();
    const looks = jest.spyOn(broker.registry.actions, "isAvailable");
    const { port } = server.address() as AddressInfo;
    for (const [path, key, status] of [
      ["/api/v1/catalog/types", undefined, 401],
      ["/api/v1/catalog/types", "another-key-than-known", 401],
      ["/api/v1/catalog/types", keys.admin, 403],
      ["/api/v1/retention", keys.reader, 403],
    ] as const) {
      const headers = key === undefined ? {} : { "x-api-key": key };
      const answer = await fetch(`http://127.0.0.1:${port}${path}`, { headers });
      expect([path, answer.status]).toEqual([path, status]);
    }
    expect(looks).not.toHaveBeenCalled();
  } finally {
    await broker.stop();
  }
});

test("while one process starts a request waits for the service that it asks, and afterwards for none", async () => {
  const config = readConfig({ PORT: "0" });
  const broker = new ServiceBroker({ ...brokerOptions(config), logger: false });
  const { server }: Serving = broker.createService(apiGateway(config));
  const isAsked = Promise.withResolvers<void>();
  broker.createService({
    name: "aggregator",
    actions: { "retention.get": () => ({ events: "90d" }), "audits.begin": () => ({ id: "job" }) },
    started: () => isAsked.promise,
  });
  try {
    const starting = broker.start();
    if (!server.listening) await once(server, "listening");
    const { port } = server.address() as AddressInfo;
    const audit = { method: "POST", headers: { "content-type": "application/json" }, body: "{}" };
    const asked = ["/retention", "/audits"].map((path) => {
      const received = once(server, "request");
      const answer = fetch(
        `http://127.0.0.1:${port}/api/v1${path}`,
        path === "/audits" ? audit : {},
      );
      return { received, answer };
    });
    await Promise.all(asked.map(({ received }) => received));
    await setImmediate();
    isAsked.resolve();
    const answers = await Promise.all(asked.map(async ({ answer }) => (await answer).status));
    expect(answers).toEqual([200, 202]);
    await starting;
    const looks = jest.spyOn(broker.registry.actions, "isAvailable");
    expect((await fetch(`http://127.0.0.1:${port}/api/v1/catalog/types`)).status).toBe(503);
    expect(looks).toHaveBeenCalledTimes(1);
  } finally {
    isAsked.resolve();
    await broker.stop();
  }
});
