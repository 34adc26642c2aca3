import { Component } from "preact";
import { html, type Children } from "../parts/html.ts";
import type { Address } from "../pure/address.ts";
import { address } from "./router.ts";

interface Props {
  readonly children?: Children;
}

interface State {
  /** The address at which something could not be drawn. */
  readonly failedAt?: Address;
}

/**
 * Shows a message in place of content that cannot be drawn, until the address is another one. What
 * went wrong is told to the browser's console.
 */
export class Guard extends Component<Props, State> {
  override state: State = {};

  static override getDerivedStateFromError(): State {
    return { failedAt: address.peek() };
  }

  override componentDidCatch(error: unknown): void {
    reportError(error);
  }

  override render({ children }: Props, { failedAt }: State): Children {
    if (failedAt !== address.value) return children;
    return html`<div class="card" role="alert">
      <div class="nothing">
        <p class="nothing-title">This could not be drawn.</p>
        <p class="muted">What is stored is as it was. Other views and ranges may work.</p>
        <div class="row">
          <button type="button" class="button" onClick=${() => location.reload()}>
            Load the page again
          </button>
          <a class="button" href="/">Open Now</a>
        </div>
      </div>
    </div>`;
  }
}
