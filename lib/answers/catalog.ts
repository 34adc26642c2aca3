import { isCut, NONE, OTHER, type SectionRow } from "../counting/cells.ts";
import type { OpenRange } from "../event/filter.ts";
import { nameOf } from "../event/property-path.ts";
import { exactness, metaRange, type Reason, type OwnMeta } from "../questions/answer-meta.ts";
import type {
  CatalogProperties,
  CatalogTypes,
  CatalogValues,
  PropertiesQuestion,
  TypeRow,
  TypesQuestion,
  ValuesQuestion,
} from "../questions/catalog/question.ts";
import { mostFrequent, type ValueRow } from "../questions/catalog/values.ts";
import { closedRange } from "./range.ts";
import type { QuestionReads } from "./reads.ts";
import { booleans } from "./plan.ts";
import { readCovered, readRollups } from "./rollup-reads.ts";

/** Answers before their `meta` is added. */
type Before<Answered> = Omit<Answered, "meta"> & { readonly ownMeta: OwnMeta };
export type TypesAnswer = Before<CatalogTypes>;
export type PropertiesAnswer = Before<CatalogProperties>;
export type ValuesAnswer = Before<CatalogValues>;

/** First and last events are looked up for this many types at a time. */
const typesAtOnce = 32;

/** The most values of a dimension that are held in memory. */
const maxHeld = 100_000;

/**
 * Lists the project's types, each with its count in the range and its first and last event. Reads
 * only rollups and an index.
 */
export async function answerTypes(
  reads: QuestionReads,
  { from, to, limit }: TypesQuestion,
): Promise<TypesAnswer> {
  const isOfAll = from === undefined && to === undefined;
  const all = await countSection(reads, {}, "types");
  const inRange = isOfAll ? all : await countSection(reads, { from, to }, "types");
  const found = [...all.counts]
    .map(([type, ofAll]) => ({ type, ofAll, count: inRange.counts.get(type) ?? 0 }))
    .sort((a, b) => b.count - a.count || b.ofAll - a.ofAll || (a.type < b.type ? -1 : 1));
  const data: TypeRow[] = [];
  for (let at = 0; at < Math.min(found.length, limit); at += typesAtOnce) {
    const some = found.slice(at, Math.min(at + typesAtOnce, limit));
    data.push(
      ...(await Promise.all(
        some.map(async ({ type, count }) => ({ type, count, ...(await seen(reads, type)) })),
      )),
    );
  }
  const rowsLeftOut = found.length - data.length;
  return {
    data,
    ownMeta: { ...ownMetaOf([all, inRange], data.length, rowsLeftOut), ...inRange.range },
  };
}

/** Lists the properties of the newest events. */
export async function answerProperties(
  reads: QuestionReads,
  { types, from, to, limit }: PropertiesQuestion,
): Promise<PropertiesAnswer> {
  const job = { kind: "properties", limit } as const;
  const { result, events, isWhole } = await reads.sample({ types, from, to }, job);
  const { rows, rowsLeftOut } = result;
  return { data: rows, events, ownMeta: ownMetaOf([sampled(isWhole)], rows.length, rowsLeftOut) };
}

/**
 * Lists a property's values: from the rollups where the property is rolled up and holds texts, else
 * from the newest events.
 */
export async function answerValues(
  reads: QuestionReads,
  question: ValuesQuestion,
): Promise<ValuesAnswer> {
  const { types, from, to, path, search, limit } = question;
  const section = rolledUpAs(question, reads.rolledUp);
  if (section === undefined) {
    const job = { kind: "values", path, search, limit } as const;
    const { result, events, isWhole } = await reads.sample({ types, from, to }, job);
    const { rows, rowsLeftOut } = result;
    return { data: rows, events, ownMeta: ownMetaOf([sampled(isWhole)], rows.length, rowsLeftOut) };
  }
  const counted = await countSection(reads, { from, to }, section, types);
  const kind = booleans.includes(section) ? ("boolean" as const) : ("text" as const);
  const all = [...counted.counts].map(([value, count]): ValueRow => ({ value, kind, count }));
  const { rows, rowsLeftOut } = mostFrequent(all, { search, limit });
  const ownMeta = { ...ownMetaOf([counted], rows.length, rowsLeftOut), ...counted.range };
  return { data: rows, events: counted.events, ownMeta };
}

/**
 * The section of the rollups that lists a property's values; `undefined` where no section does, or
 * where its values may be of several kinds.
 */
export function rolledUpAs(
  { path }: Pick<ValuesQuestion, "path">,
  rolledUp: readonly string[],
): string | undefined {
  const name = nameOf(path);
  if (name === "type") return "types";
  const isOfTexts = name === "source" || name.startsWith("context.");
  return isOfTexts && rolledUp.includes(name) ? name : undefined;
}

/** The source of a part of an answer, and the reasons why the part is not exact. */
interface Made {
  readonly source: OwnMeta["source"];
  readonly because: readonly Reason[];
}

interface CountedSection extends Made {
  /** Counts by type, or by value. */
  readonly counts: ReadonlyMap<string, number>;
  readonly events: number;
  readonly range?: Pick<OwnMeta, "range">;
}

/**
 * Counts a section from the rollups alone. Where a rollup was cut, the answer says so; no events
 * are read to make up for it.
 */
async function countSection(
  reads: QuestionReads,
  open: OpenRange,
  section: string,
  types?: readonly string[],
): Promise<CountedSection> {
  const range = await closedRange(reads, open, types);
  if (range === undefined)
    return { counts: new Map<string, number>(), events: 0, source: "rollup", because: [] };
  const counts = new Map<string, number>();
  let events = 0;
  let isFull = false;
  const add = (name: string, count: number) => {
    events += count;
    if (name === NONE || name === OTHER) return;
    const known = counts.get(name);
    if (known === undefined && counts.size === maxHeld) isFull = true;
    else counts.set(name, (known ?? 0) + count);
  };
  const take = ({ cells }: SectionRow<string>) => {
    for (const type of types ?? Object.keys(cells)) {
      if (!Object.hasOwn(cells, type)) continue;
      const ofType: unknown = cells[type];
      if (typeof ofType === "number") add(type, ofType);
      else for (const [value, count] of Object.entries(cells[type]!)) add(value, count);
    }
  };
  const needs = (cells: SectionRow<string>["cells"]) =>
    Object.hasOwn(cells, OTHER) || (section !== "types" && isCut(cells, types));
  const reading = { ...(await readRollups(reads, range, section)), needs, filter: { types } };
  const covered = await readCovered(reads, reading, "rollups", take);
  const because: Reason[] = covered.isCut || isFull ? ["other"] : [];
  return {
    counts,
    events,
    source: covered.source,
    because,
    range: { range: metaRange(range) },
  };
}

function sampled(isWhole: boolean): Made {
  return { source: "events", because: isWhole ? [] : ["sampled"] };
}

function ownMetaOf(made: readonly Made[], rows: number, rowsLeftOut: number): OwnMeta {
  const sources = new Set(made.map(({ source }) => source));
  const [source = "mixed"] = sources.size === 1 ? sources : [];
  const because = made.flatMap((one) => one.because);
  return {
    ...exactness(rowsLeftOut > 0 ? [...because, "rowsLeftOut"] : because),
    source,
    rows,
    rowsLeftOut,
  };
}

async function seen(
  { store, project }: QuestionReads,
  type: string,
): Promise<Pick<TypeRow, "firstSeen" | "lastSeen">> {
  const end = async (order: "asc" | "desc") => {
    const [event] = await store.events({ project, types: [type], order, limit: 1 });
    return event === undefined ? null : new Date(event.timestamp).toISOString();
  };
  const [firstSeen, lastSeen] = await Promise.all([end("asc"), end("desc")]);
  return { firstSeen, lastSeen };
}
