import { sizeOf } from "../cluster/value-size.ts";

interface Entry {
  readonly value: unknown;
  readonly sizeBytes: number;
  readonly expiresAt: number;
}

/** One value may have so large a part of the cache. */
const largestPart = 8;

/** Values by key up to so many bytes of memory, about; who was asked for longest ago makes room. */
export class ByteCache {
  readonly #maxBytes: number;
  readonly #now: () => number;
  /** In the order in which they were asked for. */
  readonly #entries = new Map<string, Entry>();
  #sizeBytes = 0;

  /** @param now milliseconds that never go back */
  constructor(maxBytes: number, now: () => number = () => performance.now()) {
    this.#maxBytes = maxBytes;
    this.#now = now;
  }

  get sizeBytes(): number {
    return this.#sizeBytes;
  }

  has(key: string): boolean {
    const entry = this.#entries.get(key);
    if (entry === undefined) return false;
    if (entry.expiresAt > this.#now()) return true;
    this.delete(key);
    return false;
  }

  get(key: string): unknown {
    if (!this.has(key)) return undefined;
    const entry = this.#entries.get(key)!;
    this.#entries.delete(key);
    this.#entries.set(key, entry);
    return entry.value;
  }

  /** Keeps a value; not one that would take an eighth of the cache. */
  set(key: string, value: unknown, { ttl }: { readonly ttl: number }): void {
    this.delete(key);
    const most = largestEntry(this.#maxBytes);
    const sizeBytes = sizeOf([key, value], most);
    if (sizeBytes > most) return;
    const expiresAt = ttl > 0 ? this.#now() + ttl : Infinity;
    this.#entries.set(key, { value, sizeBytes, expiresAt });
    this.#sizeBytes += sizeBytes;
    for (const oldest of this.#entries.keys()) {
      if (this.#sizeBytes <= this.#maxBytes) break;
      this.delete(oldest);
    }
  }

  delete(key: string): void {
    this.#sizeBytes -= this.#entries.get(key)?.sizeBytes ?? 0;
    this.#entries.delete(key);
  }

  keys(): IterableIterator<string> {
    return this.#entries.keys();
  }

  purgeStale(): void {
    for (const key of [...this.#entries.keys()]) this.has(key);
  }
}

/** What one value may take of a cache of so many bytes. */
export function largestEntry(maxBytes: number): number {
  return Math.floor(maxBytes / largestPart);
}
