interface Entry<K, V> {
  readonly key: K;
  value: V;
  /** Used later and used earlier than this one. */
  newer: Entry<K, V> | undefined;
  older: Entry<K, V> | undefined;
}

/**
 * A map of bounded size that forgets what was used least recently. Both operations cost the same at any size: the
 * order of use is a list of its own, for a `Map` from which much was deleted takes long to find its first key.
 */
export class Lru<K, V extends NonNullable<unknown>> {
  readonly #capacity: number;
  readonly #entries = new Map<K, Entry<K, V>>();
  #newest: Entry<K, V> | undefined;
  #oldest: Entry<K, V> | undefined;

  constructor(capacity: number) {
    this.#capacity = capacity;
  }

  get size(): number {
    return this.#entries.size;
  }

  get(key: K): V | undefined {
    const entry = this.#entries.get(key);
    if (entry === undefined) return undefined;
    this.#use(entry);
    return entry.value;
  }

  set(key: K, value: V): void {
    const known = this.#entries.get(key);
    if (known !== undefined) {
      known.value = value;
      this.#use(known);
      return;
    }
    const entry = { key, value, newer: undefined, older: undefined };
    this.#entries.set(key, entry);
    this.#append(entry);
    if (this.#entries.size <= this.#capacity || this.#oldest === undefined) return;
    this.#entries.delete(this.#oldest.key);
    this.#remove(this.#oldest);
  }

  #use(entry: Entry<K, V>): void {
    if (entry === this.#newest) return;
    this.#remove(entry);
    this.#append(entry);
  }

  #append(entry: Entry<K, V>): void {
    entry.older = this.#newest;
    entry.newer = undefined;
    if (this.#newest === undefined) this.#oldest = entry;
    else this.#newest.newer = entry;
    this.#newest = entry;
  }

  #remove({ newer, older }: Entry<K, V>): void {
    if (newer === undefined) this.#newest = older;
    else newer.older = older;
    if (older === undefined) this.#oldest = newer;
    else older.newer = newer;
  }
}
