import { h } from "preact";
import { useState } from "preact/hooks";
import { ask, type Finding } from "../api/client.ts";
import { useAnswer } from "../api/use-answer.ts";
import { announce } from "../parts/announce.ts";
import { Card, Nothing, Waiting } from "../parts/card.ts";
import { ConfirmByName, Dialog, useAct } from "../parts/dialog.ts";
import { Instant } from "../parts/exactness.ts";
import { html, type VNode } from "../parts/html.ts";
import { ProblemText } from "../parts/problem.ts";
import { Table, type Column } from "../parts/table.ts";
import { counted, number } from "../pure/format.ts";
import { parsed } from "../pure/json.ts";

interface Held {
  readonly id: string;
  readonly type: string;
  readonly receivedAt: string;
  readonly state: "held" | "replaying";
  readonly findings: readonly Finding[];
}

const base = "/api/v1/quarantine";
const pathOf = (id: string) => `${base}/${encodeURIComponent(id)}`;

type Doing = { readonly what: "mend" | "drop"; readonly to: Held } | undefined;

/** Events that break the schema of their type: kept apart until somebody mends, replays or drops them. */
export function Quarantine(): VNode {
  const request = useAnswer<{
    readonly data: readonly Held[];
    readonly page: { readonly nextCursor: string | null };
  }>({ path: base }, 10_000);
  const [doing, setDoing] = useState<Doing>();
  const { isBusy, problem, run } = useAct();
  const held = request.answer?.data ?? [];
  const more = request.answer?.page.nextCursor != null ? ", the latest of more" : "";
  const replay = (path: string) =>
    void run(async () => {
      try {
        const { broken = 0 } = await ask<{ broken?: number }>({ method: "POST", path });
        announce(broken === 0 ? "Replayed" : `${counted(broken, "event")} still break the schema`);
      } finally {
        request.again();
      }
    });
  const done = () => {
    setDoing(undefined);
    request.again();
  };
  return html`${h(
    Card,
    {
      title: "Quarantine",
      note: held.length === 0 ? "" : `${counted(held.length, "event")}${more}`,
      requests: [request],
      waiting: h(Waiting, { rows: 4, height: 32 }),
      className: "admin-card",
    },
    problem !== undefined && h(ProblemText, { problem }),
    held.length === 0
      ? h(
          Nothing,
          { title: "Nothing is in quarantine." },
          html`<p class="muted">
            Events that break a schema that is enforced are kept here, neither stored nor counted.
          </p>`,
        )
      : html`<div class="admin-bar">
            <p class="muted">Mend an event or its schema, then replay: each is counted once.</p>
            <button
              type="button"
              class="button primary"
              disabled=${isBusy}
              onClick=${() => replay(`${base}/replay`)}
            >
              Replay those that keep it now
            </button>
          </div>
          ${h(Table<Held>, {
            label: "Quarantine",
            columns: columnsOf(isBusy, setDoing, ({ id }) => replay(`${pathOf(id)}/replay`)),
            rows: held,
            keyOf: ({ id }) => id,
          })}`,
  )}
  ${doing?.what === "mend" && h(Mend, { of: doing.to, mended: done, closed: () => setDoing(undefined) })}
  ${
    doing?.what === "drop" &&
    h(ConfirmByName, {
      title: "Drop this event?",
      warning: "It is neither stored nor counted, for good. It cannot be undone.",
      name: doing.to.id,
      verb: "Drop",
      closed: () => setDoing(undefined),
      act: async () => {
        await ask({ method: "DELETE", path: pathOf(doing.to.id) });
        announce("The event was dropped");
        request.again();
      },
    })
  }`;
}

function columnsOf(
  isBusy: boolean,
  act: (doing: Doing) => void,
  replay: (one: Held) => void,
): readonly Column<Held>[] {
  const button = (text: string, one: Held, does: () => void) =>
    html`<button
      type="button"
      class="button small"
      aria-label=${`${text} ${one.id}`}
      disabled=${isBusy || one.state === "replaying"}
      onClick=${does}
    >
      ${text}
    </button>`;
  return [
    {
      id: "event",
      name: "Event",
      cell: ({ id, type }) =>
        html`<span class="admin-name" dir="auto">${type}</span
          ><span class="admin-hint"><code>${id}</code></span>`,
    },
    {
      id: "received",
      name: "Received",
      cell: ({ receivedAt }) => h(Instant, { at: receivedAt }),
    },
    {
      id: "breaks",
      name: "What it breaks",
      className: "admin-text",
      cell: ({ findings, state }) => {
        if (state === "replaying") return "on its way out";
        const [first] = findings;
        if (first === undefined) return "nothing any more: replay it";
        const rest = findings.length - 1;
        return html`<code>${first.pointer}</code
          >${" "}${first.message}${rest > 0 && `, and ${number(rest)} more`}`;
      },
    },
    {
      id: "acts",
      name: html`<span class="visually-hidden">What can be done</span>`,
      isNumber: true,
      cell: (one) =>
        html`<span class="admin-acts">
          ${button("Mend", one, () => act({ what: "mend", to: one }))}
          ${button("Replay", one, () => replay(one))}
          ${button("Drop", one, () => act({ what: "drop", to: one }))}
        </span>`,
    },
  ];
}

/** The event as it was sent; what is put in its place is checked anew. */
function Mend({
  of,
  mended,
  closed,
}: {
  readonly of: Held;
  readonly mended: () => void;
  readonly closed: () => void;
}): VNode {
  const path = pathOf(of.id);
  const { answer, problem: unread } = useAnswer<{ readonly event: object }>({ path });
  const [wrong, setWrong] = useState(false);
  const { isBusy, problem, run } = useAct();
  const shown = problem ?? unread;
  return h(Dialog, {
    title: `Mend ${of.type}`,
    closed,
    content: (close) =>
      html`<form
        class="stack"
        onSubmit=${(event: SubmitEvent) => {
          event.preventDefault();
          const fields = (event.currentTarget as HTMLFormElement).elements;
          const body = parsed((fields.namedItem("event") as HTMLTextAreaElement).value);
          setWrong(body === undefined);
          if (body === undefined) return;
          void run(async () => {
            await ask({ method: "PATCH", path, body });
            close();
            mended();
          });
        }}
      >
        ${of.findings.map(
          ({ pointer, message }) =>
            html`<p key=${pointer} class="muted"><code>${pointer}</code> ${message}</p>`,
        )}
        ${
          answer === undefined
            ? h(Waiting, { rows: 6 })
            : html`<label class="field"
                ><span>The event</span
                ><textarea
                  name="event"
                  rows="14"
                  spellcheck="false"
                  defaultValue=${JSON.stringify(answer.event, null, 2)}
                ></textarea>
              </label>`
        }
        ${wrong && html`<p class="problem-line" role="alert">This is no JSON.</p>`}
        ${shown !== undefined && h(ProblemText, { problem: shown })}
        <div class="row">
          <button type="submit" class="button primary" disabled=${isBusy || answer === undefined}>
            Save
          </button>
          <button type="button" class="button" onClick=${close}>Cancel</button>
        </div>
      </form>`,
  });
}
