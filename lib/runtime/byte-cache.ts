import { LRUCache } from "lru-cache";
import { sizeOf } from "../cluster/value-size.ts";

/** A value may take this fraction of the cache: one eighth. */
const largestPart = 8;

/** Caches values within about `maxBytes` of memory; the least recently read one makes room. */
export class ByteCache {
  readonly #entries: LRUCache<string, { readonly value: unknown }>;

  /** @param now milliseconds that never go back */
  constructor(maxBytes: number, now: () => number = () => performance.now()) {
    const most = largestEntry(maxBytes);
    this.#entries = new LRUCache({
      maxSize: maxBytes,
      maxEntrySize: most,
      sizeCalculation: ({ value }, key) => sizeOf([key, value], most),
      ttlResolution: 0,
      // An entry that was stored at the instant 0 would never expire.
      perf: { now: () => now() + 1 },
    });
  }

  get sizeBytes(): number {
    return this.#entries.calculatedSize;
  }

  has(key: string): boolean {
    return this.#entries.has(key);
  }

  get(key: string): unknown {
    return this.#entries.get(key)?.value;
  }

  /**
   * Stores a value for `ttl` milliseconds (0: no end), unless it takes more than an eighth of the
   * cache.
   */
  set(key: string, value: unknown, { ttl }: { readonly ttl: number }): void {
    this.#entries.set(key, { value }, { ttl });
  }

  delete(key: string): void {
    this.#entries.delete(key);
  }

  /** The least recently read key comes first. */
  keys(): IterableIterator<string> {
    return this.#entries.rkeys();
  }

  purgeStale(): void {
    this.#entries.purgeStale();
  }
}

/** The most bytes that one value may take in a cache of `maxBytes`. */
export function largestEntry(maxBytes: number): number {
  return Math.floor(maxBytes / largestPart);
}
