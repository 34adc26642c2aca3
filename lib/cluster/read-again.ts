import { setTimeout as delay } from "node:timers/promises";
import {
  Errors,
  type CallingOptions,
  type Context,
  type Middleware,
  type ServiceBroker,
} from "moleculer";
import { callLimits, type CallLimit } from "../call-limits.ts";
import { leavingOf } from "../concurrency/leaving.ts";
import { errorType } from "../errors.ts";

export interface ReadAgainTimes {
  /** How long a read has no answer until its node is asked whether it is there. */
  readonly silentAfterMs: number;
  /** How long that node may take to say so. */
  readonly pongWithinMs: number;
  /**
   * How long after a read was asked for it is still tried again, and how long a node may be silent
   * while there is no other one.
   */
  readonly giveUpAfterMs: number;
}

const usual: ReadAgainTimes = { silentAfterMs: 1_000, pongWithinMs: 1_500, giveUpAfterMs: 5_000 };
/** Before the first repetition; then twice as long each time, up to a second. */
const retryMs = 100;

/**
 * Errors of the way to a node, not of the node: another one, or the same a moment later, can
 * answer.
 */
const ofTheWay: ReadonlySet<string> = new Set([
  "RequestRejectedError", // its node is gone
  "ServiceNotFoundError", // its node is being stopped, or no node is known yet
  "ServiceNotAvailableError",
  "BrokerDisconnectedError",
]);

type Attempt = Promise<unknown> & { readonly ctx?: Context };
/** An action's name; or what moleculer-web has chosen for it, which is one node's. */
type ActionName = string | { readonly action: { readonly name: string } };
type Call = (action: ActionName, params: unknown, options?: CallingOptions) => Attempt;

/** What Moleculer's broker has and its types leave out. */
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
 * Reads survive the death of their node. A read whose node is gone is asked again, of another one
 * if there is one. Where a node says nothing for a second it is asked whether it is there; one that
 * does not say so, killed or frozen, gets no reads until it does, and the read is asked of another
 * node besides: the first answer counts. Where there is no other one, the read is given up after 5
 * s of silence: a message broker that hangs would else keep it until the heartbeats are missed, 16
 * s. Reads change nothing, so one that is answered twice is only work. A node that takes a caller
 * for gone that is not (it missed the heartbeats of the caller's node) gets the call again too.
 * Within one process nothing changes.
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

/** Health is about one node, so another one's is no answer. */
function isRead(action: string): boolean {
  if (!action.startsWith("query.") || action === "query.health") return false;
  const limits = (callLimits as Readonly<Record<string, CallLimit | undefined>>)[action];
  return limits?.changes === false;
}

interface Read {
  readonly action: string;
  ask(more: Pick<CallingOptions, "nodeID" | "timeout">): Attempt;
  /** How long all attempts may take together; absent where each takes what its action may. */
  readonly timeoutMs: number | undefined;
  /** Aborted once the caller has left; absent where that is not known here. */
  readonly left: AbortSignal | undefined;
}

class Reads {
  readonly #broker: ServiceBroker;
  readonly #times: ReadAgainTimes;
  /** Nodes that were asked whether they are there and have not said so yet. */
  readonly #silent = new Set<string>();
  readonly #pings = new Map<string, Promise<boolean>>();

  constructor(broker: ServiceBroker, times: ReadAgainTimes) {
    this.#broker = broker;
    this.#times = times;
  }

  /** The answer, with the context it came with, which callers take its `meta` from. */
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

  /** One attempt, and a second one of another node where the first one's falls silent. */
  async #once(read: Read, until: Until): Promise<NodeAnswer> {
    const { action, left } = read;
    const leftMs = Math.max(1, Math.ceil(until.end - performance.now()));
    const attempt = read.ask({
      ...this.#besides(action),
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
   * Resolves once a node does not say that it is there; with nothing when that is no longer asked.
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
      const askedAt = performance.now();
      const isSilent = this.#silent.has(nodeID) || !(await this.#answers(nodeID));
      if (signal.aborted) return undefined;
      if (!isSilent) {
        silentSince = undefined;
        continue;
      }
      void this.#awaitWord(nodeID);
      if (this.#besides(action).nodeID !== undefined) return "here";
      silentSince ??= askedAt;
      if (performance.now() - silentSince >= giveUpAfterMs) return "everywhere";
    }
  }

  /** Asks a silent node until it answers, or is known to be gone. */
  async #awaitWord(nodeID: string): Promise<void> {
    if (this.#silent.has(nodeID)) return;
    this.#silent.add(nodeID);
    this.#broker.logger.warn({ node: nodeID }, "a node is silent, its reads are asked of others");
    const isKnown = () =>
      this.#broker.registry
        .getNodeList({ onlyAvailable: true, withServices: false })
        .some(({ id }) => id === nodeID);
    while (isKnown() && !(await this.#answers(nodeID))) {
      // A broker without a connection answers at once.
      await delay(this.#times.silentAfterMs, undefined, { ref: false });
    }
    this.#silent.delete(nodeID);
  }

  /** Whether a node says that it is there. All who ask at the same time share a question. */
  #answers(nodeID: string): Promise<boolean> {
    const ping = this.#pings.get(nodeID);
    if (ping !== undefined) return ping;
    const pong = this.#broker.ping(nodeID, this.#times.pongWithinMs) as Promise<unknown>;
    const answer = pong.then((word) => word !== null).finally(() => this.#pings.delete(nodeID));
    this.#pings.set(nodeID, answer);
    return answer;
  }

  /** A node that is not silent, where one is; else whichever Moleculer chooses. */
  #besides(action: string): Pick<CallingOptions, "nodeID"> {
    if (this.#silent.size === 0) return {};
    const { registry } = this.#broker as unknown as Internals;
    const nodes = (registry.actions.get(action)?.endpoints ?? [])
      .filter(({ id, isAvailable }) => isAvailable && !this.#silent.has(id))
      .map(({ id }) => id);
    if (nodes.length === 0 || nodes.includes(this.#broker.nodeID)) return {};
    return { nodeID: nodes[Math.floor(Math.random() * nodes.length)] };
  }
}

/** Until when a read is tried again, and when its last attempt ends, by `performance.now()`. */
interface Until {
  readonly again: number;
  /** NaN where each attempt takes what its action may. */
  readonly end: number;
}

/** A node says nothing, and another one is there, or none. */
type Silence = "here" | "everywhere";

interface NodeAnswer {
  readonly ctx: Context | undefined;
  readonly result: unknown;
}
