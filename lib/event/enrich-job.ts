import type { BatchPack } from "../store/batch-pack.ts";
import type { Delta } from "../store/store.ts";
import type { BatchId, ProjectId, StoredEvent } from "./event.ts";

/** Enrich a batch, or only some events of it. */
export interface EnrichJob {
  /** A BatchMessage as JSON. A view on a larger buffer is sent to the thread with the whole buffer. */
  readonly body: Uint8Array;
  /** Positions in the batch, to find the event that cannot be processed. Those past the end are ignored. */
  readonly only?: readonly number[];
}

/** A batch after enrichment. Between threads it travels as a `BatchPack`. */
export interface EnrichDone {
  readonly batch: BatchId;
  readonly project: ProjectId;
  /** In the order of the batch, or of `only`. */
  readonly events: readonly StoredEvent[];
  /** What these events add, were the batch to own all of them. */
  readonly deltas: readonly Delta[];
}

/** Count anew where a batch owns only some of its events. */
export interface DeltasJob {
  readonly kind: "deltas";
  readonly batch: BatchId;
  readonly project: ProjectId;
  readonly events: readonly StoredEvent[];
}

export interface DeltasDone {
  readonly deltas: readonly Delta[];
}

/** What `workers/enrich.worker.ts` exports. */
export interface EnrichWorker {
  /** @throws Error where the body is no batch message (`decodeBatch`), or that names the position of the event that is none */
  (job: EnrichJob): BatchPack;
  (job: DeltasJob): DeltasDone;
}

/** The worker's `workerData`. */
export interface EnrichSettings {
  /** Store addresses whole instead of truncated. */
  readonly fullIp: boolean;
  /** All dimensions that are rolled up: `rolledUp(config.rollupDimensions)`. */
  readonly dimensions: readonly string[];
}
