import { clock } from "../time-limit.ts";
import { PartialRead } from "./errors.ts";

/** How much longer the server may work on one command, and the caller's signal. */
export interface ServerLimits {
  readonly maxTimeMS?: number;
  readonly signal?: AbortSignal;
}

/**
 * To be called before a read begins. FerretDB, when it stops a read, can answer the documents that
 * it has found until then as if they were all.
 * @returns a check, to be called once all documents have come: it throws a PartialRead, which
 *   `isTimeLimit` recognizes, where the server may have stopped the read. Its time began after this
 *   one, so a read that ends sooner is whole.
 */
export function wholeWithin({ maxTimeMS = Infinity }: ServerLimits): () => void {
  const isOver = clock(maxTimeMS);
  return () => {
    if (isOver()) throw new PartialRead();
  };
}
