import { h } from "preact";
import type { StoredEvent } from "../api/answers.ts";
import { useAnswer } from "../api/use-answer.ts";
import { addFilter, follow, go, hrefOf, openedAddress, zone } from "../frame/router.ts";
import { ofMails } from "../parts/actors.ts";
import { Card, Waiting } from "../parts/card.ts";
import { html, type VNode } from "../parts/html.ts";
import { CopyButton } from "../parts/tools.ts";
import { eventPath } from "../pure/event-path.ts";
import { exactValue } from "../pure/exact-value.ts";
import * as format from "../pure/format.ts";
import { offsetName, wallClock } from "../pure/zone.ts";
import { closed, CloseButton } from "./event-close.ts";
import { StoryLine } from "./story.ts";
import { Trace } from "./trace.ts";

/**
 * One event, whole: the sender's content, the findings of enrichment, and the story of its mail.
 */
export function OpenedEvent({ id }: { readonly id: string }): VNode {
  const path = eventPath(id);
  const request = useAnswer<StoredEvent>(path === undefined ? undefined : { path });
  const event = request.answer;
  // The event is not stored, or not any more: its trace says where it is.
  if (path === undefined || (request.problem?.status === 404 && event === undefined)) {
    return h(
      Card,
      { title: "Event", className: "event-card", note: h(CloseButton, {}) },
      html`<div class="event-parts">
        <p class="select-all"><code>${id}</code></p>
        <p>There is no event with this id in this project.</p>
        ${path !== undefined && h(Trace, { path })}
      </div>`,
    );
  }
  return h(
    Card,
    {
      title: event?.type ?? "Event",
      className: "event-card",
      note: h(CloseButton, {}),
      requests: [request as never],
      waiting: h(Waiting, { rows: 10 }),
    },
    event !== undefined && h(Parts, { event, path }),
  );
}

function Parts({ event, path }: { readonly event: StoredEvent; readonly path: string }): VNode {
  const instant = Date.parse(event.timestamp);
  const wall = wallClock(instant, zone.value);
  const user = event.metadata?.["userId"];
  return html`<div class="event-parts">
    <dl class="event-facts">
      <dt>Time</dt>
      <dd>
        <time datetime=${event.timestamp}
          >${format.dayInFull(wall)}, ${format.clockParts(wall).seconds}${" "}
          ${offsetName(instant, zone.value)}</time
        >
      </dd>
      <dt>Id</dt>
      <dd><code>${event.id}</code></dd>
      <dt>Source</dt>
      <dd>${event.source}</dd>
      ${
        typeof user === "string" &&
        html`<dt>User</dt>
          <dd>${h(Value, { path: "metadata.userId", value: user })}</dd>`
      }
      ${
        event.correlationId !== undefined &&
        html`<dt>${ofMails([event.type]) ? "Mail" : "Correlation"}</dt>
          <dd>
            <a
              href=${hrefOf(openedAddress("story", event.correlationId))}
              onClick=${follow(openedAddress("story", event.correlationId))}
              ><code>${event.correlationId}</code></a
            >
          </dd>`
      }
    </dl>
    <div class="row">
      ${h(CopyButton, { text: () => event.id, name: "Copy id", className: "button small" })}
      ${h(CopyButton, { text: () => JSON.stringify(event, null, 2), name: "Copy JSON", className: "button small" })}
    </div>
    ${
      event.correlationId !== undefined &&
      html`<section>
        <h3>Story</h3>
        ${h(StoryLine, { id: event.correlationId, openId: event.id })}
      </section>`
    }
    <section>
      <h3>Trace</h3>
      ${h(Trace, { path })}
    </section>
    ${h(Content, { title: "Content", path: "data", value: event.data })}
    ${h(Content, { title: "Metadata", path: "metadata", value: event.metadata })}
    ${h(Content, { title: "Context", path: "context", value: event.context })}
  </div>`;
}

function Content({
  title,
  path,
  value,
}: {
  readonly title: string;
  readonly path: string;
  readonly value: unknown;
}): VNode | null {
  if (value === undefined || value === null) return null;
  return html`<section>
    <h3>${title}</h3>
    <div class="tree">${h(Tree, { path, value })}</div>
  </section>`;
}

/**
 * JSON as a tree; pressing a scalar filters the list by it. Texts stay texts, even where they look
 * like links.
 */
function Tree({ path, value }: { readonly path: string; readonly value: unknown }): VNode {
  if (Array.isArray(value)) {
    if (value.length === 0) return html`<span class="muted">empty list</span>`;
    return html`<ul>
      ${value.map((one, index) => html`<li key=${index}>${h(Tree, { path: `${path}[]`, value: one })}</li>`)}
    </ul>`;
  }
  if (typeof value === "object" && value !== null) {
    const entries = Object.entries(value);
    if (entries.length === 0) return html`<span class="muted">empty</span>`;
    return html`<ul>
      ${entries.map(
        ([key, one]) =>
          html`<li key=${key}>
            <span class="tree-key">${key}:${" "}</span>
            ${h(Tree, { path: joined(path, key), value: one })}
          </li>`,
      )}
    </ul>`;
  }
  if (value === null) return html`<span class="muted">null</span>`;
  return h(Value, { path, value: value as string | number | boolean });
}

/** Joins a key to a path; a key with a dot or a bracket is quoted, as the API names properties. */
function joined(path: string, key: string): string {
  return /^[^.[\]"]+$/.test(key) ? `${path}.${key}` : `${path}[${JSON.stringify(key)}]`;
}

function Value({
  path,
  value,
}: {
  readonly path: string;
  readonly value: string | number | boolean;
}): VNode {
  return html`<button
    type="button"
    class="tree-value"
    title="Show only events with this value"
    onClick=${() => {
      go(closed());
      addFilter({ op: "is", property: path, values: [exactValue(value)] });
    }}
  >
    ${String(value)}
  </button>`;
}
