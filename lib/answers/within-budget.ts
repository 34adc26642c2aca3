import { FoldOverflow } from "../questions/fold.ts";
import { ServiceError } from "../errors.ts";

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
