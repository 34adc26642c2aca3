import type { Document } from "mongodb";

/** A filter that finds only documents with certain values of one field. */
export interface Placed {
  /** The least of these values; all of them are below the next filter's. */
  readonly from: string | number;
  readonly filter: Document;
}

/**
 * A filter that finds what any of some filters finds. A server that looks at each document for it
 * compares the document with a few of them only: with those of one half, and there again of one
 * half, where a list would have it compared with all of them.
 * @param placed one at least, by their values, ascending
 */
export function byHalves(field: string, placed: readonly Placed[]): Document {
  const [first, ...more] = placed;
  if (more.length === 0) return first!.filter;
  const middle = Math.ceil(placed.length / 2);
  const { from } = placed[middle]!;
  const half = (bound: Document, some: readonly Placed[]): Document => {
    const within = byHalves(field, some);
    return some.length === 1 ? within : { [field]: bound, ...within };
  };
  return {
    $or: [half({ $lt: from }, placed.slice(0, middle)), half({ $gte: from }, placed.slice(middle))],
  };
}
