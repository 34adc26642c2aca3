import type { CallingOptions, ServiceBroker } from "moleculer";
import type { Actions } from "./contracts.ts";

type Call<A extends keyof Actions> = (
  action: A,
  params: Actions[A]["params"],
  options: CallingOptions,
) => Promise<Actions[A]["result"]>;

interface Endpoints {
  readonly endpoints: readonly { readonly id: string; readonly isAvailable: boolean }[];
}

/**
 * Ask every node that has an action, at the same time.
 * @returns the answers by node
 * @throws the first error, also where a node does not answer in time, and where there is no node
 */
export async function callEveryNode<A extends keyof Actions>(
  { registry }: ServiceBroker,
  call: Call<A>,
  action: A,
  params: Actions[A]["params"],
  timeoutMs: number,
): Promise<ReadonlyMap<string, Actions[A]["result"]>> {
  const found = registry.actions.get(action) as unknown as Endpoints | undefined;
  const nodes = found?.endpoints.map(({ id }) => id) ?? [];
  if (nodes.length === 0) throw new Error(`no node has ${action}`);
  const answers = await Promise.all(
    nodes.map(
      async (nodeID) =>
        [nodeID, await call(action, params, { nodeID, timeout: timeoutMs })] as const,
    ),
  );
  return new Map(answers);
}
