import { h } from "preact";
import { useState } from "preact/hooks";
import { ask, withParameters, type Finding } from "../api/client.ts";
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
import { isObject, mergePatch } from "../pure/merge-patch.ts";

interface Held {
  readonly id: string;
  readonly type: string;
  readonly receivedAt: string;
  readonly state: "held" | "replaying";
  readonly findings: readonly Finding[];
}

interface Replayed {
  readonly replayed: number;
  readonly broken: number;
  readonly nextCursor: string | null;
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
  const [told, setTold] = useState("");
  const tell = (text: string) => {
    setTold(text);
    announce(text);
  };
  const replay = (act: () => Promise<void>) => {
    setTold("");
    void run(() => act().finally(request.again));
  };
  const replayOne = ({ id, type }: Held) =>
    replay(async () => {
      await ask({ method: "POST", path: `${pathOf(id)}/replay` });
      tell(`${type} was replayed.`);
    });
  const mended = ({ type, findings: [first] }: Held) => {
    setDoing(undefined);
    tell(
      first === undefined
        ? `Saved: ${type} keeps its schema now, and can be replayed.`
        : `Saved, but ${type} still breaks its schema: ${first.pointer} ${first.message}.`,
    );
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
    told !== "" && html`<p class="muted">${told}</p>`,
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
              onClick=${() => replay(() => replayAll(tell))}
            >
              Replay those that keep it now
            </button>
          </div>
          ${h(Table<Held>, {
            label: "Quarantine",
            columns: columnsOf(isBusy, setDoing, replayOne),
            rows: held,
            keyOf: ({ id }) => id,
          })}`,
  )}
  ${doing?.what === "mend" && h(Mend, { of: doing.to, mended, closed: () => setDoing(undefined) })}
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

/**
 * Replays a page after the other until there are no more, and tells how many came out, also where a
 * later page fails.
 */
async function replayAll(tell: (text: string) => void): Promise<void> {
  let [replayed, broken] = [0, 0];
  let cursor: string | null = null;
  let isWhole = false;
  try {
    do {
      const path = withParameters(`${base}/replay`, cursor === null ? [] : [["cursor", cursor]]);
      const page: Replayed = await ask<Replayed>({ method: "POST", path });
      replayed += page.replayed;
      broken += page.broken;
      cursor = page.nextCursor;
    } while (cursor !== null);
    isWhole = true;
  } finally {
    const left =
      broken > 0 && `, ${counted(broken, "still breaks its schema", "still break their schema")}`;
    if (isWhole || replayed > 0) tell(`${counted(replayed, "event")} replayed${left || ""}.`);
  }
}

/** The event as it was sent; what is put in its place is checked anew. */
function Mend({
  of,
  mended,
  closed,
}: {
  readonly of: Held;
  readonly mended: (held: Held) => void;
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
          setWrong(!isObject(body));
          if (!isObject(body) || answer === undefined) return;
          void run(async () => {
            const patch = mergePatch(answer.event, body);
            const held = await ask<Held>({ method: "PATCH", path, body: patch });
            close();
            mended(held);
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
        ${wrong && html`<p class="problem-line" role="alert">This is no JSON object.</p>`}
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
