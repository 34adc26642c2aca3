import { answerMs, heartbeats } from "../../lib/call-limits.ts";
import { Callers } from "../../lib/concurrency/callers.ts";
import { endingWithin } from "../../lib/concurrency/deadline.ts";
import type { Config } from "../../lib/config.ts";
import { ServiceError } from "../../lib/errors.ts";
import { defineMixin, type TypedContext } from "../../lib/moleculer.ts";

type Calling = Pick<TypedContext<unknown>, "meta"> & { readonly nodeID?: string | null };

/** What CallersMixin gives to `this`. */
export interface Waited {
  /**
   * Does some work for a caller; the signal is aborted once the caller has left, where it said how
   * it will tell.
   * @throws ServiceError OVERLOADED where there is no answer in time, whatever hangs
   */
  forCaller<T>(ctx: Calling, work: (signal: AbortSignal) => Promise<T>): Promise<T>;
}

interface Gone {
  readonly node?: { readonly id?: unknown };
  /** It did not say that it goes: its heartbeats were missed. */
  readonly unexpected?: unknown;
}

/**
 * Gives a service `this.forCaller(ctx, work)`. A caller that may leave gives its call an id
 * (`meta.call`) and broadcasts `caller.left` with it; that a caller's node is gone is noticed too.
 */
export function CallersMixin({ queryTimeoutMs }: Config) {
  const withinMs = answerMs(queryTimeoutMs);
  const late = () => new ServiceError("OVERLOADED", `there was no answer within ${withinMs} ms`);

  return defineMixin<{ state: { callers: Callers } }>()({
    methods: {
      async forCaller<T>(
        { meta: { call }, nodeID }: Calling,
        work: (signal: AbortSignal) => Promise<T>,
      ): Promise<T> {
        if (call === undefined) return endingWithin(withinMs, late, undefined, work);
        const left = this.callers.begin(call, nodeID);
        try {
          return await endingWithin(withinMs, late, left, work);
        } finally {
          this.callers.end(call);
        }
      },
    },
    events: {
      "caller.left"({ params }) {
        const { call } = (params ?? {}) as { readonly call?: unknown };
        if (typeof call === "string") this.callers.left(call);
      },
      "$node.disconnected"({ params }) {
        const { node, unexpected } = (params ?? {}) as Gone;
        if (typeof node?.id !== "string") return;
        this.callers.lost(node.id, unexpected === true ? heartbeats.timeoutSeconds * 1_000 : 0);
      },
    },
    created() {
      this.callers = new Callers();
    },
  });
}
