import type { Document } from "mongodb";
import type { Column } from "../../questions/fold.ts";
import type { FoldJob } from "../../questions/folds.ts";
import { grainMs } from "../../counting/bucket.ts";
import type { StoredEvent } from "../../event/event.ts";
import { pathsIn, type Predicate } from "../../event/filter.ts";
import { hasElements, type PropertyPath } from "../../event/property-path.ts";
import { type Collections, bodyFrom } from "./documents.ts";
import { columnOf, isOfBody } from "./conditions.ts";
import type { Match } from "./events.ts";
import { isAway } from "./errors.ts";
import { fromProperty, propertyField } from "./properties.ts";
import { fromColumn } from "../rows.ts";

/**
 * Questions that the server groups: for each event it sends only the properties that the question
 * reads, and properties that many events share it sends once, with their number. Events without
 * `properties` it sends whole.
 */

/** The part of an event that was requested. */
export interface LoadedEvent extends Partial<StoredEvent> {
  readonly user?: string;
}

/** Events that share all requested properties. */
export interface Alike {
  readonly event: LoadedEvent;
  readonly times: number;
  /**
   * Whether only the body has its properties: the predicates left to `meets` are still to be
   * checked then.
   */
  readonly hasBody: boolean;
}

/** The pipeline for a server, and the reader of its answers. */
export interface Pipeline {
  readonly stages: readonly Document[];
  readonly read: (row: Document) => Alike;
}

type Field = NonNullable<ReturnType<typeof columnOf>> | "userId";

/**
 * The pipeline that reads the events of a match for a fold of these columns. `rest` and
 * `needProperties` are still to be checked.
 */
export function pipelineOf(
  { match, rest, needProperties }: Match,
  columns: readonly Column[],
  job: FoldJob,
): Pipeline {
  const neededPaths = unique([...columns.flatMap(pathsOfColumn), ...rest.flatMap(pathsIn)]);
  // Elements of lists are only in the body.
  const whole = neededPaths.some(hasElements);
  const paths = whole ? [] : neededPaths.filter(isOfBody).sort((a, b) => a.length - b.length);
  const fields = new Set<Field>(
    [...neededPaths, ...needProperties.flatMap(pathsIn)].flatMap(fieldsOf),
  );
  if (columns.some((column) => "field" in column && column.field === "user")) fields.add("userId");
  const grain = whole ? undefined : grainOf(columns, [...rest, ...needProperties], job);

  const body = whole ? "$body" : { $cond: ["$properties", null, "$body"] };
  const shown: Record<string, unknown> = { body };
  for (const field of fields) shown[field] = isFree(field) ? freeText(field) : `$${field}`;
  for (const [i, path] of paths.entries()) {
    const field = propertyField(path);
    if (field !== undefined) shown[`p${i}`] = `$${field}`;
  }
  if (grain === undefined) {
    return {
      stages: [{ $match: match }, { $project: { _id: 0, ...shown } }],
      read: (row) => ({ ...eventFrom(row, fields, paths), times: 1 }),
    };
  }
  if (grain > 1) shown["timestamp"] = startExpression(grain);
  const earliest = (job.kind === "breakdown" ? job.periods?.[0]?.start : undefined) ?? -Infinity;
  return {
    stages: [{ $match: match }, { $group: { _id: shown, times: { $sum: 1 } } }],
    read({ _id, times }) {
      const { event, hasBody } = eventFrom(_id as Document, fields, paths);
      const { timestamp } = event;
      const begun = timestamp !== undefined && { timestamp: Math.max(timestamp, earliest) };
      return { event: { ...event, ...begun }, hasBody, times: times as number };
    },
  };
}

/** Whether the server accepts such pipelines. */
export async function canAggregate({ pings }: Collections): Promise<boolean> {
  const columns: Column[] = [{ field: "timestamp" }, { field: "source" }, { path: ["data"] }];
  const periods = [{ start: 0, end: grainMs.minute }];
  const job = { kind: "breakdown", metrics: [{ op: "count" }], dimensions: [] } as const;
  const grouping = { ...job, totals: false, maxGroups: 1, periods };
  const each = { ...grouping, metrics: [{ op: "sum", path: ["data"] }] } as const;
  try {
    for (const one of [grouping, each]) {
      const match = { match: { _id: "ping" }, rest: [], needProperties: [] };
      const { stages } = pipelineOf(match, columns, one);
      await pings.aggregate([...stages], { maxTimeMS: 5_000 }).toArray();
    }
    return true;
  } catch (error) {
    if (isAway(error)) throw error;
    return false;
  }
}

/**
 * The grain of time up to which events share all requested properties, 1 for any. `undefined` where
 * nearly every event differs from all others.
 */
function grainOf(
  columns: readonly Column[],
  looked: readonly Predicate[],
  job: FoldJob,
): number | undefined {
  const isTime = (column: Column) => "field" in column && column.field === "timestamp";
  const others = columns.filter((column) => !isTime(column)).flatMap(pathsOfColumn);
  const isOwn = ([top]: PropertyPath) => top === "id" || top === "timestamp";
  if ([...others, ...looked.flatMap(pathsIn)].some(isOwn)) return undefined;
  const isTimed = columns.some(isTime);
  if (job.kind !== "breakdown") return isTimed ? undefined : 1;
  if (job.metrics.some(({ op }) => op !== "count" && op !== "uniques")) return undefined;
  if (!isTimed) return 1;
  // Each event lies within a period, so only inner boundaries separate events.
  const boundaries = (job.periods ?? []).flatMap(({ start, end }) => [start, end]).slice(1, -1);
  const grains = [grainMs.day, grainMs.hour, grainMs.minute];
  return grains.find((grain) => boundaries.every((boundary) => boundary % grain === 0));
}

/**
 * The start of the grain that contains an event. The remainder of an instant before 1970 is
 * negative.
 */
function startExpression(grain: number): Document {
  const left = { $mod: [{ $add: [{ $mod: ["$timestamp", grain] }, grain] }, grain] };
  return { $subtract: ["$timestamp", left] };
}

/** Whether a field can hold any text. */
function isFree(field: Field): boolean {
  return field === "source" || field === "correlationId" || field === "userId";
}

/** Puts no dollar in front: mongo-java-server reads a group's `$web` as the name of a field. */
function freeText(field: Field): Document {
  return { $concat: ["=", `$${field}`] };
}

/** A field that an event lacks is absent or `null`, depending on the server. */
function isPresent<T>(value: T): value is NonNullable<T> {
  return value !== null && value !== undefined;
}

function eventFrom(
  row: Document,
  fields: ReadonlySet<Field>,
  paths: readonly PropertyPath[],
): Omit<Alike, "times"> {
  const event: Record<string, unknown> = {};
  for (const field of fields) {
    const value: unknown = row[field];
    if (!isPresent(value)) continue;
    const key = field === "userId" ? "user" : field;
    event[key] = isFree(field) ? fromColumn((value as string).slice(1)) : value;
  }
  const body: unknown = row["body"];
  if (isPresent(body)) return { event: { ...event, ...bodyFrom(body as string) }, hasBody: true };
  for (const [i, path] of paths.entries()) {
    const value = row[`p${i}`] as string | number | boolean | null | undefined;
    if (isPresent(value)) place(event, path, fromProperty(value));
  }
  return { event, hasBody: false };
}

/**
 * Puts a property into an event. Shorter paths come first: the container of a property exists
 * already, if it was requested.
 */
function place(event: Record<string, unknown>, path: PropertyPath, value: unknown): void {
  let at = event;
  const keys = path as readonly string[];
  for (const key of keys.slice(0, -1)) {
    at = (at[key] ??= Object.create(null)) as Record<string, unknown>;
  }
  at[keys.at(-1)!] = value;
}

function fieldsOf(path: PropertyPath): readonly Field[] {
  const column = columnOf(path);
  return column === undefined ? [] : [column];
}

export function pathsOfColumn(column: Column): readonly PropertyPath[] {
  if ("meets" in column) return pathsIn(column.meets);
  if ("path" in column) return [column.path];
  return column.field === "user" ? [] : [[column.field]];
}

function unique(paths: readonly PropertyPath[]): PropertyPath[] {
  return [...new Map(paths.map((path) => [JSON.stringify(path), path])).values()];
}
