import { signal } from "@preact/signals";

/** What a screen reader says next, politely: changes of state and answers to what the reader did, nothing that ticks. */
export const announced = signal("");

let last = 0;
const quietMs = 30_000;

/** The answer to an act of the reader: said at once. */
export function announce(text: string): void {
  announced.value = text;
}

/** Something that changed by itself: said at most every 30 s. */
export function mention(text: string): void {
  if (Date.now() - last < quietMs) return;
  last = Date.now();
  announced.value = text;
}
