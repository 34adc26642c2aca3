import type { ServiceBroker } from "moleculer";

interface Listed {
  readonly name: string;
  readonly nodeID: string;
}

interface Endpoints {
  readonly endpoints: readonly { readonly id: string; readonly isAvailable: boolean }[];
}

/** Whether this process sends calls to all of these services of a node. */
export function knowsServices(
  broker: ServiceBroker,
  nodeID: string,
  services: readonly string[],
): boolean {
  const known = (broker.registry.getServiceList({ onlyAvailable: true }) as unknown as Listed[])
    .filter((service) => service.nodeID === nodeID)
    .map(({ name }) => name);
  return services.every((name) => known.includes(name));
}

/**
 * Whether no gateway says that it does not know this process's services. A gateway that does not
 * answer in time is ignored: it may have died.
 */
export async function isKnown(
  broker: ServiceBroker,
  services: readonly string[],
  timeoutMs: number,
): Promise<boolean> {
  const action = "api-gateway.knows";
  const found = broker.registry.actions.get(action) as unknown as Endpoints | null;
  const gateways = (found?.endpoints ?? []).filter(({ isAvailable }) => isAvailable);
  const answers = await Promise.all(
    gateways.map(({ id }) =>
      broker
        .call<boolean, object>(
          action,
          { nodeID: broker.nodeID, services },
          { nodeID: id, timeout: timeoutMs },
        )
        .catch(() => true),
    ),
  );
  return answers.every(Boolean);
}
