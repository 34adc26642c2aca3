import { setTimeout as delay } from "node:timers/promises";
import { ServiceBroker, type Context } from "moleculer";
import { ClusterTransporter } from "../../lib/cluster/amqp-transporter.ts";
import { eventually } from "../support/eventually.ts";
import { layCable, type Cable } from "../../tools/servers/cable.ts";
import { describeWith } from "../../tools/servers/installed.ts";
import { startRabbitmq, type RabbitmqServer } from "../../tools/servers/servers.ts";

describeWith(["rabbitmq"], "the bus between nodes", () => {
  let server: RabbitmqServer;
  let cable: Cable;
  const nodes: ServiceBroker[] = [];

  const node = (nodeID: string, url: string): ServiceBroker => {
    const made = new ServiceBroker({
      nodeID,
      namespace: "bus",
      logger: false,
      transporter: new ClusterTransporter(url),
      heartbeatInterval: 1,
      heartbeatTimeout: 4,
      requestTimeout: 3_000,
    });
    nodes.push(made);
    return made;
  };

  beforeAll(async () => {
    server = await startRabbitmq();
    cable = await layCable(server.url);
  });
  afterEach(async () => {
    await Promise.all(nodes.splice(0).map((one) => one.stop()));
  });
  afterAll(async () => {
    await cable?.remove();
    await server?.stop();
  });

  /** A caller, and a node behind the cable whose action `slow` ends when it is told to. */
  async function pair() {
    const [caller, far] = [node("caller", server.url), node("far", cable.url)];
    let begun = 0;
    const gate = Promise.withResolvers<void>();
    far.createService({
      name: "far",
      actions: {
        slow: async () => {
          begun += 1;
          await gate.promise;
        },
        quick: () => "answered",
        large: ({ params }: Context<{ readonly length: number }>) => "x".repeat(params.length),
      },
    });
    await Promise.all([caller.start(), far.start()]);
    await caller.waitForServices("far", 30_000);
    return { caller, far, begun: () => begun, end: gate.resolve };
  }
  const answers = (caller: ServiceBroker) =>
    eventually(async () => expect(await caller.call("far.quick")).toBe("answered"), 60_000);

  test("a request that outlives its connection does not cost the node the next one", async () => {
    const { caller, far, begun, end } = await pair();
    const asked = caller.call("far.slow").catch(() => undefined);
    await eventually(() => expect(begun()).toBe(1));
    cable.pull();
    cable.plugIn();
    // It is delivered again on the new connection: then the old delivery's number is unknown there.
    await eventually(() => expect(begun()).toBe(2), 30_000);
    end();
    await asked;
    await answers(caller);
    // The broker's refusal would come after the answer.
    await delay(500);
    await answers(caller);
    expect(far.transit!.tx).toMatchObject({ connectionCount: 2 });
  });

  test("an answer or a request that is too large is refused, and costs no connection", async () => {
    const { caller, far } = await pair();
    const large = (length: number, more = {}) => caller.call("far.large", { length, ...more });
    expect(await large(8_000_000)).toHaveLength(8_000_000);
    const refused = { type: "QUERY_TOO_EXPENSIVE", code: 422 };
    await expect(large(20_000_000)).rejects.toMatchObject(refused);
    const text = "x".repeat(20_000_000);
    await expect(large(1, { text })).rejects.toMatchObject({ type: "TOO_LARGE", code: 413 });
    await answers(caller);
    for (const one of [caller, far]) expect(one.transit!.tx).toMatchObject({ connectionCount: 1 });
  });

  test("a node whose channel alone is closed is heard again", async () => {
    const { caller, far } = await pair();
    await answers(caller);
    const { channel } = far.transit!.tx as unknown as {
      channel: { checkQueue(name: string): Promise<unknown> };
    };
    await expect(channel.checkQueue("there is none")).rejects.toThrow("404");
    await answers(caller);
  });
});
