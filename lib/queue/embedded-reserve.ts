import { randomFillSync } from "node:crypto";
import { closeSync, fsyncSync, openSync, rmSync, statSync, writeSync } from "node:fs";

/** At least what the log may hold, so that it can always be written back into the file. */
const reserveBytes = 8 * 1024 * 1024;

/**
 * Disk space kept aside, in a file of its own. Removing messages needs room too: for the log, and
 * for what the log still has to bring into the file. On a disk that is full to the brim, what was
 * handled could not be removed, so nothing would ever get better. Then this space is given up.
 */
export class Reserve {
  readonly #path: string;

  constructor(path: string) {
    this.#path = path;
  }

  /** Take the space, where it is not taken yet. @throws the error of the file system where there is none */
  hold(): void {
    if (statSync(this.#path, { throwIfNoEntry: false })?.size === reserveBytes) return;
    // Random, for file systems that compress.
    const chunk = randomFillSync(new Uint8Array(256 * 1024));
    try {
      const descriptor = openSync(this.#path, "w");
      try {
        for (let written = 0; written < reserveBytes;) written += writeSync(descriptor, chunk);
        fsyncSync(descriptor);
      } finally {
        closeSync(descriptor);
      }
    } catch (error) {
      this.release();
      throw error;
    }
  }

  /** @returns whether that made room */
  release(): boolean {
    try {
      rmSync(this.#path);
      return true;
    } catch {
      return false;
    }
  }
}
