import { isUtf8 } from "node:buffer";

/** A place between two records of a file. */
export interface Place {
  /** Bytes from the file's beginning; in a compressed file, from that of its content. */
  readonly offset: number;
  /** Lines that end before it. */
  readonly lines: number;
}

export const beginning: Place = { offset: 0, lines: 0 };

/** A line or, in CSV, a record, which may have line breaks in quotes. */
export interface FileRecord {
  /** The number of its first line, from 1 on, as editors show it. */
  readonly line: number;
  /** Without its line break; `undefined` where it cannot be read. */
  readonly text: string | undefined;
  /** Why it cannot be read. */
  readonly problem?: string;
  /** The place after it. */
  readonly end: Place;
}

const lineFeed = 0x0a;
const quote = 0x22;

/** More bytes than an event may have, in any spelling. */
export const maxRecordBytes = 1_048_576;

/**
 * Splits a stream of bytes into records. It holds no more than one record and one piece of the
 * stream; the records do not depend on how the stream is cut.
 */
export class RecordSplitter {
  readonly #quoted: boolean;
  #place: Place;
  #rest: Buffer = Buffer.alloc(0);
  /**
   * The state of the search within the rest: how far it went, how many line feeds it passed, and
   * whether it is within quotes.
   */
  #searched = 0;
  #feeds = 0;
  #inQuotes = false;
  /** Whether a record that is too long is being skipped. */
  #skipping = false;

  /**
   * @param quoted whether line breaks within quotes do not end a record (CSV)
   * @param from the place where the stream begins
   */
  constructor(quoted: boolean, from: Place = beginning) {
    this.#quoted = quoted;
    this.#place = from;
  }

  /** The records that end within this piece. */
  push(piece: Buffer): readonly FileRecord[] {
    this.#rest = this.#rest.length === 0 ? piece : Buffer.concat([this.#rest, piece]);
    const records: FileRecord[] = [];
    let start = 0;
    for (let feed = this.#nextEnd(); feed >= 0; feed = this.#nextEnd()) {
      records.push(this.#record(start, feed, feed + 1, this.#feeds + 1));
      start = feed + 1;
      this.#searched = start;
      this.#feeds = 0;
      this.#inQuotes = false;
      this.#skipping = false;
    }
    this.#rest = this.#rest.subarray(start);
    this.#searched -= start;
    if (this.#rest.length > maxRecordBytes && !this.#skipping) this.#skipping = true;
    if (this.#skipping) this.#forget();
    return records;
  }

  /**
   * The text behind the last line break. Its end is its beginning, since the file may grow there.
   */
  finish(): readonly FileRecord[] {
    if (this.#rest.length === 0 && !this.#skipping) return [];
    const begin = this.#place;
    const record = this.#record(0, this.#rest.length, this.#rest.length, 0);
    return [this.#skipping ? record : { ...record, end: begin }];
  }

  /** The next line feed that ends a record; -1 where there is none yet. */
  #nextEnd(): number {
    for (;;) {
      const feed = this.#rest.indexOf(lineFeed, this.#searched);
      const to = feed < 0 ? this.#rest.length : feed;
      if (this.#quoted && !this.#skipping) this.#count(to);
      this.#searched = feed < 0 ? to : feed + 1;
      if (feed < 0 || !this.#inQuotes || this.#skipping) return feed;
      this.#feeds += 1;
    }
  }

  #count(to: number): void {
    let at = this.#rest.indexOf(quote, this.#searched);
    while (at >= 0 && at < to) {
      this.#inQuotes = !this.#inQuotes;
      at = this.#rest.indexOf(quote, at + 1);
    }
  }

  #record(start: number, end: number, next: number, feeds: number): FileRecord {
    const line = this.#place.lines + 1;
    const place = { offset: this.#place.offset + next - start, lines: this.#place.lines + feeds };
    this.#place = place;
    if (this.#skipping || end - start > maxRecordBytes) {
      const cause = this.#quoted ? " (is a quote left open?)" : "";
      return { line, text: undefined, problem: `it is longer than 1 MiB${cause}`, end: place };
    }
    const bytes = this.#rest.subarray(start, end);
    if (!isUtf8(bytes)) return { line, text: undefined, problem: "it is not UTF-8", end: place };
    const written = bytes.toString("utf8");
    const text = written.endsWith("\r") ? written.slice(0, -1) : written;
    const isFirst = place.offset === next - start;
    return { line, text: isFirst ? text.replace(/^\ufeff/, "") : text, end: place };
  }

  /** Drops the part of a record that is too long; the record ends with the next line feed. */
  #forget(): void {
    this.#place = {
      offset: this.#place.offset + this.#rest.length,
      lines: this.#place.lines + this.#feeds,
    };
    this.#rest = Buffer.alloc(0);
    this.#searched = 0;
    this.#feeds = 0;
    this.#inQuotes = false;
  }
}
