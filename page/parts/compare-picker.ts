import { h } from "preact";
import { change, comparison, range } from "../frame/router.ts";
import { comparisonNames, lengthOf, type Comparison } from "../pure/range.ts";
import { html, type VNode } from "./html.ts";
import { Popover } from "./popover.ts";

/**
 * Days over at least a week are compared with the same weekdays, anything else with the period
 * before.
 */
function naturalComparison(): Comparison {
  return lengthOf(range.value) >= 7 ? "weekdays" : "previous";
}

/** Switches the comparison on or off. */
export function toggleComparison(): void {
  change({ cmp: comparison.value === undefined ? naturalComparison() : undefined });
}

export function ComparePicker(): VNode {
  const kind = comparison.value;
  return h(Popover, {
    text: html`<span class="compare-name"
      >${kind === undefined ? "Compare" : comparisonNames[kind]}</span
    >`,
    label:
      kind === undefined ? "Compare with another range" : `Compared with: ${comparisonNames[kind]}`,
    icon: "compare",
    arrow: true,
    title: "Compare with",
    className: `button${kind === undefined ? "" : " is-on"}`,
    content: (close) =>
      html`<ul class="menu">
        ${[undefined, ...(Object.keys(comparisonNames) as Comparison[])].map(
          (one) =>
            html`<li key=${one ?? "off"}>
              <button
                type="button"
                data-first=${one === kind ? true : undefined}
                aria-pressed=${one === kind ? "true" : "false"}
                onClick=${() => {
                  change({ cmp: one });
                  close();
                }}
              >
                <span
                  >${one === undefined ? "Nothing" : comparisonNames[one]}<small
                    >${one === undefined ? "" : explained[one]}</small
                  ></span
                >
              </button>
            </li>`,
        )}
      </ul>`,
  });
}

const explained: Readonly<Record<Comparison, string>> = {
  previous: "The range right before, as long",
  weekdays: "Whole weeks back, Sundays beside Sundays",
  year: "52 weeks back, the same weekdays",
};
