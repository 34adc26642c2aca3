import { setTimeout as delay } from "node:timers/promises";
import { maxWaitMs } from "../../lib/call-limits.ts";
import type { EventOutcome } from "../../lib/event/receipt.ts";
import type { BatchId, EventId } from "../../lib/event/event.ts";
import { defineMixin, type TypedContext } from "../../lib/moleculer.ts";
import type { Fingerprint } from "./collect.mixin.ts";

const pollMs = 100;

type Caller = Pick<TypedContext<unknown>, "call" | "meta">;

/**
 * Gives a service `this.outcomesOf(ctx, events, batch, waitMs)`: the outcomes of accepted events.
 * It asks the query service until none is pending or the time is over, whatever that service does.
 * `events.stored` wakes it early.
 */
export function OutcomeMixin() {
  return defineMixin<{ state: { stored: Set<() => void> } }>()({
    events: {
      "events.stored"() {
        for (const wake of this.stored) wake();
      },
    },
    methods: {
      async outcomesOf(
        ctx: Caller,
        events: readonly Fingerprint[],
        batch: BatchId,
        waitMs: number,
      ): Promise<Readonly<Record<EventId, EventOutcome>>> {
        const deadline = performance.now() + Math.min(waitMs, maxWaitMs);
        const timeIsOver = new AbortController();
        const over = delay(Math.min(waitMs, maxWaitMs), undefined, {
          signal: timeIsOver.signal,
        }).catch(() => undefined);
        const outcomes = new Map<string, EventOutcome>();
        const identities = events.map(({ id, hash }) => ({ id, batch, hash }));
        for (;;) {
          const stored = this.nextStored();
          const pending = identities.filter(
            ({ id }) => (outcomes.get(id) ?? "pending") === "pending",
          );
          // An event whose outcome cannot be read now is still accepted: an error of the read is no
          // outcome.
          const telling = Promise.all(
            pending.map(async (question) =>
              outcomes.set(
                question.id,
                await ctx.call("query.outcome", question).catch((): EventOutcome => "pending"),
              ),
            ),
          );
          await Promise.race([telling, over]);
          const leftMs = deadline - performance.now();
          const settled = identities.every(
            ({ id }) => (outcomes.get(id) ?? "pending") !== "pending",
          );
          if (settled || leftMs <= 0) {
            timeIsOver.abort();
            return Object.fromEntries(
              identities.map(({ id }) => [id, outcomes.get(id) ?? "pending"]),
            );
          }
          await Promise.race([stored, delay(Math.min(pollMs, leftMs))]);
        }
      },
      nextStored(): Promise<void> {
        return new Promise((resolve) => {
          const wake = () => {
            this.stored.delete(wake);
            resolve();
          };
          this.stored.add(wake);
        });
      },
    },
    created() {
      this.stored = new Set();
    },
  });
}
