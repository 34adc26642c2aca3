import { signal } from "@preact/signals";
import type { Instants } from "../pure/range.ts";

/** The instants of the range that is shown, as the view's answer told them: pickers and keys go by them. */
export const shownInstants = signal<Instants | undefined>(undefined);

/** The other range of a comparison, where there is one: its dates stand under the title. */
export const comparedInstants = signal<Instants | undefined>(undefined);
