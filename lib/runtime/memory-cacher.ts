import { Cachers } from "moleculer";
import { ByteCache } from "./byte-cache.ts";

interface MemoryCacherOptions {
  readonly maxBytes: number;
  readonly ttlSeconds: number;
}

/**
 * Moleculer's cacher in memory, bounded by what its values take instead of by how many they are.
 */
export class MemoryCacher extends Cachers.MemoryLRU {
  constructor({ maxBytes, ttlSeconds }: MemoryCacherOptions) {
    super({ ttl: ttlSeconds, clone: false });
    (this as unknown as { cache: ByteCache }).cache = new ByteCache(maxBytes);
  }
}
