import { h } from "preact";
import { address, addressOf, follow, hrefOf } from "../frame/router.ts";
import { usePageTitle } from "../frame/title.ts";
import { html, type VNode } from "../parts/html.ts";
import { readParameter } from "../pure/parameters.ts";
import { DeadLetters } from "./admin-dead.ts";
import { Keys } from "./admin-keys.ts";
import { Quarantine } from "./admin-quarantine.ts";
import { AuditLog } from "./admin-log.ts";
import { Schemas } from "./admin-schemas.ts";

const parts = [
  { id: undefined, title: "Keys", of: Keys },
  { id: "dead", title: "Dead letters", of: DeadLetters },
  { id: "schemas", title: "Schemas", of: Schemas },
  { id: "quarantine", title: "Quarantine", of: Quarantine },
  { id: "log", title: "Audit log", of: AuditLog },
] as const;

/**
 * The things of a whole project, for its admins: keys, dead letters, schemas and quarantine, the
 * audit log.
 */
export default function Admin(): VNode {
  const show = readParameter(address.value, "show");
  const shown = parts.find(({ id }) => id === show) ?? parts[0];
  usePageTitle(`Admin: ${shown.title}`);
  return html`<nav class="segments admin-parts" aria-label="Parts of Admin">
      ${parts.map(({ id, title }) => {
        const to = addressOf("admin", { show: id });
        return html`<a
          key=${title}
          class="segment"
          href=${hrefOf(to)}
          aria-current=${id === shown.id ? "page" : undefined}
          ref=${id === shown.id ? showWhole : undefined}
          onClick=${follow(to)}
          >${title}</a
        >`;
      })}
    </nav>
    ${h(shown.of, { key: shown.title })}`;
}

/** On a phone the parts are wider than the screen. */
function showWhole(element: HTMLElement | null): void {
  element?.scrollIntoView({ block: "nearest", inline: "nearest" });
}
