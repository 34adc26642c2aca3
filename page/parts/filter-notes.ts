import { filterInWords } from "../pure/filter.ts";
import type { ListFilters } from "../pure/list-filters.ts";
import { html, type VNode } from "./html.ts";

/**
 * What an address asks otherwise than the filters say; without this line other events would be
 * taken for those asked.
 */
export function FilterNotes({ mixed, left }: Omit<ListFilters, "parameters">): VNode | null {
  const inWords = (filters: ListFilters["left"]) => filters.map(filterInWords).join("; ");
  const lines = [
    left.length > 0 && `Left out here, because no address can ask for it: ${inWords(left)}.`,
    mixed.length > 0 &&
      `Texts, numbers and truth values that read alike are one here: ${inWords(mixed)}.`,
  ].filter((line) => line !== false);
  return lines.length === 0 ? null : html`<p class="notice">${lines.join(" ")}</p>`;
}
