import { LRUCache } from "lru-cache";
import type { FetchedColumns } from "../../columns/segment.ts";
import type { ProjectId } from "../../../event/event.ts";
import type { Segment, UnsealedGroup } from "../../manifest.ts";
import { inOneAnswer, type Collections } from "../documents.ts";
import { columnsOf } from "./build.ts";
import { toldFields } from "./raw-rows.ts";

/** The most bytes of columns that are kept. */
const keptBytes = 33_554_432;

/** The most bytes of events that may wait to become columns; more events are not kept. */
const waitingBytes = 33_554_432;

/** About what a kept column takes besides its bytes and its name. */
const entryBytes = 200;

/** The most bytes that a code unit of a name takes. */
const unitBytes = 2;

/** The events of an `UnsealedGroup` as columns. */
export interface KeptGroup extends Pick<Segment, "rows" | "complete" | "oldest" | "newest"> {
  readonly columns: FetchedColumns;
}

/**
 * Keeps the events of unsealed batches as columns in memory, so that not every question reads and
 * parses them. The least recently used group is dropped first. Columns are built in the background,
 * after the question that has read the events.
 */
export class UnsealedColumns {
  readonly #kept = new LRUCache<string, KeptGroup>({
    maxSize: keptBytes,
    sizeCalculation: ({ columns }) =>
      [...columns].reduce(
        (sum, [name, { length }]) => sum + length + unitBytes * name.length + entryBytes,
        entryBytes,
      ),
  });

  readonly #building = new Map<string, Promise<void>>();
  #waiting = 0;

  get(key: string): KeptGroup | undefined {
    return this.#kept.get(key);
  }

  /** Whether a group's events, as they are read now, are of use: nobody else has kept them. */
  lacks(key: string): boolean {
    return !this.#kept.has(key) && !this.#building.has(key);
  }

  /**
   * Keeps all events of a group.
   * @param documents the events' `rowFields` as BSON, read after the manifest with the key
   */
  keep(key: string, documents: readonly Uint8Array[]): void {
    const size = documents.reduce((sum, { length }) => sum + length, 0);
    this.#keep(key, size, () => Promise.resolve(documents));
  }

  /**
   * Reads the events of a group in the background, and keeps them. They are those of the key or
   * later ones, as are those that a question reads after its manifest.
   */
  readLater(
    { events }: Collections,
    project: ProjectId,
    { key, batches, bytes }: UnsealedGroup,
  ): void {
    this.#keep(key, bytes, () =>
      events
        .find({ project, batch: { $in: [...batches] } }, { ...inOneAnswer, raw: true })
        .project<Uint8Array>(toldFields)
        .toArray(),
    );
  }

  #keep(key: string, size: number, read: () => Promise<readonly Uint8Array[]>): void {
    if (!this.lacks(key) || this.#waiting + size > waitingBytes) return;
    this.#waiting += size;
    const after = [...this.#building.values()].at(-1);
    const building = this.#build(key, read, after)
      // Questions read the events themselves then.
      .catch(() => undefined)
      .finally(() => {
        this.#waiting -= size;
        this.#building.delete(key);
      });
    this.#building.set(key, building);
  }

  /** Resolves once no columns are being built. */
  async idle(): Promise<void> {
    while (this.#building.size > 0) await Promise.all(this.#building.values());
  }

  /** Builds the columns of one group after the other, so that other work has its turn. */
  async #build(
    key: string,
    read: () => Promise<readonly Uint8Array[]>,
    after: Promise<void> | undefined,
  ): Promise<void> {
    await after;
    const { columns, ...about } = await columnsOf(await read());
    this.#kept.set(key, { ...about, columns: new Map(columns) });
  }
}
