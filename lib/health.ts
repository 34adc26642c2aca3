import type { Known, KnownAnswer } from "./concurrency/coalesce.ts";
import type { DurableQueue, QueueDepth } from "./queue/queue.ts";
import type { EventStore } from "./store/store.ts";

/** The health of the gateway and ingest, which fill the queue. */
export async function publisherHealth(
  queue: Pick<DurableQueue, "trouble" | "depth">,
): Promise<StageHealth> {
  if (queue.trouble !== null) return { state: "down", reason: queue.trouble };
  const { sizeBytes, maxBytes } = await queue.depth();
  const full = maxBytes !== null && sizeBytes >= maxBytes * 0.9;
  return full ? { state: "degraded", reason: "the queue is nearly full" } : { state: "ok" };
}

/** A batch that is due for so long, with none finished meanwhile, means that the pipeline is stalled. */
const stalledAfterMs = 30_000;

/**
 * The health of the processor, which empties the queue. `sinceDoneMs` is the time since it finished
 * its last batch, or since its start; `held` is why it takes none.
 */
export function consumerHealth(
  depth: QueueDepth,
  at: { readonly now: number; readonly sinceDoneMs: number; readonly held: string | null },
): StageHealth {
  const ageMs = depth.oldestReceivedAt === null ? 0 : at.now - depth.oldestReceivedAt;
  const lagMs = Math.max(0, ageMs);
  const backlog = depth.messages;
  if (at.held !== null) return { state: "down", reason: at.held, backlog, lagMs };
  // An age far in the future means that the clock was set; such an age counts as old, too.
  const isLate = depth.dueSince !== null && Math.abs(at.now - depth.dueSince) > stalledAfterMs;
  const stalled = isLate && at.sinceDoneMs > stalledAfterMs;
  if (stalled)
    return { state: "down", reason: "batches wait and none is finished", backlog, lagMs };
  if (depth.dead > 0)
    return { state: "degraded", reason: "there are dead letters", backlog, lagMs };
  return { state: "ok", backlog, lagMs };
}

/** The age of marks that means that nobody writes the rollups: answers stay right, but get slow. */
const lateAfterMs = 60_000;

/** The most time to wait for the backlog, milliseconds: less than callers wait for the health. */
const backlogWithinMs = 600;

/** The time without an answer about the backlog after which the store counts as away. */
const silentAfterMs = 30_000;

/** The number of dirty marks, and the instant at which the oldest was set, epoch milliseconds. */
export type DirtyBacklog = Awaited<ReturnType<EventStore["dirtyBacklog"]>>;

/**
 * The health of the aggregator, which writes rollups. Where the store is slow, the health has the
 * last known backlog.
 */
export async function aggregatorHealth(
  dirty: Pick<KnownAnswer<DirtyBacklog>, "within">,
  now: () => number,
): Promise<StageHealth> {
  let known: Known<DirtyBacklog>;
  try {
    known = await dirty.within(backlogWithinMs);
  } catch {
    return { state: "down", reason: "the store is away" };
  }
  const { value, lateMs } = known;
  if (lateMs > silentAfterMs) return { state: "down", reason: "the store is away" };
  const oldestMarkedAt = value?.oldestMarkedAt ?? null;
  const lagMs = oldestMarkedAt === null ? 0 : Math.max(0, now() - oldestMarkedAt);
  const backlog = value === null ? {} : { backlog: value.marks, lagMs };
  if (lagMs > lateAfterMs) {
    const reason = "rollups are late; answers are right but slower";
    return { state: "degraded", reason, ...backlog };
  }
  if (lateMs > 0) return { state: "degraded", reason: "the store answers slowly", ...backlog };
  return { state: "ok", ...backlog };
}

/** The health of the query service: whether the whole store can be read. */
export async function storeHealth(store: Pick<EventStore, "look">): Promise<StageHealth> {
  try {
    const { damaged } = await store.look();
    return damaged
      ? { state: "degraded", reason: "a part of the store's file is damaged; see its log" }
      : { state: "ok" };
  } catch {
    return { state: "down", reason: "the store is away" };
  }
}

/** The state of one stage of the pipeline, for the health page. */
export interface StageHealth {
  readonly state: "ok" | "degraded" | "down";
  /** Describes the fault; absent where there is none. */
  readonly reason?: string;
  /** The amount of work that waits before this stage, in the stage's own unit. */
  readonly backlog?: number;
  /** The age of the oldest waiting item, milliseconds. */
  readonly lagMs?: number;
}
