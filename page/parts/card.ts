import { h } from "preact";
import { useEffect, useId, useState } from "preact/hooks";
import type { AnswerState } from "../api/use-answer.ts";
import { html, type Children, type VNode } from "./html.ts";
import { Instant } from "./exactness.ts";
import { ProblemText } from "./problem.ts";
import { Tools, type ToolsProps } from "./tools.ts";

interface Props {
  readonly title: string;
  /** Beside the title, in muted text. */
  readonly note?: Children;
  readonly tools?: ToolsProps;
  /** The calls of the card: its lines of waiting, stopping and failing follow from them. */
  readonly requests?: readonly AnswerState<object>[];
  /** Shown in place of the body before the first answer. */
  readonly waiting?: Children;
  readonly exactness?: Children;
  readonly className?: string;
  readonly children?: Children;
}

/**
 * A surface with a header (title left, tools right), a body and the line that says how exact it is. While its question is
 * asked again the old answer stays, with a line at the top; an error takes the body's place only where there is no answer.
 */
export function Card({
  title,
  note,
  tools,
  requests = [],
  waiting,
  exactness,
  className = "",
  children,
}: Props): VNode {
  const id = useId();
  const isFirst = requests.some(({ answer }) => answer === undefined);
  // A lost connection is told once, below the view's title, as long as there are answers to show.
  const failed = requests.find(
    ({ problem }) => problem !== undefined && (isFirst || problem.status !== 0),
  );
  const since = requests.find(({ pendingSince }) => pendingSince !== undefined)?.pendingSince;
  const stopped = requests.find((one) => one.stopped);
  return html`<section
    class=${`card ${className}`}
    aria-labelledby=${id}
    aria-busy=${since === undefined ? "false" : "true"}
  >
    ${since !== undefined && !isFirst && html`<div class="asking-line"></div>`}
    <header class="card-head">
      <h2 id=${id}>${title}</h2>
      ${note !== undefined && html`<span class="card-note">${note}</span>`}
      ${since !== undefined && h(Pending, { since, requests })}
      ${stopped !== undefined && h(Stopped, { request: stopped })}
      ${tools !== undefined && h(Tools, tools)}
    </header>
    <div class="card-body">
      ${
        failed?.problem !== undefined &&
        h(ProblemText, { problem: failed.problem, retryAt: failed.retryAt, again: failed.again })
      }
      ${
        isFirst && requests.length > 0
          ? failed === undefined &&
            html`<div class="waiting">${waiting ?? h(Waiting, { rows: 6 })}</div>`
          : children
      }
    </div>
    ${!isFirst && exactness}
  </section>`;
}

/** Shown after a second: for how long the call has run, and a way to stop it. */
function Pending({
  since,
  requests,
}: {
  readonly since: number;
  readonly requests: NonNullable<Props["requests"]>;
}): VNode {
  const [now, setNow] = useState(Date.now());
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), 250);
    return () => clearInterval(timer);
  }, [since]);
  const seconds = Math.floor((now - since) / 1_000);
  if (seconds < 1) return html``;
  return html`<span class="asking">
    Asking, ${seconds} s
    <button
      type="button"
      class="button small"
      data-key="Escape"
      onClick=${() => requests.forEach((one) => one.pendingSince !== undefined && one.stop())}
    >
      Stop
    </button>
  </span>`;
}

function Stopped({ request }: { readonly request: NonNullable<Props["requests"]>[number] }): VNode {
  const { meta } = (request.answer ?? {}) as { readonly meta?: { readonly asOf: string } };
  const asOf = meta?.asOf;
  return html`<span class="asking">
    Stopped.${asOf !== undefined && html` This is the answer of ${h(Instant, { at: asOf })}.`}
    <button type="button" class="button small" onClick=${request.again}>Ask again</button>
  </span>`;
}

/** Grey bars in the size of the coming content; the style sheet shows them only after 150 ms. */
export function Waiting({
  rows,
  height = 20,
}: {
  readonly rows: number;
  readonly height?: number;
}): VNode {
  return html`<div class="bones" aria-hidden="true">
    ${Array.from({ length: rows }, (_, index) => html`<div key=${index} style=${{ height: `${height}px` }}></div>`)}
  </div>`;
}

/** Shown where nothing matches, with ways out. */
export function Nothing({
  title,
  children,
}: {
  readonly title: string;
  readonly children?: Children;
}): VNode {
  return html`<div class="nothing">
    <p class="nothing-title">${title}</p>
    ${children}
  </div>`;
}
