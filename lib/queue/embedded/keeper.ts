import { NewerSchema } from "../../sqlite/schema-steps.ts";
import { QueueFile, isTransient } from "./file.ts";
import { randomFillSync } from "crypto";
import { statSync, openSync, writeSync, fsyncSync, closeSync, rmSync } from "fs";

interface KeeperEvents {
  /**
   * Called when the file was opened, for the first time or again. Where this throws, the file is
   * not used and is opened again later.
   */
  opened(file: QueueFile): void;
  /** Called when writes begin to fail (with the reason), or work again (`null`). */
  state(trouble: string | null): void;
}

/**
 * The least time between two attempts to open the file, and between two checks whether trouble is
 * over.
 */
export const retryMs = 1_000;

/** How long giving back free space may hold up everything else, once in `retryMs`. */
const shrinkMs = { idle: 100, busy: 10 };

/**
 * Keeps the queue's file open as far as disk and folder allow. The first error begins a time of
 * trouble: no message is accepted, but those in the file are still delivered and removed where
 * possible, with the space of the reserve. Trouble is over when log and file were synced and the
 * reserve is held again.
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

  /** @throws NewerSchema: the file must not be touched then */
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

  /** Notes that an operation on the file threw. */
  failed(error: unknown): void {
    const { message } = error as Error;
    const known = this.#trouble !== null;
    this.#trouble = message;
    this.#reserve.release();
    try {
      if (!isTransient(error)) this.close();
      else if (!known) this.#file?.checkpoint();
    } catch {
      // Whether closed or not, `maintain` checks it once in `retryMs`.
    }
    if (!known) this.#events.state(message);
  }

  /**
   * Called once in `retryMs`: finds out whether trouble is over, and gives back free space.
   * @param idle whether there was no request since the last call
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

  /** @returns whether the trouble is over */
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

  /** Opening needs space too, for the log and its index. */
  #openWithReserve(): QueueFile {
    try {
      return new QueueFile(this.#path);
    } catch (error) {
      if (error instanceof NewerSchema || !this.#reserve.release()) throw error;
      return new QueueFile(this.#path);
    }
  }
}

/** The reserve holds at least as much as the log, so that the log can always be written back. */
const reserveBytes = 8 * 1024 * 1024;

/**
 * Disk space kept aside, in a file of its own. Removing messages needs space too: for the log, and
 * for what the log still has to bring into the file. On a full disk handled messages could not be
 * removed, so the disk would stay full. The reserve is given up then.
 */
class Reserve {
  readonly #path: string;

  constructor(path: string) {
    this.#path = path;
  }

  /**
   * Takes the space, unless it is already held.
   * @throws the error of the file system where there is no space
   */
  hold(): void {
    if (statSync(this.#path, { throwIfNoEntry: false })?.size === reserveBytes) return;
    // Random bytes, for file systems that compress.
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

  /** @returns whether that freed space */
  release(): boolean {
    try {
      rmSync(this.#path);
      return true;
    } catch {
      return false;
    }
  }
}
