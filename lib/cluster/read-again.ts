import { setTimeout as delay } from "node:timers/promises";
import {
  Errors,
  type CallingOptions,
  type Context,
  type Middleware,
  type ServiceBroker,
} from "moleculer";
import { callLimits, type CallLimit } from "../call-limits.ts";
import { leavingOf } from "../concurrency/callers.ts";
import { errorType } from "../errors.ts";

export interface ReadAgainTimes {
  /** A node that has not answered a read for this long is pinged. */
  readonly silentAfterMs: number;
  /** A pinged node has this long to answer. */
  readonly pongWithinMs: number;
  /**
   * A read is retried for this long after it was sent; this is also how long a node may be silent
   * while there is no other node.
   */
  readonly giveUpAfterMs: number;
}

const usual: ReadAgainTimes = { silentAfterMs: 1_000, pongWithinMs: 1_500, giveUpAfterMs: 5_000 };
/** The pause before the first retry; it doubles each time, up to a second. */
const retryMs = 100;

/**
 * Errors of the way to a node, not of the node: another node, or the same one a moment later, can
 * answer.
 */
const ofTheWay: ReadonlySet<string> = new Set([
  "RequestRejectedError", // its node is gone
  "ServiceNotFoundError", // its node is being stopped, or no node is known yet
  "ServiceNotAvailableError",
  "BrokerDisconnectedError",
]);

type Attempt = Promise<unknown> & { readonly ctx?: Context };
/** An action's name, or the endpoint of one node that moleculer-web has chosen. */
type ActionName = string | { readonly action: { readonly name: string } };
type Call = (action: ActionName, params: unknown, options?: CallingOptions) => Attempt;

/** Members of Moleculer's broker that its types leave out. */
interface Internals {
  readonly transit?: object;
  readonly stopping: boolean;
  readonly registry: {
    readonly actions: { get(action: string): { readonly endpoints: readonly Endpoint[] } | null };
  };
}

interface Endpoint {
  readonly id: string;
  readonly isAvailable: boolean;
}

/**
 * Lets reads survive the death of their node. A read whose node is gone is sent again, to another
 * node if there is one. A node that says nothing for a second is pinged; if it does not answer,
 * because it was killed or frozen, it gets no reads until it does, and the read is sent to another
 * node as well: the first answer counts. Where there is no other node, the read is given up after 5
 * s of silence; with a message broker that hangs it would else wait for missed heartbeats, 16 s.
 * Reads change nothing, so one that is answered twice is only extra work. A node may wrongly believe
 * that a caller has left (it missed the heartbeats of the caller's node); the call is then sent to
 * it again. Within one process nothing changes.
 */
export function readAgain(times: Partial<ReadAgainTimes> = {}): Middleware {
  let reads: Reads | undefined;
  return {
    name: "ReadAgain",
    created(broker: ServiceBroker) {
      if ((broker as unknown as Internals).transit !== undefined) {
        reads = new Reads(broker, { ...usual, ...times });
      }
    },
    call(next: Call) {
      const call: Call = (action, params, options) => {
        const name = typeof action === "string" ? action : action.action.name;
        return reads !== undefined && isRead(name) && options?.nodeID === undefined
          ? reads.read({
              action: name,
              ask: (more) => next(name, params, { ...options, ...more }),
              timeoutMs: options?.timeout ?? undefined,
              left: options?.parentCtx && leavingOf(options.parentCtx),
            })
          : next(action, params, options);
      };
      return call;
    },
  } as unknown as Middleware;
}

/** A health call is about one node, so another node's answer would be wrong. */
function isRead(action: string): boolean {
  if (!action.startsWith("query.") || action === "query.health") return false;
  const limits = (callLimits as Readonly<Record<string, CallLimit | undefined>>)[action];
  return limits?.leavesDoubt === false;
}

interface Read {
  readonly action: string;
  ask(more: Pick<CallingOptions, "nodeID" | "timeout">): Attempt;
  /** How long all attempts may take together; absent where each may take as long as its action. */
  readonly timeoutMs: number | undefined;
  /** Aborted once the caller has left; absent where this node cannot know that. */
  readonly left: AbortSignal | undefined;
}

class Reads {
  readonly #broker: ServiceBroker;
  readonly #times: ReadAgainTimes;
  /** Nodes that were pinged and have not answered yet. */
  readonly #silent = new Set<string>();
  readonly #pings = new Map<string, Promise<boolean>>();

  constructor(broker: ServiceBroker, times: ReadAgainTimes) {
    this.#broker = broker;
    this.#times = times;
  }

  /** Reads, and returns the answer with its context, whose `meta` callers use. */
  read(read: Read): Attempt {
    const now = performance.now();
    const until = { again: now + this.#times.giveUpAfterMs, end: now + (read.timeoutMs ?? NaN) };
    const answer: { ctx?: Context } & Promise<unknown> = this.#repeated(read, until).then(
      ({ ctx, result }) => {
        if (ctx !== undefined) answer.ctx = ctx;
        return result;
      },
    );
    return answer;
  }

  async #repeated(read: Read, until: Until): Promise<NodeAnswer> {
    for (let round = 0; ; round += 1) {
      try {
        return await this.#once(read, until);
      } catch (error) {
        const { name } = (error ?? {}) as { name?: unknown };
        const { stopping } = this.#broker as unknown as Internals;
        const isOver = stopping || read.left?.aborted === true || performance.now() >= until.again;
        if (isOver || !ofTheWay.has(String(name))) throw error;
        await delay(Math.min(retryMs * 2 ** round, 1_000));
      }
    }
  }

  /** Makes one attempt, and a second one on another node where the first node falls silent. */
  async #once(read: Read, until: Until): Promise<NodeAnswer> {
    const { action, left } = read;
    const leftMs = Math.max(1, Math.ceil(until.end - performance.now()));
    const attempt = read.ask({
      ...this.#otherNode(action),
      ...(read.timeoutMs !== undefined && { timeout: leftMs }),
    });
    const { ctx } = attempt;
    const nodeID = ctx?.nodeID;
    const first = attempt.then(
      (result) => ({ ctx, result }),
      (error: unknown) => {
        const isMistaken = left?.aborted === false && errorType(error) === "CALLER_LEFT";
        throw isMistaken ? new Errors.ServiceNotAvailableError({ action, nodeID }) : error;
      },
    );
    if (nodeID == null || nodeID === this.#broker.nodeID) return first;
    const answered = new AbortController();
    const settled = first.finally(() => answered.abort()).catch(() => undefined);
    const silence = await Promise.race([
      settled.then(() => undefined),
      this.#fallsSilent(nodeID, action, answered.signal),
    ]);
    if (silence === undefined) return first;
    if (silence === "everywhere") {
      answered.abort();
      throw new Errors.ServiceNotAvailableError({ action, nodeID });
    }
    try {
      return await Promise.any([first, this.#repeated(read, until)]);
    } catch (error) {
      throw (error as AggregateError).errors.at(-1);
    }
  }

  /**
   * Resolves once a node misses a ping; resolves with nothing once the check is no longer needed.
   */
  async #fallsSilent(
    nodeID: string,
    action: string,
    signal: AbortSignal,
  ): Promise<Silence | undefined> {
    const { silentAfterMs, giveUpAfterMs } = this.#times;
    let silentSince: number | undefined;
    for (;;) {
      await delay(silentAfterMs, undefined, { signal, ref: false }).catch(() => undefined);
      if (signal.aborted) return undefined;
      const requestedAt = performance.now();
      const isSilent = this.#silent.has(nodeID) || !(await this.#answers(nodeID));
      if (signal.aborted) return undefined;
      if (!isSilent) {
        silentSince = undefined;
        continue;
      }
      void this.#pingUntilItAnswers(nodeID);
      if (this.#otherNode(action).nodeID !== undefined) return "here";
      silentSince ??= requestedAt;
      if (performance.now() - silentSince >= giveUpAfterMs) return "everywhere";
    }
  }

  /** Pings a silent node until it answers, or is known to be gone. */
  async #pingUntilItAnswers(nodeID: string): Promise<void> {
    if (this.#silent.has(nodeID)) return;
    this.#silent.add(nodeID);
    this.#broker.logger.warn({ node: nodeID }, "a node is silent, its reads go to other nodes");
    const isKnown = () =>
      this.#broker.registry
        .getNodeList({ onlyAvailable: true, withServices: false })
        .some(({ id }) => id === nodeID);
    while (isKnown() && !(await this.#answers(nodeID))) {
      // A broker without a connection answers at once, so each ping is followed by a pause.
      await delay(this.#times.silentAfterMs, undefined, { ref: false });
    }
    this.#silent.delete(nodeID);
  }

  /** Pings a node. Callers at the same time share one ping. */
  #answers(nodeID: string): Promise<boolean> {
    const ping = this.#pings.get(nodeID);
    if (ping !== undefined) return ping;
    const pong = this.#broker.ping(nodeID, this.#times.pongWithinMs) as Promise<unknown>;
    const answer = pong.then((word) => word !== null).finally(() => this.#pings.delete(nodeID));
    this.#pings.set(nodeID, answer);
    return answer;
  }

  /** Picks a node that is not silent, if there is one; else Moleculer chooses. */
  #otherNode(action: string): Pick<CallingOptions, "nodeID"> {
    if (this.#silent.size === 0) return {};
    const { registry } = this.#broker as unknown as Internals;
    const nodes = (registry.actions.get(action)?.endpoints ?? [])
      .filter(({ id, isAvailable }) => isAvailable && !this.#silent.has(id))
      .map(({ id }) => id);
    if (nodes.length === 0 || nodes.includes(this.#broker.nodeID)) return {};
    return { nodeID: nodes[Math.floor(Math.random() * nodes.length)] };
  }
}

/** Until when a read is retried, and when its last attempt ends, by `performance.now()`. */
interface Until {
  readonly again: number;
  /** NaN where each attempt may take as long as its action. */
  readonly end: number;
}

/** `here`: a node gives no answer while another node could; `everywhere`: no node could. */
type Silence = "here" | "everywhere";

interface NodeAnswer {
  readonly ctx: Context | undefined;
  readonly result: unknown;
}
