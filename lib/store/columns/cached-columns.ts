import { LRUCache } from "lru-cache";
import type { ColumnKey, FetchedColumns, SegmentColumns } from "./segment.ts";
import type { Segment } from "../manifest.ts";
import { DiskCache, type DiskCacheOptions } from "./disk-cache.ts";

/** The first byte of a cached file: whether the segment has the column, whose bytes then follow. */
const [absent, present] = [0, 1];

const sweptAtOnce = 500;
const sweepEveryMs = 600_000;

/** Looks up the current versions of segments. Segments that do not exist are absent. */
type CurrentVersions = (ids: readonly string[]) => Promise<ReadonlyMap<string, string>>;

/**
 * The bytes of recently used columns that are also kept in memory: reading a file takes some 0.1
 * ms.
 */
const recentBytes = 33_554_432;
const entryBytes = 300;

/** Caches columns of segments on the disk of this process. */
export class CachedColumns implements SegmentColumns {
  readonly #source: SegmentColumns;
  readonly #cache: DiskCache;
  readonly #recent = new LRUCache<string, Uint8Array>({
    maxSize: recentBytes,
    sizeCalculation: ({ length }) => length + entryBytes,
  });

  #sweeping: NodeJS.Timeout | undefined;

  constructor(source: SegmentColumns, options: DiskCacheOptions) {
    this.#source = source;
    this.#cache = new DiskCache(options);
  }

  async fetch(segment: Segment, names: readonly string[]): Promise<FetchedColumns | undefined> {
    const { id, version } = segment;
    const columns = new Map<string, Uint8Array>();
    const lacking: string[] = [];
    const kept = await Promise.all(names.map((column) => this.#kept({ id, version, column })));
    for (const [i, file] of kept.entries()) {
      if (file === undefined) lacking.push(names[i]!);
      else if (file[0] === present) columns.set(names[i]!, file.subarray(1));
    }
    if (lacking.length === 0) return columns;
    const fetched = await this.#source.fetch(segment, lacking);
    if (fetched === undefined) {
      await this.#cache.drop(id);
      return undefined;
    }
    // No question asks for a version that was replaced.
    this.#cache.replace(id, version);
    for (const column of lacking) {
      const bytes = fetched.get(column);
      if (bytes !== undefined) columns.set(column, bytes);
      const key = { id, version, column };
      const file = marked(bytes);
      this.#recent.set(textOf(key), file);
      this.#cache.put(key, file);
    }
    return columns;
  }

  async #kept(key: ColumnKey): Promise<Uint8Array | undefined> {
    const text = textOf(key);
    const recent = this.#recent.get(text);
    if (recent !== undefined) return recent;
    const file = await this.#cache.get(key);
    if (file !== undefined) this.#recent.set(text, file);
    return file;
  }

  /**
   * Removes the columns of versions that do not exist any more, now and every ten minutes: no
   * question reads them, and they may contain erased events. The next sweep tries again what
   * failed.
   */
  sweepBy(current: CurrentVersions): void {
    const sweep = () => void this.sweep(current).catch(() => undefined);
    sweep();
    this.#sweeping = setInterval(sweep, sweepEveryMs).unref();
  }

  async sweep(current: CurrentVersions): Promise<void> {
    await this.#cache.ready;
    const ids = [...this.#cache.segments];
    for (let at = 0; at < ids.length; at += sweptAtOnce) {
      const some = ids.slice(at, at + sweptAtOnce);
      const versions = await current(some);
      for (const id of some) await this.#cache.drop(id, versions.get(id));
    }
  }

  close(): Promise<void> {
    clearInterval(this.#sweeping);
    return this.#cache.close();
  }
}

function textOf({ id, version, column }: ColumnKey): string {
  return JSON.stringify([id, version, column]);
}

function marked(bytes: Uint8Array | undefined): Uint8Array {
  const file = new Uint8Array(1 + (bytes?.length ?? 0));
  file[0] = bytes === undefined ? absent : present;
  if (bytes !== undefined) file.set(bytes, 1);
  return file;
}
