import fc from "fast-check";
import { ServiceBroker, type ServiceSchema } from "moleculer";
import { brokerOptions } from "../../lib/runtime/broker.ts";
import {
  callLimits,
  collectMs,
  collectTimeoutMs,
  isInDoubt,
  maxWaitMs,
  requestMs,
} from "../../lib/call-limits.ts";
import { readConfig } from "../../lib/config.ts";
import type { Actions } from "../../lib/contracts.ts";
import { gatherWaitMs } from "../../lib/concurrency/batcher.ts";
import { outcomeUnknown } from "../../lib/runtime/middlewares.ts";
import { publishTimeoutMs } from "../../lib/queue/queue.ts";
import { aggregator } from "../../services/aggregator.service.ts";
import { apiGateway } from "../../services/api-gateway.service.ts";
import { ingest } from "../../services/ingest.service.ts";
import { processor } from "../../services/processor.service.ts";
import { query } from "../../services/query.service.ts";

type ActionName = keyof Actions;
const config = readConfig({});
const schemas: readonly ServiceSchema[] = [apiGateway, ingest, processor, aggregator, query].map(
  (service) => service(config),
);

/** What an action calls, one after the other: Moleculer gives a nested call no more than its caller has left. */
const nested: { readonly [A in ActionName]?: readonly ActionName[] } = {
  "query.counts": ["query.answered"],
  "query.run": ["query.answered"],
  "query.funnel": ["query.answered"],
  "query.retention": ["query.answered"],
  "query.paths": ["query.answered"],
  "query.mailReport": ["query.answered"],
  "query.catalog.types": ["query.answered"],
  "query.catalog.properties": ["query.answered"],
  "query.catalog.values": ["query.answered"],
  "query.saved.results": ["query.answered"],
};

test("every action has the limit of the table, and every limit of the table an action", () => {
  const found = schemas.flatMap(({ name, actions }) =>
    Object.entries(actions ?? {}).map(([verb, action]) => {
      const { timeout } = action as { timeout?: number };
      return [`${name}.${verb}`, timeout] as const;
    }),
  );
  const expected = Object.entries(callLimits).map(([name, { timeoutMs }]) => [name, timeoutMs]);
  expect(new Map(found)).toEqual(new Map(expected as [string, number][]));
});

test.each(Object.entries(callLimits))(
  "%s is given up only after the longest it may take",
  (name, { takesMs, timeoutMs }) => {
    if (timeoutMs !== 0) expect(timeoutMs).toBeGreaterThan(takesMs);
    for (const callee of nested[name as ActionName] ?? []) {
      expect(takesMs).toBeGreaterThanOrEqual(callLimits[callee].timeoutMs);
    }
  },
);

test("whoever collects waits longer than gathering, publishing and the wait asked for, and hears in time where none is", () => {
  fc.assert(
    fc.property(fc.option(fc.integer({ min: 0, max: 10 ** 9 }), { nil: undefined }), (waitMs) => {
      const takesMs = gatherWaitMs + publishTimeoutMs + Math.min(waitMs ?? 0, maxWaitMs);
      expect(collectTimeoutMs + (waitMs ?? 0)).toBeGreaterThan(takesMs);
    }),
  );
  // The gateway gathers before it calls.
  expect(gatherWaitMs + collectTimeoutMs).toBeLessThanOrEqual(requestMs);
  expect(callLimits["ingest.collect"].takesMs).toBe(collectMs + maxWaitMs);
});

test("nothing is called again by itself, and no default is shorter than an action", () => {
  const { retryPolicy, requestTimeout } = brokerOptions(config);
  expect(retryPolicy?.enabled ?? false).toBe(false);
  expect(requestTimeout).toBeGreaterThan(0);
});

describe("a call that gets no answer", () => {
  /** Calls an action of that name that never answers, and gives it up after 20 ms. */
  async function giveUp(action: string): Promise<unknown> {
    const [name = "", ...verb] = action.split(".");
    const broker = new ServiceBroker({ logger: false, middlewares: [outcomeUnknown] });
    broker.createService({
      name,
      actions: { [verb.join(".")]: { handler: () => new Promise(() => undefined) } },
    });
    await broker.start();
    try {
      return await broker.call(action, {}, { timeout: 20 }).catch((error: unknown) => error);
    } finally {
      await broker.stop();
    }
  }

  test.each(Object.entries(callLimits))("%s", async (action, { leavesDoubt }) => {
    expect(await giveUp(action)).toMatchObject(
      leavesDoubt ? { type: "OUTCOME_UNKNOWN", code: 503 } : { name: "RequestTimeoutError" },
    );
  });

  test("is in doubt where the node was lost, not where the call never left", () => {
    const named = (name: string) => Object.assign(new Error(""), { name });
    expect(isInDoubt("ingest.collect", named("RequestRejectedError"))).toBe(true);
    for (const name of ["BrokerDisconnectedError", "ServiceNotFoundError", "ServiceError"]) {
      expect(isInDoubt("ingest.collect", named(name))).toBe(false);
    }
    expect(isInDoubt("query.events", named("RequestRejectedError"))).toBe(false);
  });
});
