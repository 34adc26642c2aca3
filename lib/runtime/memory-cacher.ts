import { Cachers } from "moleculer";
import { ByteCache } from "./byte-cache.ts";

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
