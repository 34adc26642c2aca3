import { useEffect, useRef } from "preact/hooks";
import { html, type VNode } from "../parts/html.ts";
import { keyHelp, keysAreOn, keyTexts, switchKeys } from "./keys.ts";

/** The list of keys, and the switch for those of one letter. */
export function KeyHelp(): VNode {
  const dialog = useRef<HTMLDialogElement>(null);
  const isOpen = keyHelp.value;
  useEffect(() => {
    if (isOpen) dialog.current?.showModal();
  }, [isOpen]);
  return html`<dialog
    ref=${dialog}
    class="dialog"
    aria-label="Shortcuts"
    onClose=${() => (keyHelp.value = false)}
  >
    ${
      isOpen &&
      html`<h2>Shortcuts</h2>
        <dl class="keys">
          ${keyTexts.map(
            ([keys, does]) =>
              html`<div key=${keys}>
                <dt>${keys.split(" ").map((key) => html`<kbd key=${key}>${key}</kbd>`)}</dt>
                <dd>${does}</dd>
              </div>`,
          )}
        </dl>
        <label class="check"
          ><input
            type="checkbox"
            checked=${keysAreOn.value}
            onChange=${() => switchKeys(!keysAreOn.value)}
          /><span>Keys of one letter</span></label
        >
        <form method="dialog" class="keys-foot">
          <button class="button primary">Close</button>
        </form>`
    }
  </dialog>`;
}
