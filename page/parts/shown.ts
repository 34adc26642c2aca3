import { signal } from "@preact/signals";
import { keyNumber } from "../api/key.ts";
import type { Instants } from "../pure/range.ts";

/** The instants of the shown range, from the view's answer: pickers and keys use them. */
export const shownInstants = signal<Instants | undefined>(undefined);

/** The compared range, where there is one: its dates stand under the title. */
export const comparedInstants = signal<Instants | undefined>(undefined);

keyNumber.subscribe(() => {
  shownInstants.value = undefined;
  comparedInstants.value = undefined;
});
