import { NewerSchema } from "../../sqlite/schema-steps.ts";
import { isTransient } from "./failure.ts";
import { QueueFile } from "./file.ts";
import { randomFillSync } from "crypto";
import { statSync, openSync, writeSync, fsyncSync, closeSync, rmSync } from "fs";

interface KeeperEvents {
  /**
   * The file was opened, for the first time or anew. Where this throws, it is not used and opened
   * anew later.
   */
  opened(file: QueueFile): void;
  /** Writes began to fail (why), or work again (`null`). */
  state(trouble: string | null): void;
}

/**
 * The least time between two attempts to open the file, and between two looks whether trouble is
 * over.
 */
export const retryMs = 1_000;

/** How long giving free space back may hold everything up, once in `retryMs`. */
const shrinkMs = { idle: 100, busy: 10 };

/**
 * Keeps the queue's file open as far as disk and folder allow. From the first error on there is
 * trouble: nothing new is taken, but what is there goes on where it can, with the reserve given up
 * for it. Trouble is over when log and file were synced and the reserve is held again.
 */
export class FileKeeper {
  readonly #path: string;
  readonly #reserve: Reserve;
  readonly #events: KeeperEvents;
  #file: QueueFile | null = null;
  #trouble: string | null = null;
  #triedAt = -Infinity;

  constructor(path: string, events: KeeperEvents) {
    this.#path = path;
    this.#reserve = new Reserve(`${path}-reserve`);
    this.#events = events;
  }

  /** @throws NewerSchema: then the file must not be touched */
  open(): void {
    this.#open();
    this.#recover();
    if (this.#trouble === null) this.#events.state(null);
  }

  /** The file, for reading and removing; `null` while it cannot be opened. */
  get file(): QueueFile | null {
    if (this.#file === null && performance.now() - this.#triedAt >= retryMs) this.#open();
    return this.#file;
  }

  /** The file, for adding to it; `null` while there is trouble. */
  get writable(): QueueFile | null {
    return this.#trouble === null ? this.#file : null;
  }

  /** An operation on the file threw. */
  failed(error: unknown): void {
    const { message } = error as Error;
    const known = this.#trouble !== null;
    this.#trouble = message;
    this.#reserve.release();
    try {
      if (!isTransient(error)) this.close();
      else if (!known) this.#file?.checkpoint();
    } catch {
      // Closed or not, it is looked after once in `retryMs`.
    }
    if (!known) this.#events.state(message);
  }

  /**
   * To be called once in `retryMs`: finds out whether trouble is over, gives free space back.
   * @param idle whether nothing was asked since the last call
   */
  maintain(idle: boolean): void {
    try {
      const until = performance.now() + (idle ? shrinkMs.idle : shrinkMs.busy);
      while (this.file?.shrink(this.#trouble !== null) && performance.now() < until);
    } catch (error) {
      this.failed(error);
    }
    if (this.#trouble !== null && this.#recover()) this.#events.state(null);
  }

  close(): void {
    const file = this.#file;
    this.#file = null;
    file?.close();
  }

  /** @returns whether all is well */
  #recover(): boolean {
    const file = this.file;
    if (file === null) return false;
    try {
      file.checkpoint();
      this.#reserve.hold();
      file.probe();
      this.#trouble = null;
      return true;
    } catch (error) {
      this.failed(error);
      return false;
    }
  }

  #open(): void {
    this.#triedAt = performance.now();
    let file: QueueFile;
    try {
      file = this.#openWithReserve();
    } catch (error) {
      if (error instanceof NewerSchema && this.#trouble === null) throw error;
      this.failed(error);
      return;
    }
    try {
      this.#events.opened(file);
      this.#file = file;
    } catch (error) {
      file.close();
      this.failed(error);
    }
  }

  /** Opening needs room too, for the log and its index. */
  #openWithReserve(): QueueFile {
    try {
      return new QueueFile(this.#path);
    } catch (error) {
      if (error instanceof NewerSchema || !this.#reserve.release()) throw error;
      return new QueueFile(this.#path);
    }
  }
}

/** At least what the log may hold, so that it can always be written back into the file. */
const reserveBytes = 8 * 1024 * 1024;

/**
 * Disk space kept aside, in a file of its own. Removing messages needs room too: for the log, and
 * for what the log still has to bring into the file. On a disk that is full to the brim, what was
 * handled could not be removed, so nothing would ever get better. Then this space is given up.
 */
class Reserve {
  readonly #path: string;

  constructor(path: string) {
    this.#path = path;
  }

  /**
   * Take the space, where it is not taken yet. @throws the error of the file system where there is
   * none
   */
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
