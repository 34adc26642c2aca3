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
const byteOrderMark = Buffer.from("\ufeff");

/** More bytes than an event may have, in any spelling. */
export const maxRecordBytes = 1_048_576;

/**
 * Splits a stream of bytes into records. It holds no more than one record and one piece of the
 * stream; the records do not depend on how the stream is cut.
 */
export class RecordSplitter {
  readonly #delimiter: Buffer | undefined;
  #place: Place;
  #rest: Buffer = Buffer.alloc(0);
  /**
   * The state of the search within the rest: how far it went, where the record's last line begins,
   * how many line feeds are before that, and whether it begins within quotes.
   */
  #searched = 0;
  #lineStart = 0;
  #feeds = 0;
  #inQuotes = false;
  /** Whether a record that is too long is being skipped. */
  #skipping = false;

  /**
   * @param delimiter of a table (CSV), whose fields may have line breaks in quotes; without it each
   *   line is a record
   * @param from the place where the stream begins
   */
  constructor(delimiter: string | undefined, from: Place = beginning) {
    this.#delimiter = delimiter === undefined ? undefined : Buffer.from(delimiter);
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
      this.#lineStart = start;
      this.#feeds = 0;
      this.#inQuotes = false;
      this.#skipping = false;
    }
    this.#rest = this.#rest.subarray(start);
    this.#searched -= start;
    this.#lineStart -= start;
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
      this.#searched = feed < 0 ? this.#rest.length : feed + 1;
      if (feed < 0 || this.#delimiter === undefined || this.#skipping) return feed;
      const line = this.#rest.subarray(this.#lineStart + this.#markBytes(), feed);
      this.#inQuotes = endsInQuotes(line, this.#delimiter, this.#inQuotes);
      if (!this.#inQuotes) return feed;
      this.#feeds += 1;
      this.#lineStart = feed + 1;
    }
  }

  /** The length of the byte order mark that the record's last line begins with. */
  #markBytes(): number {
    const isFirst = this.#place.offset === 0 && this.#lineStart === 0;
    const isMarked = isFirst && this.#rest.subarray(0, 3).equals(byteOrderMark);
    return isMarked ? byteOrderMark.length : 0;
  }

  #record(start: number, end: number, next: number, feeds: number): FileRecord {
    const line = this.#place.lines + 1;
    const place = { offset: this.#place.offset + next - start, lines: this.#place.lines + feeds };
    this.#place = place;
    if (this.#skipping || end - start > maxRecordBytes) {
      const cause = this.#delimiter === undefined ? "" : " (is a quote left open?)";
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
    this.#lineStart = 0;
    this.#feeds = 0;
    this.#inQuotes = false;
  }
}

/**
 * Whether a line of a table ends within quotes. A quote opens a field as its first character alone;
 * within quotes two stand for one.
 * @param inQuotes whether the line begins within quotes
 */
function endsInQuotes(line: Buffer, delimiter: Buffer, inQuotes: boolean): boolean {
  if (!inQuotes && !line.includes(quote)) return false;
  let at = 0;
  for (;;) {
    if (inQuotes || line[at] === quote) {
      const closing = closingQuote(line, inQuotes ? at : at + 1);
      if (closing < 0) return true;
      at = closing + 1;
      inQuotes = false;
    }
    const next = line.indexOf(delimiter, at);
    if (next < 0) return false;
    at = next + delimiter.length;
  }
}

function closingQuote(line: Buffer, from: number): number {
  let at = line.indexOf(quote, from);
  while (at >= 0 && line[at + 1] === quote) at = line.indexOf(quote, at + 2);
  return at;
}
