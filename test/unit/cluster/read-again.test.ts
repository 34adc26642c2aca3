import { Context, ServiceBroker } from "moleculer";
import { readAgain, type ReadAgainTimes } from "../../../lib/cluster/read-again.ts";
import { keepLeaving } from "../../../lib/concurrency/callers.ts";
import { eventually } from "../../support/eventually.ts";

/** What Moleculer's broker has and its types leave out. */
interface Internals {
  readonly transit: { sendPong(payload: object): Promise<void> };
  readonly registry: {
    getActionEndpointByNodeId(action: string, nodeID: string): object | null;
    readonly nodes: { disconnected(nodeID: string, unexpected: boolean): void };
  };
}

const inside = (broker: ServiceBroker) => broker as unknown as Internals;

const times = { silentAfterMs: 20, pongWithinMs: 100, giveUpAfterMs: 30_000 };

let asker: ServiceBroker;
const nodes = new Map<string, ServiceBroker>();

/** Which node was asked, each time. */
let asked: string[];

type Handler = (ctx: Context) => unknown;

async function startNode(nodeID: string, handler: Handler): Promise<ServiceBroker> {
  const broker = new ServiceBroker({ nodeID, transporter: "Fake", logger: false });
  const action: Handler = (ctx) => {
    asked.push(nodeID);
    return handler(ctx);
  };
  broker.createService({
    name: "query",
    actions: { events: action, "saved.put": action },
  });
  nodes.set(nodeID, broker);
  await broker.start();
  await asker.waitForServices("query");
  await eventually(() => {
    const known = asker.registry.getServiceList({ onlyAvailable: true });
    expect(JSON.stringify(known)).toContain(`"nodeID":"${nodeID}"`);
  });
  return broker;
}

const never = () => new Promise<never>(() => {});
const here: Handler = (ctx) => ctx.broker.nodeID;

async function startAsker(nodeID: string, some: Partial<ReadAgainTimes>): Promise<ServiceBroker> {
  const middlewares = [readAgain({ ...times, ...some })];
  const broker = new ServiceBroker({ nodeID, transporter: "Fake", logger: false, middlewares });
  await broker.start();
  return broker;
}

beforeEach(async () => {
  asked = [];
  asker = await startAsker("asker", {});
});
afterEach(async () => {
  await Promise.all([...nodes.values()].map((node) => node.stop()));
  nodes.clear();
  await asker.stop();
});

describe("a read", () => {
  test("whose node is gone is asked of another one", async () => {
    await startNode("a", never);
    const answer = asker.call("query.events");
    await eventually(() => expect(asked).toEqual(["a"]));
    await startNode("b", here);
    inside(asker).registry.nodes.disconnected("a", true);
    expect(await answer).toBe("b");
    expect(asked).toEqual(["a", "b"]);
  });

  test("whose node does not say that it is there is asked of another one, and so are later ones", async () => {
    const silent = await startNode("a", never);
    const answers = [asker.call("query.events"), asker.call("query.events")];
    await eventually(() => expect(asked).toEqual(["a", "a"]));
    const sendPong = inside(silent).transit.sendPong.bind(inside(silent).transit);
    inside(silent).transit.sendPong = () => Promise.resolve();
    await startNode("b", here);
    expect(await Promise.all(answers)).toEqual(["b", "b"]);
    for (let i = 0; i < 6; i += 1) expect(await asker.call("query.events")).toBe("b");
    expect(asked.filter((node) => node === "a")).toHaveLength(2);

    inside(silent).transit.sendPong = sendPong;
    await eventually(() => {
      asker.call("query.events").catch(() => undefined);
      expect(asked.filter((node) => node === "a").length).toBeGreaterThan(2);
    });
  });

  test("whose node is slow and says that it is there is waited for, and asked for once", async () => {
    const done = Promise.withResolvers<string>();
    await startNode("a", () => done.promise);
    const answer = asker.call("query.events");
    await eventually(() => expect(asked).toEqual(["a"]));
    const pongs: unknown[] = [];
    asker.localBus.on("$node.pong", (pong: unknown) => pongs.push(pong));
    await startNode("b", here);
    await eventually(() => expect(pongs.length).toBeGreaterThan(3));
    done.resolve("slowly");
    expect(await answer).toBe("slowly");
    expect(asked).toEqual(["a"]);
  });

  test("that is asked before any node is known waits a moment for one", async () => {
    const answer = asker.call("query.events");
    await startNode("a", here);
    expect(await answer).toBe("a");
  });

  test("is given up where there is no node", async () => {
    const brief = await startAsker("brief", { giveUpAfterMs: 50 });
    const failure = { type: "SERVICE_NOT_FOUND" };
    await expect(brief.call("query.events")).rejects.toMatchObject(failure);
    await brief.stop();
  });

  test("whose node is silent is given up after a while where there is no other one", async () => {
    const silent = await startNode("a", never);
    inside(silent).transit.sendPong = () => Promise.resolve();
    const brief = await startAsker("brief", { giveUpAfterMs: 50 });
    await eventually(() =>
      expect(JSON.stringify(brief.registry.getServiceList({ onlyAvailable: true }))).toContain(
        `"query"`,
      ),
    );
    await expect(brief.call("query.events")).rejects.toMatchObject({
      name: "ServiceNotAvailableError",
    });
    await brief.stop();
  });

  test("has one time limit for all its attempts", async () => {
    const limits: number[] = [];
    const held = Promise.withResolvers<string>();
    const handler: Handler = (ctx) => {
      limits.push((ctx.options as { timeout: number }).timeout);
      return limits.length < 2 ? held.promise : "b";
    };
    await startNode("a", handler);
    const answer = asker.call("query.events", {}, { timeout: 60_000 });
    await eventually(() => expect(asked).toEqual(["a"]));
    await startNode("b", handler);
    inside(asker).registry.nodes.disconnected("a", true);
    expect(await answer).toBe("b");
    expect(limits[0]).toBeGreaterThan(59_000);
    expect(limits[1]).toBeLessThan(limits[0]!);
    held.resolve("late");
  });

  test("whose node takes its caller for gone is asked again while the caller is there", async () => {
    const gone = Object.assign(new Error("left"), { name: "ServiceError", type: "CALLER_LEFT" });
    const left = new AbortController();
    let leaves = false;
    await startNode("a", () => {
      if (leaves) left.abort();
      if (leaves || asked.length < 3) throw gone;
      return "a";
    });
    const caller = new Context(asker);
    const options = { parentCtx: caller };
    await expect(asker.call("query.events", {}, options)).rejects.toMatchObject(gone);
    keepLeaving(caller, left.signal);
    expect(await asker.call("query.events", {}, options)).toBe("a");
    expect(asked).toEqual(["a", "a", "a"]);

    leaves = true;
    await expect(asker.call("query.events", {}, options)).rejects.toMatchObject(gone);
    expect(asked).toHaveLength(4);
  });

  test("whose node takes its caller for gone again and again is refused as what may be tried again", async () => {
    await startNode("a", () => {
      throw Object.assign(new Error("left"), { name: "ServiceError", type: "CALLER_LEFT" });
    });
    const brief = await startAsker("brief", { giveUpAfterMs: 0 });
    await brief.waitForServices("query");
    const caller = new Context(brief);
    keepLeaving(caller, new AbortController().signal);
    await expect(brief.call("query.events", {}, { parentCtx: caller })).rejects.toMatchObject({
      name: "ServiceNotAvailableError",
    });
    await brief.stop();
  });

  test("that fails for what was asked fails at once, and hands on what came with an answer", async () => {
    await startNode("a", (ctx) => {
      if ((ctx.params as { bad?: boolean }).bad) {
        throw Object.assign(new Error("no"), { name: "ServiceError", type: "VALIDATION" });
      }
      (ctx.meta as Record<string, unknown>)["told"] = true;
      return "fine";
    });
    await expect(asker.call("query.events", { bad: true })).rejects.toMatchObject({
      type: "VALIDATION",
    });
    expect(asked).toEqual(["a"]);
    const call = asker.call("query.events", {}) as Promise<unknown> & { ctx?: Context };
    expect(await call).toBe("fine");
    expect(call.ctx?.meta).toEqual({ told: true });
  });
});

test("a read for which moleculer-web has chosen a node is asked of another one all the same", async () => {
  const there = await startNode("a", never);
  await startNode("b", here);
  const chosen = inside(asker).registry.getActionEndpointByNodeId("query.events", "a");
  await there.stop();
  expect(await asker.call(chosen as never)).toBe("b");
});

test("a write is not asked for again, nor a read that names its node", async () => {
  await startNode("a", never);
  const calls = [
    asker.call("query.saved.put"),
    asker.call("query.events", {}, { nodeID: "a" }),
  ].map((call) => call.catch((error: unknown) => error));
  await eventually(() => expect(asked).toEqual(["a", "a"]));
  await startNode("b", here);
  inside(asker).registry.nodes.disconnected("a", true);
  for (const failure of await Promise.all(calls)) {
    expect(failure).toMatchObject({ name: "RequestRejectedError" });
  }
  expect(asked).toEqual(["a", "a"]);
});
