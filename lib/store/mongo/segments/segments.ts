import type { EventFilter } from "../../../event/filter.ts";
import type { SegmentColumns } from "../../columns/segment.ts";
import type { Collections } from "../documents.ts";
import { manifestOf } from "./manifest.ts";
import type { Manifest } from "../../manifest.ts";
import { Wholeness } from "./whole.ts";

/** More events than these are not read one by one beside columns: the server has quicker ways. */
const maxEvents = 100_000;

/** How questions are answered from segments. */
export class Segments {
  readonly columns: SegmentColumns;
  readonly #wholeness = new Wholeness();

  constructor(columns: SegmentColumns) {
    this.columns = columns;
  }

  /**
   * Where the events of a question are; `undefined` where they are better read by their indexes:
   * one user's or one correlation's, and where there are no segments, or not of all batches.
   */
  async manifestOf(collections: Collections, filter: EventFilter): Promise<Manifest | undefined> {
    if (filter.userId !== undefined || filter.correlationId !== undefined) return undefined;
    if (!(await this.#wholeness.isWhole(collections))) return undefined;
    const manifest = await manifestOf(collections, filter);
    if (manifest === undefined || manifest.segments.length === 0) return undefined;
    return manifest.events > maxEvents ? undefined : manifest;
  }
}
