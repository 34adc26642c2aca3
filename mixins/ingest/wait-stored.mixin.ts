import { maxWaitMs } from "../../lib/call-limits.ts";
import { Waits, within, type Wait } from "../../lib/concurrency/waits.ts";
import type { Facts } from "../../lib/contracts.ts";
import { defaultProject, type BatchId, type EventId } from "../../lib/event/event.ts";
import { maxWaitsOfProject } from "../../lib/event/limits.ts";
import type { EventOutcome } from "../../lib/event/receipt.ts";
import { defineMixin, type TypedContext } from "../../lib/moleculer.ts";
import type { HashedId } from "./collect.mixin.ts";

const pollMs = 100;

type Caller = Pick<TypedContext<unknown>, "call" | "meta">;

/** An event whose outcome is asked for: see `query.outcome`. */
interface AskedEvent extends HashedId {
  readonly batch: BatchId;
}

type Outcomes = Map<EventId, EventOutcome>;

/** What WaitStoredMixin gives to `this`. */
export interface WaitingStored {
  outcomesOf(
    ctx: Caller,
    events: readonly HashedId[],
    batch: BatchId,
    waitMs: number,
  ): Promise<Readonly<Record<EventId, EventOutcome>>>;
}

/**
 * Gives a service `this.outcomesOf(ctx, events, batch, waitMs)`: the outcomes of accepted events.
 * It asks the query service until none is pending or the time is over, whatever that service does.
 * Its own batch's `events.stored` wakes it early. Of a project that holds `maxWaitsOfProject` waits
 * already, all are told to be pending at once.
 */
export function WaitStoredMixin() {
  return defineMixin<{ state: { waits: Waits } }>()({
    events: {
      "events.stored"({ params }) {
        const { batch } = (params ?? {}) as Partial<Facts["events.stored"]>;
        if (batch !== undefined) this.waits.wake(batch);
      },
    },
    methods: {
      async outcomesOf(
        ctx: Caller,
        events: readonly HashedId[],
        batch: BatchId,
        waitMs: number,
      ): Promise<Readonly<Record<EventId, EventOutcome>>> {
        const until = performance.now() + Math.min(waitMs, maxWaitMs);
        const outcomes: Outcomes = new Map(events.map(({ id }) => [id, "pending"]));
        const asked = events.map((event) => ({ ...event, batch }));
        const project = ctx.meta.project ?? defaultProject;
        await this.waits.during(project, batch, (wait) =>
          askUntil(until, wait, () => askOutcomes(ctx, asked, outcomes)),
        );
        return Object.fromEntries(outcomes);
      },
    },
    created() {
      this.waits = new Waits(maxWaitsOfProject);
    },
  });
}

/**
 * Asks again and again, whenever it is woken, until everything is known or the time is over.
 * @param until by `performance.now()`
 * @param ask resolves with whether everything is known
 */
async function askUntil(until: number, wait: Wait, ask: () => Promise<boolean>): Promise<void> {
  const leftMs = () => Math.max(0, until - performance.now());
  for (;;) {
    const isKnown = await within(leftMs(), ask());
    if (isKnown === true || leftMs() === 0) return;
    await wait.next(Math.min(pollMs, leftMs()));
  }
}

/**
 * Asks for the outcomes that are pending, and notes them.
 * @returns whether none is pending any more
 */
async function askOutcomes(
  ctx: Caller,
  events: readonly AskedEvent[],
  outcomes: Outcomes,
): Promise<boolean> {
  const isPending = ({ id }: AskedEvent) => outcomes.get(id) === "pending";
  const note = async (event: AskedEvent) => {
    // An event whose outcome cannot be read now is still accepted: an error of the read is no
    // outcome.
    const outcome = await ctx.call("query.outcome", event).catch((): EventOutcome => "pending");
    outcomes.set(event.id, outcome);
  };
  await Promise.all(events.filter(isPending).map(note));
  return !events.some(isPending);
}
