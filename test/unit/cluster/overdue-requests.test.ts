import { ServiceBroker } from "moleculer";
import { endOverdueRequests } from "../../../lib/cluster/overdue-requests.ts";
import { eventually } from "../../support/eventually.ts";

/** What Moleculer's broker has and its types leave out. */
interface Internals {
  readonly _trackedContexts: readonly object[];
  readonly transit: { readonly pendingRequests: ReadonlyMap<string, object> };
}

test("a request whose answer never comes is not waited for once its time is up", async () => {
  const options = { transporter: "Fake", logger: false } as const;
  const asker = new ServiceBroker({
    ...options,
    nodeID: "overdue-asker",
    tracking: { enabled: true, shutdownTimeout: 60_000 },
    middlewares: [endOverdueRequests()],
  });
  const node = new ServiceBroker({ ...options, nodeID: "overdue-node" });
  node.createService({
    name: "slow",
    actions: { never: () => new Promise(() => {}), there: () => true },
  });
  try {
    await Promise.all([asker.start(), node.start()]);
    await asker.waitForServices("slow");
    expect(await asker.call("slow.there", {}, { timeout: 5_000 })).toBe(true);
    const late = asker.call("slow.never", {}, { timeout: 20 });
    const { _trackedContexts, transit } = asker as unknown as Internals;
    expect(_trackedContexts).toHaveLength(1);
    await expect(late).rejects.toMatchObject({ type: "REQUEST_TIMEOUT" });
    await eventually(() => {
      expect(_trackedContexts).toHaveLength(0);
      expect(transit.pendingRequests.size).toBe(0);
    });
  } finally {
    await asker.stop();
    await node.stop();
  }
});
