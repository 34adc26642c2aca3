import type { StoredEvent } from "../event/event.ts";
import type { EventTextPage } from "./store.ts";

/** Gathers the lines of a page until it is full. */
export class TextPage {
  readonly #limit: number;
  readonly #maxLength: number;
  #text = "";
  #events = 0;
  #last: EventTextPage["next"];

  /** @param maxBytes of UTF-16: that is how the text is held meanwhile */
  constructor(limit: number, maxBytes: number) {
    this.#limit = limit;
    this.#maxLength = maxBytes / 2;
  }

  get isFull(): boolean {
    return this.#events >= this.#limit || this.#text.length >= this.#maxLength;
  }

  add({ timestamp, id }: StoredEvent, line: string): void {
    this.#text += line;
    this.#events += 1;
    this.#last = { timestamp, id };
  }

  finish(isMore: boolean): EventTextPage {
    const next = isMore ? this.#last : undefined;
    return { text: this.#text, events: this.#events, ...(next !== undefined && { next }) };
  }
}
