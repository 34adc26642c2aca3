import type { EventQuery } from "../event/filter.ts";
import type { PageEnd, PageLimits, Position } from "../event/event-page.ts";

/**
 * Finds events in order; returns the position up to which all were looked at where it ended before
 * its time was over.
 */
export type Finding<T> = Generator<T, Position | undefined>;
export type AsyncFinding<T> = AsyncGenerator<T, Position | undefined>;

/**
 * What is put on a page: what is shown of an event, how large that is, and the event's place in the
 * order.
 */
interface Placed {
  readonly sizeBytes: number;
  readonly position: Position;
}

/** Fills a page up to its limits of events and bytes, but with one event at least. */
export class Page {
  readonly #limit: number;
  readonly #maxBytes: number;
  #events = 0;
  #sizeBytes = 0;
  #last: Position | undefined;

  constructor({ limit }: Pick<EventQuery, "limit">, { maxBytes }: Pick<PageLimits, "maxBytes">) {
    this.#limit = limit;
    this.#maxBytes = maxBytes;
  }

  /**
   * Fill it with what is found, of which there should be one more than fits: that tells whether
   * there is more.
   * @param take puts something on the page
   */
  fill<T>(found: Finding<T>, take: (one: T) => Placed): PageEnd {
    try {
      for (;;) {
        const { value, done } = found.next();
        if (done === true) return this.#ended(value);
        const end = this.#end();
        if (end !== undefined) return end;
        this.#add(take(value));
      }
    } finally {
      found.return(undefined);
    }
  }

  /** The same with what is found on a server. */
  async fillFrom<T>(found: AsyncFinding<T>, take: (one: T) => Placed): Promise<PageEnd> {
    try {
      for (;;) {
        const { value, done } = await found.next();
        if (done === true) return this.#ended(value);
        const end = this.#end();
        if (end !== undefined) return end;
        this.#add(take(value));
      }
    } finally {
      await found.return(undefined);
    }
  }

  #add({ sizeBytes, position }: Placed): void {
    this.#events += 1;
    this.#sizeBytes += sizeBytes;
    this.#last = position;
  }

  /** How the page ends before the next event; `undefined` where that still fits. */
  #end(): PageEnd | undefined {
    const sizeBytes = this.#sizeBytes;
    if (this.#events >= this.#limit) return { sizeBytes, next: this.#last! };
    if (this.#events > 0 && sizeBytes >= this.#maxBytes) {
      return { sizeBytes, next: this.#last!, endedBy: "bytes" };
    }
    return undefined;
  }

  #ended(at: Position | undefined): PageEnd {
    const sizeBytes = this.#sizeBytes;
    return at === undefined ? { sizeBytes } : { sizeBytes, next: at, endedBy: "time" };
  }
}
