import { signal } from "@preact/signals";
import { keyNumber } from "../api/key.ts";

/**
 * The next words of a screen reader, politely: changes of state and answers to the reader, nothing
 * that ticks.
 */
export const announced = signal("");
keyNumber.subscribe(() => (announced.value = ""));

let last = 0;
const quietMs = 30_000;

/** Announces the result of a reader's act at once. */
export function announce(text: string): void {
  announced.value = text;
}

/** Announces a change that came by itself, at most every 30 s. */
export function mention(text: string): void {
  if (Date.now() - last < quietMs) return;
  last = Date.now();
  announced.value = text;
}
