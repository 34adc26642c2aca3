import { isUnknownCommand } from "./errors.ts";
import type { Collections } from "./documents.ts";

const known = new WeakMap<object, boolean>();

/**
 * Whether an index leads the server to the events of a time, as it tells itself. Servers without
 * such an index look at each event. One that cannot be asked now counts as one that has it.
 */
export async function isLedByTime({ events }: Pick<Collections, "events">): Promise<boolean> {
  const before = known.get(events);
  if (before !== undefined) return before;
  let isLed = false;
  try {
    const filter = { project: "", timestamp: { $gte: 0, $lt: 1 } };
    const plan = await events.find(filter).explain("queryPlanner");
    isLed = JSON.stringify(plan).includes("IXSCAN");
  } catch (error) {
    if (!isUnknownCommand(error)) return true;
  }
  known.set(events, isLed);
  return isLed;
}
