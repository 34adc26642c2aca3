import type { ServiceBroker } from "moleculer";
import { callEveryNode } from "../../../lib/runtime/call-every-node.ts";

test.each([
  ["no node ever had", undefined],
  ["no node has now", { endpoints: [] }],
])("an action that %s is a service that is away", async (_, found) => {
  const broker = { registry: { actions: { get: () => found } } } as unknown as ServiceBroker;
  const called = callEveryNode(broker, "processor.tellOrder", { forMs: 1 }, 1);
  await expect(called).rejects.toMatchObject({ type: "SERVICE_UNAVAILABLE", code: 503 });
});
