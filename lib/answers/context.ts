import type { FoldJob, FoldKind } from "../questions/folds.ts";
import type { ProjectId } from "../event/event.ts";
import { Reading, type Budget, type NodesOf } from "./reading.ts";
import type { SampleJob, SampleKind } from "../questions/catalog/samples.ts";
import type { Analyzed, EventStore, Sampled, SampleFilter } from "../store/store.ts";
import type { Losses } from "./losses.ts";
import type { EventFilter } from "../event/filter.ts";

interface Circumstances {
  readonly store: EventStore;
  readonly project: ProjectId;
  /** The dimensions that rollups have. */
  readonly rolledUp: readonly string[];
  readonly budget: Budget;
  /** Aborted when nobody waits for the answer any more. */
  readonly signal?: AbortSignal;
  /** What retention has dropped of the project; absent where nothing was dropped. */
  readonly losses?: Losses | undefined;
  /** The nodes by which a question may be folded; alone by the store where it is absent. */
  readonly nodes?: NodesOf | undefined;
}

/** The circumstances of a question: its project, the store, the budget and the caller's signal. */
export class QuestionContext {
  readonly store: Reading;
  readonly project: ProjectId;
  readonly rolledUp: readonly string[];

  constructor({ rolledUp, ...circumstances }: Circumstances) {
    this.store = new Reading(circumstances);
    this.project = circumstances.project;
    this.rolledUp = rolledUp;
  }

  /** `Reading.analyze` for the project's events. */
  analyze<K extends FoldKind>(
    filter: Omit<EventFilter, "project">,
    job: FoldJob<K>,
  ): Promise<Analyzed<K> & { readonly estimate: number }> {
    return this.store.analyze({ ...filter, project: this.project }, job);
  }

  /** `Reading.sample` for the project's events. */
  sample<K extends SampleKind>(
    filter: Omit<SampleFilter, "project">,
    job: SampleJob<K>,
  ): Promise<Sampled<K>> {
    return this.store.sample({ ...filter, project: this.project }, job);
  }
}
