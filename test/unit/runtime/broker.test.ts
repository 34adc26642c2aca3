import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ServiceBroker } from "moleculer";
import { readConfig } from "../../../lib/config.ts";
import { brokerOptions } from "../../../lib/runtime/broker.ts";

test("a processor of a cluster takes no message before the other nodes know of it", async () => {
  const folder = await mkdtemp(join(tmpdir(), "analytics-"));
  const options = { namespace: "begin", transporter: "Fake", logger: false } as const;
  const other = new ServiceBroker({ ...options, nodeID: "other" });
  const node = new ServiceBroker({
    ...brokerOptions(readConfig({ DATA_DIR: folder })),
    ...options,
  });
  const known: boolean[] = [];
  node.createService({
    name: "processor",
    actions: { backlog: () => null },
    methods: {
      begin: () => void known.push(other.registry.actions.isAvailable("processor.backlog")),
    },
  });
  try {
    await Promise.all([other.start(), node.start()]);
    expect(known).toEqual([true]);
  } finally {
    await Promise.all([other.stop(), node.stop()]);
    await rm(folder, { recursive: true });
  }
});
