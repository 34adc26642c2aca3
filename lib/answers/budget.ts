import type { EventFilter } from "../event/filter.ts";
import { FoldOverflow } from "../questions/fold.ts";
import { foldOf, type FoldJob } from "../questions/folds.ts";
import type { ReadCost } from "../store/store.ts";
import { ServiceError } from "../errors.ts";
import type { AnswersUnderWay } from "../concurrency/held-bytes.ts";
import type { FairLanes } from "../concurrency/semaphore.ts";

/** The bounds that all reads of one process share. */
export interface Budget {
  /** The most events that one read may be expected to scan, by the rollups' estimate. */
  readonly maxEvents: number;
  /** How long one read may take, without the wait for its turn. */
  readonly timeoutMs: number;
  /** The most bytes of a page, as JSON. */
  readonly maxPageBytes: number;
  /** Reads that scan events wait here for their turn, by project. */
  readonly lanes: FairLanes;
  /** Pages that an index leads to at once wait here: only a few are in memory at a time. */
  readonly pages: FairLanes;
  /**
   * Where reads of rollups and of minutes that have none wait: many at a time would hold up every
   * other read of the store, of all projects.
   */
  readonly sums: FairLanes;
  /** How long events took so far. */
  readonly pace: Pace;
  /** Where parts of other nodes' questions wait: they wait for nobody's turn in their place. */
  readonly parts: FairLanes;
  /** Other nodes are asked to fold parts of a question that is expected to read as many events. */
  readonly shareEvents: number;
  /** Counts the bytes of pages that are being made, and refuses a page where too many are held. */
  readonly answers: Pick<AnswersUnderWay, "make">;
}

/** The fewest events from which a piece of work shows how long an event takes. */
const leastEvents = 20_000;

/**
 * The factor by which a pace becomes slower with each measurement: a machine may have become
 * slower.
 */
const forgetting = 1.02;

/**
 * Remembers how long an event takes, measured on the questions that this process has answered. It
 * keeps the quickest pace of each kind of work, so that estimates are rather too low than too high.
 */
export class Pace {
  /** Milliseconds of one node for one event, by the kind of work. */
  readonly #paces = new Map<string, number>();

  /**
   * Records how long some work took.
   * @param nodes the number of nodes that shared the work
   * @param isWhole false where the work was stopped before it was done: it would have taken longer
   */
  note(kind: string, events: number, ms: number, nodes: number, isWhole: boolean): void {
    if (events < leastEvents) return;
    const pace = (ms * nodes) / events;
    const known = this.#paces.get(kind);
    if (known === undefined) this.#paces.set(kind, pace);
    else if (isWhole) this.#paces.set(kind, Math.min(pace, known * forgetting));
  }

  /**
   * The milliseconds that some work takes at least; 0 where no work of its kind was measured yet.
   */
  expected(kind: string, events: number, nodes: number): number {
    return (events * (this.#paces.get(kind) ?? 0)) / nodes;
  }
}

/**
 * Names the kind of a fold's work. Work of one kind takes about the same time for each event: it has
 * the same fold, as many columns, and the same way to find events.
 */
export function kindOf({ userId, correlationId, where = [] }: EventFilter, job: FoldJob): string {
  const isLed = userId !== undefined || correlationId !== undefined;
  return [job.kind, foldOf(job).columns.length, isLed, where.length > 0].join();
}

/**
 * Runs an answer that may read events in place of cut rollups; where that is too expensive, runs it
 * again with the cut rollups.
 */
export async function withinBudget<T>(
  read: (budget: "events" | "rollups") => Promise<T>,
): Promise<T> {
  try {
    return await read("events");
  } catch (error) {
    if (!isTooMuch(error)) throw error;
    return read("rollups");
  }
}

/** @throws ServiceError QUERY_TOO_EXPENSIVE where an answer grows beyond its bounds */
export async function bounded<T>(answer: () => Promise<T>): Promise<T> {
  try {
    return await answer();
  } catch (error) {
    if (!(error instanceof FoldOverflow)) throw error;
    throw new ServiceError("QUERY_TOO_EXPENSIVE", error.message);
  }
}

function isTooMuch(error: unknown): boolean {
  if (error instanceof FoldOverflow) return true;
  return error instanceof ServiceError && error.type === "QUERY_TOO_EXPENSIVE";
}

/**
 * The refusal of a question that would read too many events, or for too long.
 * @param estimate how many events are expected
 * @param bound what it exceeds, in words
 */
export function tooExpensive(
  code: string,
  estimate: number,
  bound: string,
  cost: ReadCost | undefined,
): ServiceError {
  const message = `about ${estimate} events would be read, ${bound}${toldCost(cost)}: ask of a shorter range or of fewer types`;
  return new ServiceError("QUERY_TOO_EXPENSIVE", message, {
    errors: [{ pointer: "/range", code, message }],
  });
}

function toldCost(cost: ReadCost | undefined): string {
  if (cost === undefined) return "";
  const { columns, bytes, rows } = cost;
  return ` (${columns} columns of ${(bytes / 1e6).toFixed(1)} MB would be fetched, and ${rows} events one by one)`;
}
