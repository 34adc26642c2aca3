import { setTimeout as delay } from "node:timers/promises";
import type { Fold } from "../questions/fold.ts";
import {
  divisionOf,
  foldOf,
  type FoldJob,
  type FoldKind,
  type FoldResult,
} from "../questions/folds.ts";
import { shareOf, type Share } from "../questions/share.ts";
import type { ReadLimits } from "../event/event-page.ts";
import type { Manifest, Segment } from "../store/manifest.ts";
import type { Analyzed, FoldedPart } from "../store/store.ts";

/** A part of the work on a question: of what a manifest tells of, and of that a share. */
export interface Part {
  readonly manifest: Manifest;
  readonly share?: Share;
}

/** A process that folds parts. */
export interface FoldingNode {
  /** By what segments are assigned to it: it may have those on its disk that it was assigned before. */
  readonly name: string;
  /** @throws whatever keeps it from folding the part */
  fold(part: Part, limits: ReadLimits): Promise<FoldedPart>;
}

interface Work<K extends FoldKind = FoldKind> {
  readonly job: FoldJob<K>;
  readonly manifest: Manifest;
  /** This process. Its errors are the question's. */
  readonly own: FoldingNode;
  /** Others, as many as there are. What one of them does not do is done here. */
  readonly others: readonly FoldingNode[];
  readonly limits: ReadLimits;
  /** Before this no part of another node is done here besides. */
  readonly patienceMs?: number;
}

/** A share of users that is made of more events may be more than one fold can hold. */
export const maxEventsOfShare = 4_000_000;

const usualPatienceMs = 250;

/** How much longer than this process' own part another one's may take, until it is done here too. */
const patience = 1.25;

/**
 * Fold what a manifest tells of on several nodes: each gets a part of the segments, or, where events
 * of one user must not be parted, reads all of them for its share of the users. Parts are of one
 * manifest, so that they fit together. A node that fails, or is slow, costs time and never an event:
 * its part is done here, and what comes first counts.
 * @throws what folding here throws; FoldOverflow where the answer grows beyond its bound
 */
export async function foldDivided<K extends FoldKind>(
  job: FoldJob<K>,
  work: Omit<Work, "job">,
): Promise<Analyzed<K>> {
  const division = new Division<K>({ ...work, job });
  const events = await division.run();
  return { result: division.fold.finish(), events };
}

/** What is divided, and among which nodes. */
interface Dividing extends Pick<Work, "manifest" | "own" | "others"> {
  readonly job: Pick<FoldJob, "kind">;
}

/** A part until it is done. */
interface Task extends Part {
  /** The node that it is meant for. */
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

  /** @returns how many events met the filter */
  async run(): Promise<number> {
    try {
      for (const node of this.#work.others) void this.#help(node);
      await this.#finish(this.#work);
      return this.#events;
    } finally {
      for (const { done } of this.#open) done.abort();
    }
  }

  /** One node takes parts that nobody works on, until it fails. */
  async #help(node: FoldingNode): Promise<void> {
    try {
      for (let task = this.#next(node); task !== undefined; task = this.#next(node)) {
        await this.#take(node, task);
      }
    } catch {
      // Its part is open for others.
    } finally {
      this.#tell();
    }
  }

  /** This process works on whatever is left. */
  async #finish({ own, patienceMs = usualPatienceMs }: Work<K>): Promise<void> {
    let hedgeAt: number | undefined;
    while (this.#open.size > 0) {
      const task = this.#next(own);
      if (task !== undefined) {
        await this.#take(own, task);
        continue;
      }
      const now = performance.now();
      hedgeAt ??= this.#begunAt + Math.max(patienceMs, patience * (now - this.#begunAt));
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

  /** A part that nobody works on, one that is meant for the node first. */
  #next(node: FoldingNode): Task | undefined {
    const free = [...this.#open].filter(({ takers }) => takers === 0);
    return free.find((task) => task.node === node) ?? free[0];
  }

  async #take(node: FoldingNode, task: Task): Promise<void> {
    const { timeoutMs, signal } = this.#work.limits;
    const signals = [task.done.signal, ...(signal === undefined ? [] : [signal])];
    const { manifest, share } = task;
    const limits = {
      timeoutMs: timeoutMs - (performance.now() - this.#begunAt),
      signal: AbortSignal.any(signals),
    };
    task.takers += 1;
    try {
      this.#settle(task, await node.fold({ manifest, ...(share && { share }) }, limits));
    } catch (error) {
      // Somebody else was quicker.
      if (this.#open.has(task)) throw error;
    } finally {
      task.takers -= 1;
    }
  }

  #settle(task: Task, { part, events }: FoldedPart): void {
    if (!this.#open.delete(task)) return;
    task.done.abort();
    // Each share is of all events.
    this.#events = task.share === undefined ? this.#events + events : events;
    try {
      this.fold.merge(part);
    } catch (error) {
      this.#failure ??= { error };
    }
    this.#tell();
  }

  #tell(): void {
    this.#changed.resolve();
    this.#changed = Promise.withResolvers();
  }

  /** Resolves once a part is done or open again, or after a time. */
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

/** Every event is in one of the parts; of a share, every user. */
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
    const { batches, events } = node === own ? manifest : { batches: [], events: 0 };
    const isEmpty = segments.length === 0 && batches.length === 0;
    return isEmpty ? [] : [{ node, manifest: { segments, batches, events } }];
  });
}

/** How many events a manifest tells of, about. */
function eventsIn({ segments, events }: Manifest): number {
  return segments.reduce((sum, { rows }) => sum + rows, events);
}

/**
 * The node that a segment is assigned to, by highest random weight (D. G. Thaler, C. V. Ravishankar,
 * "Using name-based mappings to increase hit rates", 1998): the same one whoever asks, and where a
 * node comes or goes only its own segments move.
 */
function homeOf({ id }: Segment, nodes: readonly FoldingNode[]): FoldingNode {
  const weightOf = ({ name }: FoldingNode) => shareOf(2 ** 32, `${name}|${id}`);
  return nodes.reduce((best, node) => (weightOf(node) > weightOf(best) ? node : best));
}
