import { LRUCache } from "lru-cache";
import { sizeOf } from "../cluster/value-size.ts";

/** One value may have so large a part of the cache. */
const largestPart = 8;

/**
 * Values by key, at most about `maxBytes` of memory in all; the one that was read longest ago makes
 * room.
 */
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
      // An entry that was kept at the instant 0 would never be stale.
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
   * Keeps a value for `ttl` milliseconds, 0 for no end; not one that would take more than an eighth
   * of the cache.
   */
  set(key: string, value: unknown, { ttl }: { readonly ttl: number }): void {
    this.#entries.set(key, { value }, { ttl });
  }

  delete(key: string): void {
    this.#entries.delete(key);
  }

  /** The one that was read longest ago comes first. */
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
