import { change, filters, range, setFilters } from "../frame/router.ts";
import { filterInWords } from "../pure/filter.ts";
import { lengthOf, rangeName } from "../pure/range.ts";
import { html, type VNode } from "./html.ts";

/** Ways out of an answer with nothing in it: each filter can go, and the range can be longer. */
export function WiderRange(): VNode {
  const days = lengthOf(range.value);
  const longer = ["30d", "90d", "all"].filter((word) => lengthOf(word) > days).slice(0, 2);
  const list = filters.value;
  return html`<div class="row">
    ${list.map(
      (filter, index) =>
        html`<button
          key=${filterInWords(filter)}
          type="button"
          class="button"
          onClick=${() => setFilters(list.filter((_, at) => at !== index))}
        >
          Remove ${filterInWords(filter)}
        </button>`,
    )}
    ${longer.map(
      (word) =>
        html`<button
          key=${word}
          type="button"
          class="button"
          onClick=${() => change({ range: word })}
        >
          Show ${rangeName(word).toLowerCase().replace("last ", "")}
        </button>`,
    )}
  </div>`;
}
