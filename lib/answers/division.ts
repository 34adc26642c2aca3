import { setTimeout as delay } from "node:timers/promises";
import type { Fold } from "../questions/fold.ts";
import {
  divisionOf,
  foldOf,
  type FoldJob,
  type FoldKind,
  type FoldResult,
} from "../questions/folds.ts";
import { ServiceError } from "../errors.ts";
import { shareOf, type Share } from "../questions/share.ts";
import type { ReadLimits } from "../event/event-page.ts";
import type { Manifest, Segment } from "../store/manifest.ts";
import { tookTooLong } from "../store/time-limit.ts";
import type { Analyzed, FoldedPart } from "../store/store.ts";

/** A part of the work on a question: a manifest, and the share of its users that counts. */
export interface Part {
  readonly manifest: Manifest;
  readonly share?: Share;
}

/** A process that folds parts. */
export interface FoldingNode {
  /**
   * The name by which segments are assigned. A node with the same name as before may have its
   * segments on its disk.
   */
  readonly name: string;
  /** @throws any error that keeps the node from folding the part */
  fold(part: Part, limits: ReadLimits): Promise<FoldedPart>;
}

interface Work<K extends FoldKind = FoldKind> {
  readonly job: FoldJob<K>;
  readonly manifest: Manifest;
  /** This process. If it fails to fold a part, the question fails. */
  readonly own: FoldingNode;
  /** All other nodes. This process folds each part that another node does not. */
  readonly others: readonly FoldingNode[];
  readonly limits: ReadLimits;
  /**
   * The time before which this process takes no part that another node is folding, milliseconds.
   */
  readonly hedgeAfterMs?: number;
}

/**
 * The most events of a job for each of its shares: one fold may be unable to hold the users of
 * more events.
 */
export const maxEventsOfShare = 4_000_000;

const usualHedgeAfterMs = 250;

/**
 * The factor by which another node's part may take longer than this process' own parts, before
 * this process folds it too.
 */
const hedgeFactor = 1.25;

/**
 * Folds a manifest on several nodes. Each node gets some of the segments or, where a user's events
 * must not be divided, reads all of them for its share of the users. All parts are of one manifest,
 * so they fit together. A node that fails or is slow costs time, never an event: this process folds
 * its part too, and the first result counts.
 * @throws the errors of folding in this process; FoldOverflow where the answer grows beyond its
 * bound
 */
export async function foldDivided<K extends FoldKind>(
  job: FoldJob<K>,
  work: Omit<Work, "job">,
): Promise<Analyzed<K>> {
  const division = new Division<K>({ ...work, job });
  const events = await division.run();
  return { result: division.fold.finish(), events };
}

/** The work to divide, and the nodes. */
interface Dividing extends Pick<Work, "manifest" | "own" | "others"> {
  readonly job: Pick<FoldJob, "kind">;
}

/** A part that is not done yet. */
interface Task extends Part {
  /** The node that the part is meant for. */
  readonly node: FoldingNode;
  readonly done: AbortController;
  takers: number;
}

class Division<K extends FoldKind> {
  readonly fold: Fold<FoldResult<K>>;
  readonly #work: Work<K>;
  readonly #open: Set<Task>;
  readonly #begunAt = performance.now();
  #events = 0;
  #failure: { readonly error: unknown } | undefined;
  #changed = Promise.withResolvers<void>();

  constructor(work: Work<K>) {
    this.#work = work;
    this.fold = foldOf(work.job);
    this.#open = new Set(tasksOf(work));
  }

  /** Folds all parts. @returns the number of events that met the filter */
  async run(): Promise<number> {
    try {
      for (const node of this.#work.others) void this.#help(node);
      await this.#finish(this.#work);
      return this.#events;
    } finally {
      for (const { done } of this.#open) done.abort();
    }
  }

  /** Has a node take parts that nobody works on, until the node fails. */
  async #help(node: FoldingNode): Promise<void> {
    try {
      for (let task = this.#next(node); task !== undefined; task = this.#next(node)) {
        await this.#take(node, task);
      }
    } catch {
      // The part stays open for other nodes.
    } finally {
      this.#notify();
    }
  }

  /** Has this process work on the parts that are left. */
  async #finish({ own, hedgeAfterMs = usualHedgeAfterMs }: Work<K>): Promise<void> {
    let hedgeAt: number | undefined;
    while (this.#open.size > 0) {
      const task = this.#next(own);
      if (task !== undefined) {
        await this.#take(own, task);
        continue;
      }
      const now = performance.now();
      hedgeAt ??= this.#begunAt + Math.max(hedgeAfterMs, hedgeFactor * (now - this.#begunAt));
      if (now >= hedgeAt) await this.#take(own, [...this.#open][0]!);
      else await this.#change(hedgeAt - now);
      this.#check();
    }
    this.#check();
  }

  #check(): void {
    if (this.#failure !== undefined) throw this.#failure.error;
    this.#work.limits.signal?.throwIfAborted();
  }

  /** Picks a part that nobody works on; parts that are meant for the node come first. */
  #next(node: FoldingNode): Task | undefined {
    const free = [...this.#open].filter(({ takers }) => takers === 0);
    return free.find((task) => task.node === node) ?? free[0];
  }

  async #take(node: FoldingNode, task: Task): Promise<void> {
    const { timeoutMs, signal } = this.#work.limits;
    const signals = [task.done.signal, ...(signal === undefined ? [] : [signal])];
    const { manifest, share } = task;
    const leftMs = () => timeoutMs - (performance.now() - this.#begunAt);
    const limits = { timeoutMs: leftMs(), signal: AbortSignal.any(signals) };
    task.takers += 1;
    try {
      this.#merge(task, await node.fold({ manifest, ...(share && { share }) }, limits));
    } catch (error) {
      // Another node was quicker.
      if (!this.#open.has(task)) return;
      const isTooExpensive = error instanceof ServiceError && error.type === "QUERY_TOO_EXPENSIVE";
      // A part is told what was left of the question's time, and names that as its limit.
      throw isTooExpensive && leftMs() <= 0 ? tookTooLong(timeoutMs) : error;
    } finally {
      task.takers -= 1;
    }
  }

  #merge(task: Task, { part, events }: FoldedPart): void {
    if (!this.#open.delete(task)) return;
    task.done.abort();
    // Each share reads all events, so every share reports the same number.
    this.#events = task.share === undefined ? this.#events + events : events;
    try {
      this.fold.merge(part);
    } catch (error) {
      this.#failure ??= { error };
    }
    this.#notify();
  }

  #notify(): void {
    this.#changed.resolve();
    this.#changed = Promise.withResolvers();
  }

  /** Resolves once a part is done or open again, or after `withinMs`. */
  async #change(withinMs: number): Promise<void> {
    const over = new AbortController();
    const { signal } = this.#work.limits;
    const signals = [over.signal, ...(signal === undefined ? [] : [signal])];
    const time = delay(withinMs, undefined, { signal: AbortSignal.any(signals) });
    await Promise.race([this.#changed.promise, time.catch(() => undefined)]);
    over.abort();
  }
}

function tasksOf(work: Dividing): readonly Task[] {
  return partsOf(work).map((part) => ({ ...part, done: new AbortController(), takers: 0 }));
}

/**
 * Divides the work into parts. Every event is in one part, or, where shares are counted, every
 * user.
 */
function partsOf({ job, manifest, own, others }: Dividing): readonly (Part & Pick<Task, "node">)[] {
  const nodes = [own, ...others];
  if (divisionOf(job) === "shares") {
    const of = Math.max(nodes.length, Math.ceil(eventsIn(manifest) / maxEventsOfShare));
    return Array.from({ length: of }, (_, part) => ({
      node: nodes[part % nodes.length]!,
      manifest,
      share: { part, of },
    }));
  }
  const assigned = Map.groupBy(manifest.segments, (segment) => homeOf(segment, nodes));
  return nodes.flatMap((node) => {
    const segments = assigned.get(node) ?? [];
    const nothing = { unsealed: [], batches: [], events: 0 };
    const { unsealed, batches, events } = node === own ? manifest : nothing;
    const isEmpty = segments.length + unsealed.length + batches.length === 0;
    return isEmpty ? [] : [{ node, manifest: { segments, unsealed, batches, events } }];
  });
}

/** About the number of a manifest's events. */
function eventsIn({ segments, events }: Manifest): number {
  return segments.reduce((sum, { rows }) => sum + rows, events);
}

/**
 * The node that a segment is assigned to, by highest random weight (D. G. Thaler, C. V.
 * Ravishankar, "Using name-based mappings to increase hit rates", 1998). Every process assigns a
 * segment to the same node, and if a node comes or goes only its own segments move.
 */
function homeOf({ id }: Segment, nodes: readonly FoldingNode[]): FoldingNode {
  const weightOf = ({ name }: FoldingNode) => shareOf(2 ** 32, `${name}|${id}`);
  return nodes.reduce((best, node) => (weightOf(node) > weightOf(best) ? node : best));
}
