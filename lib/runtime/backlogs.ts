import type { ServiceBroker } from "moleculer";
import { askWithinMs } from "../call-limits.ts";
import type { QueueDepth } from "../queue/queue.ts";
import { callEveryNode } from "./call-every-node.ts";

const action = "processor.backlog";

/**
 * For how long a lost process may still hold messages, milliseconds: RabbitMQ gives those of a
 * silent connection back after two of its intervals (`heartbeatSeconds` of the queue's connection).
 */
const heldForMs = 20_000;

/**
 * The backlogs of all processes that may hold messages of the queue. A process holds messages before
 * it says that it is there no more: while it stops, it offers no action, and when it was lost, the
 * broker notices that later than the other nodes.
 */
export class Backlogs {
  readonly #broker: ServiceBroker;
  readonly #now: () => number;
  /** Nodes that offered the action and may hold messages. */
  readonly #holders = new Set<string>();
  readonly #lostAt = new Map<string, number>();

  /** @param now milliseconds that only grow */
  constructor(broker: ServiceBroker, now: () => number = () => performance.now()) {
    this.#broker = broker;
    this.#now = now;
  }

  /** Notes the nodes that offer the action; to be called whenever a node came or changed. */
  look(): ReadonlySet<string> {
    const found = this.#broker.registry.actions.get(action) as unknown as Endpoints | undefined;
    const offering = new Set(found?.endpoints.map(({ id }) => id) ?? []);
    for (const id of offering) {
      this.#holders.add(id);
      this.#lostAt.delete(id);
    }
    return offering;
  }

  /** Notes that a node is gone without having said that it stops. */
  lost(nodeID: string): void {
    if (this.#holders.has(nodeID)) this.#lostAt.set(nodeID, this.#now());
  }

  /** @throws where the backlog of a process that may hold messages is unknown */
  async ask(): Promise<readonly QueueDepth[]> {
    this.#checkAll();
    const depths = await callEveryNode(this.#broker, action, {}, askWithinMs);
    // A node that has come meanwhile may have taken what another one was not asked for.
    for (const id of this.#checkAll()) {
      if (!depths.has(id)) throw new Error(`${id} was not there yet`);
    }
    return [...depths.values()];
  }

  /** @returns the nodes that offer the action: no other one holds messages */
  #checkAll(): ReadonlySet<string> {
    const offering = this.look();
    for (const id of this.#holders) {
      if (offering.has(id)) continue;
      if (this.#isListed(id)) throw new Error(`${id} is stopping`);
      const lostAt = this.#lostAt.get(id);
      if (lostAt !== undefined && this.#now() - lostAt < heldForMs) {
        throw new Error(`${id} was lost a moment ago`);
      }
      this.#holders.delete(id);
      this.#lostAt.delete(id);
    }
    return offering;
  }

  #isListed(nodeID: string): boolean {
    const nodes = this.#broker.registry.getNodeList({ onlyAvailable: true, withServices: false });
    return (nodes as unknown as readonly { readonly id: string }[]).some(({ id }) => id === nodeID);
  }
}

interface Endpoints {
  readonly endpoints: readonly { readonly id: string }[];
}
