import { h } from "preact";
import type { EventTrace } from "../api/answers.ts";
import { useAnswer } from "../api/use-answer.ts";
import { may } from "../api/key.ts";
import { addressOf, follow, hrefOf } from "../frame/router.ts";
import { Waiting } from "../parts/card.ts";
import { Instant } from "../parts/exactness.ts";
import { html, type Children, type VNode } from "../parts/html.ts";
import { ProblemText } from "../parts/problem.ts";
import { counted, duration } from "../pure/format.ts";

/**
 * An event's way from the sender to the counts, as far as it has come.
 * @param path the event's path in the API
 */
export function Trace({ path }: { readonly path: string }): VNode {
  const { answer, problem, again } = useAnswer<EventTrace>({ path: `${path}/trace` });
  if (answer === undefined) {
    return problem === undefined ? h(Waiting, { rows: 4 }) : h(ProblemText, { problem, again });
  }
  const { acceptedAt, queuedAt, batch, erasedAt } = answer;
  const betweenMs =
    acceptedAt === null || queuedAt === null ? null : Date.parse(queuedAt) - Date.parse(acceptedAt);
  return html`<dl class="event-facts">
    <dt>State</dt>
    <dd>${stateOf(answer)}</dd>
    ${acceptedAt !== null && fact("Accepted", h(Instant, { at: acceptedAt, day: true }))}
    ${queuedAt !== null && fact("Queued", betweenMs === null ? h(Instant, { at: queuedAt }) : laterBy(betweenMs))}
    ${batch !== null && fact("Batch", html`<code>${batch}</code>`)}
    ${erasedAt !== null && fact("Erased", h(Instant, { at: erasedAt, day: true }))}
  </dl>`;
}

function laterBy(ms: number): string {
  return ms < 50 ? "at once" : `${duration(ms)} later`;
}

function fact(name: string, value: Children): VNode {
  return html`<dt>${name}</dt>
    <dd>${value}</dd>`;
}

function stateOf(trace: EventTrace): Children {
  switch (trace.state) {
    case "counted":
      return `Counted${sumsOf(trace)}`;
    case "quarantined":
      return kept("In quarantine: it breaks the schema of its type", "quarantine");
    case "replaying":
      return "On its way out of quarantine";
    case "dead":
      return kept("In a dead letter: its batch failed for good", "dead");
    case "erased":
      return "Erased";
    case "unknown":
      return waitsOf(trace);
  }
}

/** Answers count an event from its batch until it is in the sums of its minute, hour and day. */
function sumsOf({ rolledUp }: EventTrace): string {
  if (rolledUp === null) return "";
  const grains = (["minute", "hour", "day"] as const).filter((grain) => rolledUp[grain]);
  return grains.length === 0
    ? ", from its batch"
    : `, in the sums of its ${grains.join(", ").replace(/, (\w+)$/, " and $1")}`;
}

function waitsOf({ queue }: EventTrace): Children {
  if (queue === null || queue.waiting === 0) return "Not known: it was never accepted here";
  const since = queue.oldestReceivedAt;
  return html`Not stored. It may wait on the queue, which has
  ${counted(queue.waiting, "batch", "batches")}${since !== null && html`, the oldest since ${h(Instant, { at: since })}`}`;
}

/** A link for admins, for things that only they can see. */
function kept(words: string, show: string): Children {
  if (!may("admin")) return words;
  const to = addressOf("admin", { show });
  return html`<a href=${hrefOf(to)} onClick=${follow(to)}>${words}</a>`;
}
