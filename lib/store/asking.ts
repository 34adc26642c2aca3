import type { FoldJob, FoldKind } from "../analytics/folds.ts";
import type { OpenRange } from "../analytics/question-body.ts";
import { ServiceError } from "../errors.ts";
import type { ProjectId } from "../event/event.ts";
import type { Lane } from "../lane.ts";
import { counted } from "./counted.ts";
import type { Analyzed, EventFilter, EventStore } from "./store.ts";

/** What one question may take. */
export interface Budget {
  /** By the rollups, before anything is read. */
  readonly maxEvents: number;
  readonly timeoutMs: number;
  /** Where questions that read events wait for their turn. */
  readonly lane: Lane;
}

interface Circumstances {
  readonly store: EventStore;
  readonly project: ProjectId;
  /** The dimensions that rollups have. */
  readonly rolledUp: readonly string[];
  /** Epoch milliseconds up to which what has no end reaches where no event is later. */
  readonly until: number;
  readonly budget: Budget;
}

/** The circumstances under which a question is asked: whose, of which store, within which budget. */
export class Asking {
  readonly store: EventStore;
  readonly project: ProjectId;
  readonly rolledUp: readonly string[];
  readonly until: number;
  readonly #budget: Budget;

  constructor({ store, project, rolledUp, until, budget }: Circumstances) {
    this.store = store;
    this.project = project;
    this.rolledUp = rolledUp;
    this.until = until;
    this.#budget = budget;
  }

  /**
   * Fold events of the project, when it is this question's turn.
   * @returns also how many events were expected: those of the filter's types and range
   * @throws ServiceError QUERY_TOO_EXPENSIVE before anything is read where too many are expected, or
   * when it takes too long; TOO_MANY_REQUESTS where too many questions wait
   */
  async analyze<K extends FoldKind>(
    filter: Omit<EventFilter, "project">,
    job: FoldJob<K>,
  ): Promise<Analyzed<K> & { readonly estimate: number }> {
    const { maxEvents, timeoutMs, lane } = this.#budget;
    const estimate = await this.#estimate(filter, filter.types);
    if (estimate > maxEvents) {
      const message = `about ${estimate} events would be read, and at most ${maxEvents} are: ask of a shorter range or of fewer types`;
      throw new ServiceError("QUERY_TOO_EXPENSIVE", message, {
        errors: [{ pointer: "/range", code: "too_many_events", message }],
      });
    }
    const asked = { ...filter, project: this.project };
    const found = await lane.run(() => this.store.analyze(asked, job, { timeoutMs }));
    return { ...found, estimate };
  }

  async #estimate({ from, to }: OpenRange, types?: readonly string[]): Promise<number> {
    const question = { from, to, types, timezone: "UTC" };
    return (await counted(this.store, this.project, question, this.until)).total;
  }
}
