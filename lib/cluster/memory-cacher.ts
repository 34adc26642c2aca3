import { LRUCache } from "lru-cache";
import { Cachers } from "moleculer";

const perValue = 16;
const perKey = 16;

/**
 * Estimates how many bytes a plain value takes in memory, two for each character of a text.
 * @param most the count stops once it exceeds this
 */
export function sizeOf(value: unknown, most = Infinity): number {
  let size = 0;
  const open: unknown[] = [value];
  while (open.length > 0 && size <= most) {
    const next = open.pop();
    size += perValue;
    if (typeof next === "string") size += 2 * next.length;
    else if (ArrayBuffer.isView(next)) size += next.byteLength;
    else if (Array.isArray(next)) for (const one of next) open.push(one);
    else if (typeof next === "object" && next !== null) {
      for (const one of Object.values(next)) {
        size += perKey;
        open.push(one);
      }
    }
  }
  return size;
}

/** A value may take this fraction of the cache: one eighth. */
const largestPart = 8;

/** Caches values within about `maxBytes` of memory; the least recently read one makes room. */
export class ByteCache {
  readonly #entries: LRUCache<string, { readonly value: unknown }>;

  /**
   * @param maxBytes at least 1
   * @param now milliseconds that never go back
   */
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

interface MemoryCacherOptions {
  readonly maxBytes: number;
  readonly ttlSeconds: number;
}

/** Moleculer's cacher in memory, bounded by the size of its values instead of their number. */
export class MemoryCacher extends Cachers.MemoryLRU {
  constructor({ maxBytes, ttlSeconds }: MemoryCacherOptions) {
    super({ ttl: ttlSeconds, clone: false });
    (this as unknown as { cache: ByteCache }).cache = new ByteCache(maxBytes);
  }
}
