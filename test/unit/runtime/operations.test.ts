import type { ServerResponse } from "node:http";
import { ServiceBroker } from "moleculer";
import type { StageHealth } from "../../../lib/health.ts";
import { startMetrics } from "../../../lib/metric-registry.ts";
import type { QueueDepth } from "../../../lib/queue/queue.ts";
import { Operations } from "../../../lib/runtime/operations.ts";

const depth: QueueDepth = {
  messages: 1,
  sizeBytes: 10,
  maxBytes: null,
  oldestReceivedAt: 1_000,
  dueSince: null,
  dead: 0,
};

let broker: ServiceBroker;
let operations: Operations;
let health: () => StageHealth;

beforeEach(async () => {
  broker = new ServiceBroker({ logger: false });
  startMetrics(broker);
  operations = new Operations(broker, ["processor"]);
  broker.createService({
    name: "processor",
    actions: { health: () => health(), backlog: () => depth },
  });
  await broker.start();
});

afterEach(async () => {
  operations.close();
  await broker.stop();
});

/** The gauges of the queue on the metrics page, without their common prefix. */
async function queueGauges(): Promise<readonly string[]> {
  let page = "";
  const response = { writeHead: () => undefined, end: (text: string) => (page = text) };
  await operations.metricsText({} as never, response as unknown as ServerResponse);
  return [...page.matchAll(/^analytics_queue_(\S+ \S+)$/gm)].map(([, gauge]) => gauge!);
}

test("a batch that waits for its next try is old, and not due", async () => {
  health = () => ({ state: "ok", backlog: 1, lagMs: 2_000 });
  expect(await queueGauges()).toEqual(
    expect.arrayContaining(["messages 1", "age_seconds 2", "due_seconds 0"]),
  );
});

test("the age of a queue that no processor tells of is not shown", async () => {
  health = () => {
    throw new Error("away");
  };
  const gauges = (await queueGauges()).join();
  expect(gauges).not.toContain("messages");
  expect(gauges).not.toContain("age_seconds");
});
