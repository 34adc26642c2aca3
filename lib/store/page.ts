import type { EventQuery } from "../event/filter.ts";
import type { PageEnd, PageLimits, Position } from "../event/event-page.ts";

/**
 * Finds events in order. Where it ends before its time is over, it returns the position up to which
 * it looked at all events.
 */
export type Finding<T> = Generator<T, Position | undefined>;
export type AsyncFinding<T> = AsyncGenerator<T, Position | undefined>;

/** One entry of a page: what is shown, its size, and the event's place in the order. */
interface Placed {
  readonly sizeBytes: number;
  readonly position: Position;
}

/** Fills a page up to its limits of events and bytes, but with at least one event. */
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
   * Fills the page with the found events. There should be one more than fits, which shows whether
   * more follow.
   * @param take makes an entry of an event
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

  /** Fills the page with events that are found on a server. */
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

  /** Why the page ends before the next event; `undefined` where that still fits. */
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
