import { h } from "preact";
import { useState } from "preact/hooks";
import { ask } from "../api/client.ts";
import { useAnswer } from "../api/use-answer.ts";
import { announce } from "../parts/announce.ts";
import { Card, Nothing, Waiting } from "../parts/card.ts";
import { ConfirmByName, Dialog, useAct } from "../parts/dialog.ts";
import { Instant } from "../parts/exactness.ts";
import { html, type VNode } from "../parts/html.ts";
import { ProblemText } from "../parts/problem.ts";
import { Table, type Column } from "../parts/table.ts";
import { CopyButton } from "../parts/tools.ts";
import { bytes, counted, number } from "../pure/format.ts";

interface DeadBatch {
  readonly id: string;
  readonly reason: string;
  readonly attempts: number;
  readonly diedAt: string;
  readonly receivedAt: string;
  readonly sizeBytes: number;
}

const most = 100;
const pathOf = (id: string) => `/api/v1/dead-letters/${encodeURIComponent(id)}`;

type Doing = { readonly what: "show" | "remove"; readonly to: DeadBatch } | undefined;

/** Batches that failed for good: kept until somebody puts them back on the queue, or removes them. */
export function DeadLetters(): VNode {
  const request = useAnswer<{ readonly data: readonly DeadBatch[] }>(
    { path: `/api/v1/dead-letters?limit=${most}` },
    10_000,
  );
  const [doing, setDoing] = useState<Doing>();
  const { isBusy, problem, run } = useAct();
  const letters = request.answer?.data ?? [];
  const replay = (some: readonly DeadBatch[]) =>
    void run(async () => {
      try {
        for (const { id } of some) await ask({ method: "POST", path: `${pathOf(id)}/replay` });
        announce(`${counted(some.length, "batch", "batches")} put back on the queue`);
      } finally {
        request.again();
      }
    });
  return html`${h(
    Card,
    {
      title: "Dead letters",
      note: noteOf(letters.length, request.answer !== undefined),
      requests: [request],
      waiting: h(Waiting, { rows: 4, height: 32 }),
      className: "admin-card",
    },
    html`${problem !== undefined && h(ProblemText, { problem })}
    ${
      letters.length === 0
        ? h(
            Nothing,
            { title: "No dead letters." },
            html`<p class="muted">
              A batch that fails for good would be kept here, with the reason. None is.
            </p>`,
          )
        : html`<div class="admin-bar">
              <p class="muted">
                Mend what the reason names, then replay: what is stored already counts once.
              </p>
              <button
                type="button"
                class="button primary"
                disabled=${isBusy}
                onClick=${() => replay(letters)}
              >
                Replay ${letters.length === 1 ? "it" : `all ${number(letters.length)}`}
              </button>
            </div>
            ${h(Table<DeadBatch>, {
              label: "Dead letters",
              columns: columnsOf(isBusy, setDoing, (one) => replay([one])),
              rows: letters,
              keyOf: ({ id }) => id,
            })}`
    }`,
  )}
  ${doing?.what === "show" && h(Content, { of: doing.to, closed: () => setDoing(undefined) })}
  ${
    doing?.what === "remove" &&
    h(ConfirmByName, {
      title: `Remove dead letter ${doing.to.id}?`,
      warning: "Its events are neither stored nor counted, for good. It cannot be undone.",
      name: doing.to.id,
      verb: "Remove",
      closed: () => setDoing(undefined),
      act: async () => {
        await ask({ method: "DELETE", path: pathOf(doing.to.id) });
        announce("The dead letter was removed");
        request.again();
      },
    })
  }`;
}

function noteOf(count: number, isKnown: boolean): string {
  if (!isKnown) return "";
  if (count === most) return `The oldest ${number(most)}, there may be more`;
  return count === 0 ? "" : counted(count, "batch", "batches");
}

function columnsOf(
  isBusy: boolean,
  act: (doing: Doing) => void,
  replay: (one: DeadBatch) => void,
): readonly Column<DeadBatch>[] {
  const button = (text: string, one: DeadBatch, does: () => void) =>
    html`<button
      type="button"
      class="button small"
      aria-label=${`${text} dead letter ${one.id}`}
      disabled=${isBusy}
      onClick=${does}
    >
      ${text}
    </button>`;
  return [
    { id: "died", name: "Failed", cell: ({ diedAt }) => h(Instant, { at: diedAt }) },
    { id: "reason", name: "Reason", className: "admin-text", cell: ({ reason }) => reason },
    { id: "tries", name: "Tries", isNumber: true, cell: ({ attempts }) => number(attempts) },
    {
      id: "size",
      name: "Size",
      isNumber: true,
      className: "wide-only",
      cell: ({ sizeBytes }) => bytes(sizeBytes),
    },
    {
      id: "acts",
      name: html`<span class="visually-hidden">What can be done</span>`,
      isNumber: true,
      cell: (one) =>
        html`<span class="admin-acts">
          ${button("Show", one, () => act({ what: "show", to: one }))}
          ${button("Replay", one, () => replay(one))}
          ${button("Remove", one, () => act({ what: "remove", to: one }))}
        </span>`,
    },
  ];
}

/** The message as it stands on the queue. */
function Content({ of, closed }: { readonly of: DeadBatch; readonly closed: () => void }): VNode {
  const { answer, problem } = useAnswer<{ readonly body: string }>({ path: pathOf(of.id) });
  const text = answer === undefined ? "" : indented(answer.body);
  return h(Dialog, {
    title: `Dead letter ${of.id}`,
    closed,
    content: (close) =>
      html`<div class="stack">
        <p>${of.reason}</p>
        <p class="muted">
          Accepted ${h(Instant, { at: of.receivedAt })}, failed ${h(Instant, { at: of.diedAt })}
          after${" "} ${counted(of.attempts, "try", "tries")}
        </p>
        ${problem !== undefined && h(ProblemText, { problem })}
        ${answer === undefined && problem === undefined && h(Waiting, { rows: 6 })}
        ${
          answer !== undefined &&
          html`<div class="code-block">
            <pre tabindex="0" aria-label="The message"><code>${text}</code></pre>
            ${h(CopyButton, { text: () => text, name: "Copy", className: "button small" })}
          </div>`
        }
        <div class="row">
          <button type="button" class="button" data-first onClick=${close}>Close</button>
        </div>
      </div>`,
  });
}

function indented(body: string): string {
  try {
    return JSON.stringify(JSON.parse(body), null, 2);
  } catch {
    return body;
  }
}
