import { h } from "preact";
import { address, addressOf, go } from "../frame/router.ts";
import { html, type VNode } from "../parts/html.ts";
import { Icon } from "../parts/icon.ts";
import type { Address } from "../pure/address.ts";

/** The list that an event was opened from. */
export function closed(): Address {
  return addressOf(
    "events",
    Object.fromEntries(
      [...new Set(address.value.parameters.map(([name]) => name))].map((name) => [
        name,
        address.value.parameters.filter(([known]) => known === name).map(([, value]) => value),
      ]),
    ),
  );
}

export function CloseButton(): VNode {
  return html`<button
    type="button"
    class="icon-button"
    aria-label="Close"
    data-key="Escape"
    onClick=${() => go(closed())}
  >
    ${h(Icon, { name: "close" })}
  </button>`;
}
