import type { Document } from "mongodb";
import type { Cell, Column, Fold } from "../analytics/fold.ts";
import { TimedOut } from "./deadline.ts";
import type { Collections } from "./mongo-collections.ts";
import type { EventDocumentFilter } from "./mongo-condition.ts";
import { isAway, isTimeLimit } from "./mongo-failure.ts";
import { fromColumn } from "./sqlite-rows.ts";

/**
 * Folds pushed down: where a fold reads only what stands beside the bodies, the server sends each
 * combination of values once and how often it occurs.
 */

/** A field of the documents, by what folds call it. Each event has its own id and, nearly, its own time: these group nothing. */
const fields = {
  type: "type",
  source: "source",
  correlationId: "correlationId",
  user: "userId",
} as const;

type Grouped = keyof typeof fields;

/** What a fold reads, where the server can group by it. */
export function groupable(columns: readonly Column[]): readonly Grouped[] | undefined {
  const found = columns.map((column) => ("field" in column ? column.field : undefined));
  const isGrouped = (name: string | undefined): name is Grouped =>
    name !== undefined && Object.hasOwn(fields, name);
  return found.every(isGrouped) ? found : undefined;
}

/**
 * Adds the events that match to a fold.
 * @returns how many they were
 * @throws TimedOut
 */
export async function foldGroups(
  { events }: Collections,
  match: EventDocumentFilter,
  columns: readonly Grouped[],
  fold: Pick<Fold<unknown>, "add">,
  timeoutMs: number,
): Promise<number> {
  const names = [...new Set(columns)];
  let count = 0;
  try {
    const groups = events.aggregate<Group>(pipelineOf(match, names), optionsOf(timeoutMs));
    for await (const { _id, events: times } of groups) {
      const row = columns.map((name) => cellOf(name, _id[name]));
      for (let i = 0; i < times; i++) fold.add(row);
      count += times;
    }
  } catch (error) {
    if (isTimeLimit(error))
      throw new TimedOut(`it took longer than ${timeoutMs} ms and was stopped`);
    throw error;
  }
  return count;
}

/** Whether the server groups as `foldGroups` needs it. */
export async function canGroup({ pings }: Collections): Promise<boolean> {
  try {
    await pings
      .aggregate(pipelineOf({ _id: "ping" }, ["type", "user"]), optionsOf(5_000))
      .toArray();
    return true;
  } catch (error) {
    if (isAway(error)) throw error;
    return false;
  }
}

interface Group {
  /** A field that the events lack is absent, or `null`: it depends on the server. */
  readonly _id: Readonly<Partial<Record<Grouped, string | null>>>;
  readonly events: number;
}

function pipelineOf(match: Document, names: readonly Grouped[]): Document[] {
  const _id = Object.fromEntries(names.map((name) => [name, `$${fields[name]}`]));
  return [{ $match: match }, { $group: { _id, events: { $sum: 1 } } }];
}

function optionsOf(maxTimeMS: number) {
  return { maxTimeMS, allowDiskUse: true };
}

function cellOf(name: Grouped, value: string | null | undefined): Cell {
  if (value === null || value === undefined) return undefined;
  return name === "type" ? value : fromColumn(value);
}
