import type { AcceptedEvent, BatchId, ProjectId, StoredEvent } from "../event.ts";
import type { SchemasOfProject } from "../schemas/schema.ts";

/** Enrich a batch, or only some events of it. */
export interface EnrichJob {
  /**
   * A BatchMessage as JSON. A view on a larger buffer is sent to the thread with the whole buffer.
   */
  readonly body: Uint8Array;
  /**
   * Positions in the batch, to find the event that cannot be processed. Those past the end are
   * ignored.
   */
  readonly only?: readonly number[];
  /** The schemas of the batch's project; absent where it has none. */
  readonly schemas?: SchemasOfProject;
}

/** Judges one event in quarantine again. */
export interface JudgeJob {
  readonly kind: "judge";
  readonly batch: BatchId;
  readonly project: ProjectId;
  readonly event: AcceptedEvent;
  readonly schemas?: SchemasOfProject;
}

/** Counts again where a batch owns only some of its events. */
export interface DeltasJob {
  readonly kind: "deltas";
  readonly batch: BatchId;
  readonly project: ProjectId;
  readonly events: readonly StoredEvent[];
}

/** The worker's `workerData`. */
export interface EnrichSettings {
  /** Store addresses whole instead of truncated. */
  readonly fullIp: boolean;
  /** All dimensions that are rolled up: `rolledUp(config.rollupDimensions)`. */
  readonly dimensions: readonly string[];
  /** The store that batches are packed for. */
  readonly store: "sqlite" | "mongodb";
}
