import type { FetchedColumns, SegmentColumns } from "../../columns/segment.ts";
import type { Segment } from "../../manifest.ts";
import type { Collections } from "../documents.ts";
import {
  columnOfField,
  fieldOfColumn,
  partKey,
  partOfColumn,
  type PartDocument,
} from "./documents.ts";

/** Reads columns from the database. Used only within a call of the store. */
export class StoredColumns implements SegmentColumns {
  readonly #collections: Collections;

  constructor(collections: Collections) {
    this.#collections = collections;
  }

  fetch(segment: Segment, names: readonly string[]): Promise<FetchedColumns | undefined> {
    return fetchColumns(this.#collections, segment, names);
  }
}

async function fetchColumns(
  { segmentParts }: Collections,
  segment: Segment,
  names: readonly string[],
): Promise<FetchedColumns | undefined> {
  const { id, version } = segment;
  const ids = partsWith(segment, names).map((part) => partKey(id, version, part));
  const projection = Object.fromEntries(names.map((name) => [`columns.${fieldOfColumn(name)}`, 1]));
  const [only] = ids;
  const found = await segmentParts
    .find({ _id: ids.length === 1 ? only! : { $in: ids } })
    .project<PartDocument>(projection)
    .toArray();
  if (found.length < ids.length) return undefined;
  return new Map(
    found.flatMap(({ columns = {} }) =>
      Object.entries(columns).map(
        ([field, bytes]) => [columnOfField(field), bytes.value()] as const,
      ),
    ),
  );
}

/** The parts that may have one of some columns; one at least, which shows that the version exists. */
function partsWith(
  { parts, isPlaced = false }: Segment,
  names: readonly string[],
): readonly number[] {
  if (!isPlaced || names.length === 0) return Array.from({ length: parts }, (_, part) => part);
  return [...new Set(names.map((name) => partOfColumn(fieldOfColumn(name), parts)))];
}
