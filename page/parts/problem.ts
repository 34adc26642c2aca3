import { h } from "preact";
import { useEffect, useState } from "preact/hooks";
import type { Problem } from "../api/client.ts";
import { keyNeeded } from "../api/key.ts";
import { change, range } from "../frame/router.ts";
import { expensiveInWords, isSaidWhole } from "../pure/expensive.ts";
import { lengthOf, rangeName } from "../pure/range.ts";
import { html, type VNode } from "./html.ts";

/** Why an answer is delayed, by the kind of a 503. */
const away: Readonly<Record<string, string>> = {
  "store-unavailable": "The store is away. Collecting goes on; answers wait.",
  overloaded: "Too much is under way at once.",
  draining: "The service is being restarted.",
};

function kindOf(type: string): string {
  return type.slice(type.lastIndexOf("/") + 1);
}

function isTooExpensive({ type }: Problem): boolean {
  return kindOf(type) === "query-too-expensive";
}

/** The reason in words, by the status; the API's own words follow in small. */
export function problemInWords(problem: Problem): string {
  const { status, scope, type } = problem;
  if (status === 0) return "Connection lost.";
  if (status === 401) return "Enter a key to go on.";
  if (status === 403) {
    const what = { "live:read": "watch events live", admin: "administer the project" }[scope ?? ""];
    return `This key may not ${what ?? "read events"}. It needs the scope ${scope ?? "events:read"}.`;
  }
  if (status === 404) return "There is nothing of this name in this project.";
  if (status === 409 || status === 412) return "Somebody changed it meanwhile.";
  if (isTooExpensive(problem)) return expensiveInWords(problem.detail) ?? problem.message;
  if (status === 429) return "Too many questions at once.";
  if (status === 503) return away[kindOf(type)] ?? "The service cannot answer right now.";
  if (status >= 500) return "Something went wrong here.";
  return problem.message;
}

/** Shows a problem in place of an answer: what happened, and what can be done. */
export function ProblemText({
  problem,
  retryAt,
  again,
}: {
  readonly problem: Problem;
  readonly retryAt?: number | undefined;
  readonly again?: () => void;
}): VNode {
  // The detail of a single finding repeats it, without its place.
  const findings = problem.findings.filter(
    ({ pointer, message }) => pointer !== "" || message !== problem.detail,
  );
  const isSaid = findings.some(({ message }) => message === problem.detail);
  const isTold = problem.status === 403 || isSaidWhole(problem.detail) || isSaid;
  const detail = isTold ? "" : problem.detail;
  return html`<div class="problem" role="alert">
    <p class="problem-title">
      ${problemInWords(problem)}${retryAt !== undefined && h(Countdown, { at: retryAt })}
    </p>
    ${detail !== "" && html`<p class="muted">${detail}</p>`}
    ${findings.map(
      ({ pointer, message }) =>
        html`<p key=${pointer} class="muted"><code>${pointer}</code> ${message}</p>`,
    )}
    <div class="row">
      ${
        isTooExpensive(problem) &&
        shorterRanges().map(
          (word) =>
            html`<button
              key=${word}
              type="button"
              class="button"
              onClick=${() => change({ range: word })}
            >
              Show ${rangeName(word).toLowerCase()}
            </button>`,
        )
      }
      ${
        problem.status === 403 &&
        html`<button
          type="button"
          class="button"
          onClick=${() => (keyNeeded.value = "Enter another key.")}
        >
          Use another key
        </button>`
      }
      ${
        again !== undefined &&
        ![401, 403].includes(problem.status) &&
        html`<button type="button" class="button" onClick=${again}>Try again</button>`
      }
    </div>
    ${
      problem.requestId !== "" &&
      problem.status >= 500 &&
      html`<p class="small muted">Request <code class="select-all">${problem.requestId}</code></p>`
    }
  </div>`;
}

function shorterRanges(): readonly string[] {
  const days = lengthOf(range.value);
  return ["90d", "30d", "7d", "today"].filter((word) => lengthOf(word) < days).slice(0, 2);
}

function Countdown({ at }: { readonly at: number }): VNode {
  const [, tick] = useState(0);
  useEffect(() => {
    const timer = setInterval(() => tick((value) => value + 1), 500);
    return () => clearInterval(timer);
  }, [at]);
  const seconds = Math.max(0, Math.ceil((at - Date.now()) / 1_000));
  return html` Trying again ${seconds > 0 ? `in ${seconds} s` : "now"}.`;
}
