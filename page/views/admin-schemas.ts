import { h } from "preact";
import { useRef, useState } from "preact/hooks";
import { ask } from "../api/client.ts";
import { useTypes } from "../api/catalog.ts";
import { useAnswer } from "../api/use-answer.ts";
import { addressOf, follow, hrefOf } from "../frame/router.ts";
import { announce } from "../parts/announce.ts";
import { Card, Nothing, Waiting } from "../parts/card.ts";
import { ConfirmByName, Dialog, useAct } from "../parts/dialog.ts";
import { Instant } from "../parts/exactness.ts";
import { html, type VNode } from "../parts/html.ts";
import { ProblemText } from "../parts/problem.ts";
import { Table, type Column } from "../parts/table.ts";
import { counted, number } from "../pure/format.ts";
import { parsed } from "../pure/json.ts";

interface Schema {
  readonly type: string;
  readonly version: number;
  readonly mode: "observe" | "warn" | "enforce";
  readonly schema: object;
  readonly createdAt: string;
}

interface Held {
  readonly data: readonly { readonly type: string; readonly receivedAt: string }[];
  readonly page: { readonly nextCursor: string | null };
}

const base = "/api/v1/schemas";
const pathOf = (type: string) => `${base}/${encodeURIComponent(type)}`;

/** What happens to an event that breaks its schema. */
const modes = [
  ["observe", "Observe: it is counted, and told in the metrics"],
  ["warn", "Warn: the same, and a line in the log"],
  ["enforce", "Enforce: it is kept apart, in quarantine"],
] as const;

type Doing = { readonly what: "edit" | "remove"; readonly to: Schema | undefined } | undefined;

/** The schemas of event types. */
export function Schemas(): VNode {
  const request = useAnswer<{ readonly data: readonly Schema[] }>({ path: base });
  const held = useAnswer<Held>({ path: "/api/v1/quarantine?limit=1000" });
  const [doing, setDoing] = useState<Doing>();
  const schemas = request.answer?.data ?? [];
  const done = () => {
    setDoing(undefined);
    request.again();
  };
  return html`${h(
    Card,
    {
      title: "Schemas",
      note: schemas.length === 0 ? "" : counted(schemas.length, "type"),
      requests: [request],
      waiting: h(Waiting, { rows: 4, height: 32 }),
      className: "admin-card",
    },
    html`<div class="admin-bar">
      <p class="muted">
        A schema says what events of a type look like, and what becomes of others.
      </p>
      <button
        type="button"
        class="button primary"
        onClick=${() => setDoing({ what: "edit", to: undefined })}
      >
        Add a schema
      </button>
    </div>`,
    schemas.length === 0
      ? h(
          Nothing,
          { title: "No type has a schema." },
          html`<p class="muted">Every event is stored and counted as it comes.</p>`,
        )
      : h(Table<Schema>, {
          label: "Schemas",
          columns: columnsOf(setDoing, held.answer),
          rows: schemas,
          keyOf: ({ type }) => type,
        }),
  )}
  ${doing?.what === "edit" && h(Edit, { of: doing.to, saved: done, closed: () => setDoing(undefined) })}
  ${
    doing?.what === "remove" &&
    doing.to !== undefined &&
    h(ConfirmByName, {
      title: "Remove this schema?",
      warning: "Events of the type are stored and counted as they come. Its versions are kept.",
      name: doing.to.type,
      verb: "Remove",
      closed: () => setDoing(undefined),
      act: async () => {
        await ask({ method: "DELETE", path: pathOf(doing.to!.type) });
        announce("The schema was removed");
        request.again();
      },
    })
  }`;
}

function columnsOf(act: (doing: Doing) => void, held: Held | undefined): readonly Column<Schema>[] {
  const button = (text: string, to: Schema, what: "edit" | "remove") =>
    html`<button
      type="button"
      class="button small"
      aria-label=${`${text} the schema of ${to.type}`}
      onClick=${() => act({ what, to })}
    >
      ${text}
    </button>`;
  return [
    {
      id: "type",
      name: "Type",
      cell: ({ type }) => html`<span class="admin-name" dir="auto">${type}</span>`,
    },
    { id: "mode", name: "Mode", cell: ({ mode }) => mode[0]!.toUpperCase() + mode.slice(1) },
    { id: "version", name: "Version", isNumber: true, cell: ({ version }) => number(version) },
    {
      id: "since",
      name: "Since",
      className: "wide-only",
      cell: ({ createdAt }) => h(Instant, { at: createdAt }),
    },
    { id: "held", name: "In quarantine", cell: ({ type }) => heldOf(type, held) },
    {
      id: "acts",
      name: html`<span class="visually-hidden">What can be done</span>`,
      isNumber: true,
      cell: (one) =>
        html`<span class="admin-acts">
          ${button("Edit", one, "edit")} ${button("Remove", one, "remove")}
        </span>`,
    },
  ];
}

/** How many events of a type are in quarantine, and the age of the latest. */
function heldOf(type: string, held: Held | undefined): VNode | string {
  const [latest, ...rest] = held?.data.filter((one) => one.type === type) ?? [];
  if (latest === undefined) return held === undefined ? "" : "none";
  const to = addressOf("admin", { show: "quarantine" });
  const least = held?.page.nextCursor == null ? "" : "at least ";
  return html`<a href=${hrefOf(to)} onClick=${follow(to)}
      >${least}${counted(rest.length + 1, "event")}</a
    >, the latest ${h(Instant, { at: latest.receivedAt })}`;
}

/**
 * Edits a new version of a type's schema; the service can propose one that the newest events keep.
 */
function Edit({
  of,
  saved,
  closed,
}: {
  readonly of: Schema | undefined;
  readonly saved: () => void;
  readonly closed: () => void;
}): VNode {
  const { entries } = useTypes();
  const [note, setNote] = useState("");
  const form = useRef<HTMLFormElement>(null);
  const { isBusy, problem, run } = useAct();
  const field = (name: string) => form.current!.elements.namedItem(name) as HTMLTextAreaElement;
  const propose = () =>
    void run(async () => {
      const path = `${pathOf(field("type").value)}/infer`;
      const { schema, basedOn } = await ask<{
        readonly schema: object;
        readonly basedOn: { readonly events: number };
      }>({ method: "POST", path, body: {} });
      field("schema").value = JSON.stringify(schema, null, 2);
      setNote(
        basedOn.events === 0
          ? "There are no events of this type."
          : `The newest ${counted(basedOn.events, "event")} of this type keep it.`,
      );
    });
  return h(Dialog, {
    title: of === undefined ? "Add a schema" : `Schema of ${of.type}`,
    closed,
    content: (close) =>
      html`<form
        ref=${form}
        class="stack"
        onSubmit=${(event: SubmitEvent) => {
          event.preventDefault();
          const schema = parsed(field("schema").value);
          setNote(schema === undefined ? "This is no JSON." : "");
          if (schema === undefined) return;
          void run(async () => {
            const body = { mode: field("mode").value, schema };
            await ask({ method: "PUT", path: pathOf(field("type").value), body });
            announce("The schema holds");
            close();
            saved();
          });
        }}
      >
        <label class="field"
          ><span>Type</span
          ><input
            name="type"
            required
            data-first=${of === undefined}
            list="schema-types"
            autocomplete="off"
            spellcheck="false"
            readonly=${of !== undefined}
            defaultValue=${of?.type ?? ""}
        /></label>
        <datalist id="schema-types">
          ${entries.map(({ type }) => html`<option key=${type} value=${type}></option>`)}
        </datalist>
        <label class="field"
          ><span>An event that breaks it</span
          ><select name="mode">
            ${modes.map(
              ([mode, words]) =>
                html`<option key=${mode} value=${mode} selected=${mode === (of?.mode ?? "observe")}>
                  ${words}
                </option>`,
            )}
          </select>
        </label>
        <label class="field"
          ><span>JSON Schema of the event</span
          ><textarea
            name="schema"
            rows="12"
            spellcheck="false"
            defaultValue=${JSON.stringify(of?.schema ?? {}, null, 2)}
          ></textarea>
        </label>
        <div class="row">
          <button type="button" class="button small" disabled=${isBusy} onClick=${propose}>
            Propose from the newest events
          </button>
          <span class="muted" role="status">${note}</span>
        </div>
        ${problem !== undefined && h(ProblemText, { problem })}
        <div class="row">
          <button type="submit" class="button primary" disabled=${isBusy}>
            ${of === undefined ? "Add" : "Save"}
          </button>
          <button type="button" class="button" onClick=${close}>Cancel</button>
        </div>
      </form>`,
  });
}
