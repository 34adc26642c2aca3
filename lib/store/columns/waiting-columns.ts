import type { ColumnKey } from "./segment.ts";

/** What is done to the disk. Neither rejects. */
interface ColumnDisk {
  /** Writes a column. */
  write(key: ColumnKey, bytes: Uint8Array): Promise<void>;
  /** Removes the files of all versions of a segment but one. */
  removeOthers(id: string, version: string): Promise<void>;
}

interface Waiting {
  readonly key: ColumnKey;
  readonly bytes: Uint8Array;
}

/** A column that is being written. */
interface Write {
  readonly key: ColumnKey;
  readonly done: Promise<void>;
}

/** The most bytes that may wait; columns that come while more wait are not kept. */
const maxBytes = 33_554_432;

/** While more bytes wait than these, they are written whatever is asked. */
const maxPatientBytes = 8_388_608;

/**
 * For how long nothing must be asked before anything is written: longer than most questions take
 * from their last column to their answer.
 */
const quietMs = 1_000;

/**
 * How many columns are written at a time: few, as a question that comes then waits for them, and
 * enough to keep up with a long question, beside which each step of a write takes some milliseconds.
 */
const atOnce = 32;

/**
 * Columns that wait in memory to be written to a disk, so that no answer waits while they are: until
 * nothing has been asked for a moment, or too many bytes wait. What waits is lost in a crash.
 */
export class WaitingColumns {
  readonly #disk: ColumnDisk;
  readonly #patientBytes: number;
  /** What waits, by the segment, and by the version and column. */
  readonly #waiting = new Map<string, Map<string, Waiting>>();
  /** The segments whose other versions are to be removed, each with the version that stays. */
  readonly #replaced = new Map<string, string>();
  readonly #writing = new Set<Write>();
  #bytes = 0;
  /** The instant of the last question, by `performance.now()`. */
  #askedAt = -Infinity;
  #timer: NodeJS.Timeout | undefined;
  #working: Promise<void> | undefined;
  /** How many calls of `close` wait. */
  #closing = 0;

  /** @param patientBytes the bytes that may wait for as long as questions go on, if not many */
  constructor(disk: ColumnDisk, patientBytes: number) {
    this.#disk = disk;
    this.#patientBytes = Math.min(patientBytes, maxPatientBytes);
  }

  /** The segments that have columns waiting. */
  get segments(): Iterable<string> {
    return this.#waiting.keys();
  }

  get({ id, version, column }: ColumnKey): Uint8Array | undefined {
    this.#askedAt = performance.now();
    return this.#waiting.get(id)?.get(nameOf(version, column))?.bytes;
  }

  /** @param bytes must not be changed any more */
  put(key: ColumnKey, bytes: Uint8Array): void {
    this.#askedAt = performance.now();
    const { id, version, column } = key;
    const name = nameOf(version, column);
    this.#remove(id, name);
    if (this.#bytes + bytes.length > maxBytes) return;
    const ofSegment = this.#waiting.get(id) ?? new Map<string, Waiting>();
    this.#waiting.set(id, ofSegment.set(name, { key, bytes }));
    this.#bytes += bytes.length;
    this.#plan();
  }

  /** Removes a segment's other versions: at once what waits of them, and later their files. */
  replace(id: string, version: string): void {
    this.#removeOthers(id, version);
    this.#replaced.set(id, version);
    this.#plan();
  }

  /**
   * Removes what waits of a segment. Resolves when none of it is being written.
   * @param but the version that stays; absent: none
   */
  async drop(id: string, but?: string): Promise<void> {
    this.#removeOthers(id, but);
    this.#replaced.delete(id);
    const writing = [...this.#writing].filter(({ key }) => key.id === id && key.version !== but);
    await Promise.all(writing.map(({ done }) => done));
  }

  /** Resolves when nothing waits. */
  async close(): Promise<void> {
    this.#closing += 1;
    while (this.#hasWork || this.#working !== undefined) await this.#work();
    this.#closing -= 1;
  }

  get #hasWork(): boolean {
    return this.#waiting.size > 0 || this.#replaced.size > 0;
  }

  get #isDue(): boolean {
    const isQuiet = performance.now() - this.#askedAt >= quietMs;
    return isQuiet || this.#closing > 0 || this.#bytes > this.#patientBytes;
  }

  /** Does what is to be done now, or sees to it that it is done later. */
  #plan(): void {
    if (!this.#hasWork || this.#working !== undefined) return;
    if (this.#isDue) {
      void this.#work();
      return;
    }
    if (this.#timer !== undefined) return;
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      this.#plan();
    }, quietMs).unref();
  }

  /** Does what there is to do, for as long as it is due. */
  #work(): Promise<void> {
    this.#working ??= this.#doDue().finally(() => {
      this.#working = undefined;
      this.#plan();
    });
    return this.#working;
  }

  async #doDue(): Promise<void> {
    while (this.#hasWork && this.#isDue) await Promise.all(this.#begin());
  }

  /** Begins some of what there is to do. */
  #begin(): readonly Promise<void>[] {
    const begun: Promise<void>[] = [];
    for (const [id, version] of this.#replaced) {
      if (begun.length === atOnce) return begun;
      this.#replaced.delete(id);
      begun.push(this.#disk.removeOthers(id, version));
    }
    for (const ofSegment of this.#waiting.values()) {
      for (const [name, one] of ofSegment) {
        if (begun.length === atOnce) return begun;
        begun.push(this.#write(name, one));
      }
    }
    return begun;
  }

  async #write(name: string, { key, bytes }: Waiting): Promise<void> {
    const write: Write = { key, done: this.#disk.write(key, bytes) };
    this.#writing.add(write);
    await write.done;
    this.#writing.delete(write);
    // It was found here until it was on the disk. It may have been put again meanwhile.
    if (this.#waiting.get(key.id)?.get(name)?.bytes === bytes) this.#remove(key.id, name);
  }

  #remove(id: string, name: string): void {
    const ofSegment = this.#waiting.get(id);
    const waiting = ofSegment?.get(name);
    if (ofSegment === undefined || waiting === undefined) return;
    this.#bytes -= waiting.bytes.length;
    ofSegment.delete(name);
    if (ofSegment.size === 0) this.#waiting.delete(id);
  }

  #removeOthers(id: string, but: string | undefined): void {
    for (const [name, { key }] of this.#waiting.get(id) ?? []) {
      if (key.version !== but) this.#remove(id, name);
    }
  }
}

function nameOf(version: string, column: string): string {
  return JSON.stringify([version, column]);
}
