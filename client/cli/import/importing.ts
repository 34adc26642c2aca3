import type { Courier, Delivery } from "../../src/delivery.ts";
import type { EventReader, EventReading } from "./event-text.ts";
import { RecordSplitter, type FileRecord, type Place } from "./records.ts";
import { withPauses } from "./source.ts";
import { Window, type Confirmed } from "./window.ts";

/** A line that is no event, or one that the service refuses. */
export interface RefusedLine {
  readonly line: number;
  readonly problems: readonly { readonly pointer: string; readonly message: string }[];
}

export interface ImportOptions {
  readonly reader: EventReader;
  /** Of a table; see `RecordSplitter`. */
  readonly delimiter: string | undefined;
  readonly courier: Courier;
  readonly start: Confirmed;
  readonly batchEvents: number;
  readonly batchesAtOnce: number;
  readonly onRefused: (line: RefusedLine) => void;
  readonly signal: AbortSignal;
}

const batchBytes = 1_048_576;

/** A batch that does not fill up is sent after this time. */
const idleMs = 1_000;

/**
 * Sends the records of a stream to the service, in batches, several at a time. It holds only these
 * batches and one record; it reads on as they are confirmed.
 */
export class Importing {
  readonly #options: ImportOptions;
  readonly #window: Window;
  #batch = new Batch();
  #end: Place;
  #unended = { lines: 0, accepted: 0, refused: 0 };

  constructor(options: ImportOptions) {
    this.#options = options;
    this.#window = new Window(options.batchesAtOnce, options.start);
    this.#end = options.start.end;
  }

  /** The progress: everything before its place has an outcome. */
  get confirmed(): Confirmed {
    return this.#window.confirmed;
  }

  /**
   * The same with the text behind the last line break: that is sent, and read again where the file
   * has grown there.
   */
  get total(): Confirmed {
    const { end, accepted, refused } = this.confirmed;
    return {
      end: { ...end, lines: end.lines + this.#unended.lines },
      accepted: accepted + this.#unended.accepted,
      refused: refused + this.#unended.refused,
    };
  }

  /** @throws the cause of a failed delivery, or the signal's reason; `confirmed` is right then, too */
  async run(pieces: AsyncIterable<Buffer>): Promise<void> {
    const { delimiter, start, signal } = this.#options;
    const splitter = new RecordSplitter(delimiter, start.end);
    for await (const piece of withPauses(pieces, idleMs)) {
      signal.throwIfAborted();
      if (piece === undefined) await this.#send();
      else for (const record of splitter.push(piece)) await this.#takeAndSend(record);
    }
    await this.#send();
    await this.#window.finish();
    for (const record of splitter.finish()) {
      this.#take(record);
      this.#unended = { lines: 1, ...(await this.#deliver(this.#batch)) };
    }
  }

  async #takeAndSend(record: FileRecord): Promise<void> {
    this.#take(record);
    const { size, bytes } = this.#batch;
    if (size >= this.#options.batchEvents || bytes >= batchBytes) await this.#send();
  }

  /** Puts the event of a record into the batch, or what is wrong with it. */
  #take(record: FileRecord): void {
    const { line, text, end } = record;
    const reading: EventReading | undefined =
      text === undefined
        ? { problem: record.problem ?? "it cannot be read" }
        : this.#options.reader.read(text, line);
    this.#end = end;
    if (reading === undefined) return;
    if (reading.json === undefined) {
      const { pointer = "", problem } = reading;
      this.#batch.refuse({ line, problems: [{ pointer, message: problem }] });
      return;
    }
    const bytes = Buffer.byteLength(reading.json) + 1;
    this.#batch.add(reading.json, bytes, line);
  }

  async #send(): Promise<void> {
    const batch = this.#batch;
    const { end: confirmedEnd } = this.#window.confirmed;
    if (batch.isEmpty && this.#end.offset === confirmedEnd.offset) return;
    this.#batch = new Batch();
    await this.#window.begin(this.#end, () => this.#deliver(batch));
  }

  async #deliver(batch: Batch): Promise<{ readonly accepted: number; readonly refused: number }> {
    const { courier, signal, onRefused } = this.#options;
    const nothing: Delivery = { accepted: 0, rejected: [] };
    const { accepted, rejected, failure } =
      batch.size === 0 ? nothing : await courier.deliver(batch.events, { signal });
    if (failure !== undefined) throw failure.cause;
    const refused = [
      ...batch.refused,
      ...rejected.map(({ index, error }) => ({
        line: batch.lines[index]!,
        problems: error.errors,
      })),
    ].sort((one, other) => one.line - other.line);
    for (const line of refused) onRefused(line);
    return { accepted, refused: refused.length };
  }
}

class Batch {
  readonly events: string[] = [];
  /** The line of each event. */
  readonly lines: number[] = [];
  readonly refused: RefusedLine[] = [];
  bytes = 0;

  get size(): number {
    return this.events.length;
  }

  get isEmpty(): boolean {
    return this.size === 0 && this.refused.length === 0;
  }

  add(json: string, bytes: number, line: number): void {
    this.events.push(json);
    this.lines.push(line);
    this.bytes += bytes;
  }

  refuse(line: RefusedLine): void {
    this.refused.push(line);
  }
}
