import type { ServiceBroker } from "moleculer";
import type { Actions } from "../contracts.ts";
import { ServiceError } from "../errors.ts";

interface Endpoints {
  readonly endpoints: readonly { readonly id: string; readonly isAvailable: boolean }[];
}

/**
 * Calls an action on every node that has it, at the same time.
 * @returns the answers by node
 * @throws the first error, also where a node does not answer in time; ServiceError
 *   SERVICE_UNAVAILABLE where no node has the action
 */
export async function callEveryNode<A extends keyof Actions>(
  broker: ServiceBroker,
  action: A,
  params: Actions[A]["params"],
  timeoutMs: number,
): Promise<ReadonlyMap<string, Actions[A]["result"]>> {
  const found = broker.registry.actions.get(action) as unknown as Endpoints | undefined;
  const nodes = found?.endpoints.map(({ id }) => id) ?? [];
  if (nodes.length === 0) throw new ServiceError("SERVICE_UNAVAILABLE", `no node has ${action}`);
  type Params = Actions[A]["params"];
  type Answer = Actions[A]["result"];
  const answers = await Promise.all(
    nodes.map(async (nodeID) => {
      const options = { nodeID, timeout: timeoutMs };
      return [nodeID, await broker.call<Answer, Params>(action, params, options)] as const;
    }),
  );
  return new Map(answers);
}
