import type { EventFilter } from "../../../event/filter.ts";
import { foldOf, type FoldJob } from "../../../questions/folds.ts";
import { columnsRead } from "../../columns/names.ts";
import { liesWithin } from "../../columns/reader.ts";
import type { SegmentColumns } from "../../columns/segment.ts";
import type { ReadCost } from "../../store.ts";
import type { Collections } from "../documents.ts";
import { manifestOf, partition, sizesOf } from "./manifest.ts";
import type { Manifest } from "../../manifest.ts";
import { UnsealedColumns } from "./unsealed-columns.ts";
import { Wholeness } from "./whole.ts";

/**
 * The most events that are read one by one beside columns; for more events the server has quicker
 * ways.
 */
const maxEvents = 100_000;

/** Answers questions from segments. */
export class Segments {
  readonly columns: SegmentColumns;
  readonly unsealed = new UnsealedColumns();
  readonly #wholeness = new Wholeness();

  constructor(columns: SegmentColumns) {
    this.columns = columns;
  }

  /**
   * Lists the segments and batches that a question needs.
   * @returns `undefined` where indexes answer better (one user's or one correlation's events), and
   * where no segments exist or some batches may be neither in a segment nor announced
   */
  async manifestOf(collections: Collections, filter: EventFilter): Promise<Manifest | undefined> {
    if (filter.userId !== undefined || filter.correlationId !== undefined) return undefined;
    if (!(await this.#wholeness.isWhole(collections))) return undefined;
    const manifest = await manifestOf(collections, filter, Date.now());
    if (manifest === undefined || manifest.segments.length === 0) return undefined;
    return manifest.events > maxEvents ? undefined : manifest;
  }

  /** What is fetched for a question, also of what this process has on its disk or in memory. */
  async cost(
    collections: Collections,
    filter: EventFilter,
    job: FoldJob,
  ): Promise<ReadCost | undefined> {
    const manifest = await this.manifestOf(collections, filter);
    if (manifest === undefined) return undefined;
    const { segments, events: rows } = manifest;
    const { columns: read } = foldOf(job);
    const [whole, cut] = partition(segments, (segment) => liesWithin(segment, filter));
    const ofWhole = columnsRead(filter, read, { isOfProject: true, isWithin: true });
    const ofCut = columnsRead(filter, read, { isOfProject: true });
    const sizes = [
      await sizesOf(collections, whole, ofWhole),
      await sizesOf(collections, cut, ofCut),
    ];
    return {
      columns: sizes.reduce((sum, { columns }) => sum + columns, 0),
      bytes: sizes.reduce((sum, { bytes }) => sum + bytes, 0),
      rows,
    };
  }
}
