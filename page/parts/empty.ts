import { h } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import type { Catalog, CatalogType } from "../api/answers.ts";
import { curlOf } from "../api/client.ts";
import { useAnswer } from "../api/use-answer.ts";
import { change, filters, range, setFilters } from "../frame/router.ts";
import { filterInWords } from "../pure/filter.ts";
import { lengthOf, rangeName } from "../pure/range.ts";
import { announce } from "./announce.ts";
import { Nothing } from "./card.ts";
import { html, type Children, type VNode } from "./html.ts";
import { CopyButton } from "./tools.ts";

/**
 * Shown in place of an answer without events: what to undo or, where the project never had an
 * event, how to send one.
 * @param what is counted: events may match of which none has a user
 * @param otherwise shown where the project had events at some time; absent: what to undo
 */
export function NoEvents({
  again,
  what = "events",
  otherwise,
}: {
  readonly again: () => void;
  readonly what?: string;
  readonly otherwise?: Children;
}): VNode {
  const { answer } = useAnswer<Catalog<CatalogType>>({ path: "/api/v1/catalog/types" });
  if (answer !== undefined && answer.data.length === 0) return h(FirstEvent, { again });
  if (otherwise !== undefined) return html`${otherwise}`;
  const wider = ["30d", "90d", "all"].find((word) => lengthOf(word) > lengthOf(range.value));
  return h(
    Nothing,
    { title: `No ${what} match.` },
    html`<div class="row">
      ${filters.value.map((filter) => {
        const words = filterInWords(filter);
        return html`<button
          key=${words}
          type="button"
          class="button"
          onClick=${() => setFilters(filters.value.filter((one) => one !== filter))}
        >
          Remove ${words}
        </button>`;
      })}
      ${
        wider !== undefined &&
        html`<button type="button" class="button" onClick=${() => change({ range: wider })}>
          Show ${rangeName(wider).toLowerCase()}
        </button>`
      }
    </div>`,
  );
}

const example = {
  path: "/api/v1/events",
  body: {
    type: "email.opened",
    source: "mailer",
    metadata: { userId: "u1", campaignId: "spring" },
  },
};

/** A line to paste; it listens, and gives way to the view when the first event has come. */
function FirstEvent({ again }: { readonly again: () => void }): VNode {
  const line = curlOf(example);
  const [arrived, setArrived] = useState(false);
  const { answer } = useAnswer<{ readonly data: readonly unknown[] }>(
    { path: "/api/v1/events?limit=1" },
    1_000,
  );
  const done = useRef(false);
  useEffect(() => {
    if (answer === undefined || answer.data.length === 0 || done.current) return;
    done.current = true;
    setArrived(true);
    announce("Your first event arrived.");
    again();
  }, [answer]);
  return h(
    Nothing,
    { title: arrived ? "Your first event arrived." : "No events yet." },
    html`<p class="muted">Send one from a shell; it appears here by itself.</p>
      <div class="code-block first-event">
        <pre tabindex="0" aria-label="Command"><code>${line}</code></pre>
        ${h(CopyButton, { text: () => line, name: "Copy", className: "button small" })}
      </div>`,
  );
}
