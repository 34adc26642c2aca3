import { h } from "preact";
import { useState } from "preact/hooks";
import { ask } from "../api/client.ts";
import { caller, type Scope } from "../api/key.ts";
import { useAnswer } from "../api/use-answer.ts";
import { announce } from "../parts/announce.ts";
import { Card, Nothing, Waiting } from "../parts/card.ts";
import { ConfirmByName, Dialog, useAct } from "../parts/dialog.ts";
import { Instant } from "../parts/exactness.ts";
import { html, type VNode } from "../parts/html.ts";
import { Icon } from "../parts/icon.ts";
import { ProblemText } from "../parts/problem.ts";
import { Table, type Column } from "../parts/table.ts";
import { CopyButton } from "../parts/tools.ts";
import { counted, notKnown } from "../pure/format.ts";

/** A key as the API shows it: never the key itself. */
interface ShownKey {
  readonly id: string;
  readonly name: string;
  readonly scopes: readonly Scope[];
  readonly hint: string;
  readonly state: "holds" | "expired" | "revoked";
  readonly createdAt: string;
  readonly expiresAt: string | null;
  readonly lastUsedAt: string | null;
}

type GivenKey = ShownKey & { readonly key: string };

const scopeWords: Readonly<Record<Scope, string>> = {
  "events:write": "Send events",
  "events:read": "Read events and ask about them",
  "live:read": "Watch live",
  admin: "Administer: keys, erasing, saved questions",
};

const dayMs = 86_400_000;
const ends = [
  ["never", undefined],
  ["in 7 days", 7],
  ["in 30 days", 30],
  ["in 90 days", 90],
  ["in a year", 365],
] as const;
const overlaps = [
  ["for a day", 86_400],
  ["for an hour", 3_600],
  ["for a week", 604_800],
  ["for 30 days", 2_592_000],
  ["not at all", 0],
] as const;

type Doing = { readonly what: "replace" | "revoke"; readonly to: ShownKey } | undefined;

/** The project's keys: who may do what. */
export function Keys(): VNode {
  const request = useAnswer<{ readonly data: readonly ShownKey[] }>(
    { path: "/api/v1/keys" },
    30_000,
  );
  const [isMaking, setMaking] = useState(false);
  const [newKey, setNewKey] = useState<GivenKey>();
  const [doing, setDoing] = useState<Doing>();
  const keys = request.answer?.data ?? [];
  const holding = keys.filter(({ state }) => state === "holds").length;
  const take = (key: GivenKey) => {
    setNewKey(key);
    setMaking(false);
    setDoing(undefined);
    announce(`${key.name} was made`);
    request.again();
  };
  return html`${h(
    Card,
    {
      title: "Keys",
      note: keys.length === 0 ? "" : counted(holding, "valid key"),
      requests: [request],
      waiting: h(Waiting, { rows: 4, height: 32 }),
      className: "admin-card",
    },
    html`${newKey !== undefined && h(NewKey, { newKey, onSaved: () => setNewKey(undefined) })}
    ${
      isMaking
        ? h(MakeKey, { made: take, close: () => setMaking(false) })
        : html`<div class="admin-bar">
            <p class="muted">
              A key belongs to this project and does what its scopes allow. Those of${" "}
              <code>API_KEYS</code>${" "}are not in this list: they change with a restart.
            </p>
            <button type="button" class="button primary" onClick=${() => setMaking(true)}>
              ${h(Icon, { name: "plus", size: 16 })}New key
            </button>
          </div>`
    }
    ${
      keys.length === 0
        ? h(
            Nothing,
            { title: "No key was made here yet." },
            html`<p class="muted">Give each program its own: then one can be revoked alone.</p>`,
          )
        : h(Table<ShownKey>, {
            label: "Keys",
            columns: columnsOf(setDoing),
            rows: keys,
            keyOf: ({ id }) => id,
            rowProps: ({ state }) => ({ class: state === "holds" ? "" : "is-over" }),
          })
    }`,
  )}
  ${doing?.what === "replace" && h(Replace, { to: doing.to, made: take, closed: () => setDoing(undefined) })}
  ${
    doing?.what === "revoke" &&
    h(ConfirmByName, {
      title: `Revoke ${doing.to.name}?`,
      warning: "Whoever uses it is refused within 5 seconds. It cannot be undone.",
      name: doing.to.name,
      verb: "Revoke",
      closed: () => setDoing(undefined),
      act: async () => {
        await ask({
          method: "DELETE",
          path: `/api/v1/keys/${encodeURIComponent(doing.to.id)}`,
        });
        announce(`${doing.to.name} was revoked`);
        request.again();
      },
    })
  }`;
}

function columnsOf(act: (doing: Doing) => void): readonly Column<ShownKey>[] {
  const instant = (at: string | null, otherwise: string) =>
    at === null ? html`<span class="muted">${otherwise}</span>` : h(Instant, { at });
  return [
    {
      id: "name",
      name: "Name",
      cell: ({ id, name, hint }) =>
        html`<span class="admin-name" dir="auto">${name}</span>
          <span class="admin-hint"
            ><code>${hint}…</code>${caller.value?.id === id && " · this one"}</span
          >`,
    },
    {
      id: "scopes",
      name: "May",
      cell: ({ scopes }) =>
        scopes.map((scope) => html`<code key=${scope} class="scope">${scope}</code>`),
    },
    {
      id: "made",
      name: "Made",
      className: "wide-only",
      cell: ({ createdAt }) => instant(createdAt, notKnown),
    },
    {
      id: "used",
      name: "Last used",
      cell: ({ lastUsedAt }) => instant(lastUsedAt, "not yet"),
    },
    {
      id: "ends",
      name: "Ends",
      cell: ({ state, expiresAt }) =>
        state === "revoked"
          ? html`<span class="muted">revoked</span>`
          : html`${state === "expired" && html`<span class="muted">ended </span>`}${instant(expiresAt, "never")}`,
    },
    {
      id: "acts",
      name: html`<span class="visually-hidden">What can be done</span>`,
      isNumber: true,
      cell: (key) =>
        key.state === "holds" &&
        html`<span class="admin-acts">
          <button
            type="button"
            class="button small"
            aria-label=${`Replace ${key.name}`}
            onClick=${() => act({ what: "replace", to: key })}
          >
            Replace
          </button>
          <button
            type="button"
            class="button small"
            aria-label=${`Revoke ${key.name}`}
            onClick=${() => act({ what: "revoke", to: key })}
          >
            Revoke
          </button>
        </span>`,
    },
  ];
}

/** A key's text, which the service does not keep: here it can be copied, and nowhere later. */
function NewKey({
  newKey,
  onSaved,
}: {
  readonly newKey: GivenKey;
  readonly onSaved: () => void;
}): VNode {
  return html`<div class="given-key">
    <p><strong dir="auto">${newKey.name}</strong> was made. Its text is shown only now.</p>
    <div class="code-block">
      <pre tabindex="0" aria-label="The key"><code>${newKey.key}</code></pre>
      <div class="row">
        ${h(CopyButton, { text: () => newKey.key, name: "Copy", className: "button small" })}
        <button type="button" class="button small" onClick=${onSaved}>I have kept it</button>
      </div>
    </div>
  </div>`;
}

function MakeKey({
  made,
  close,
}: {
  readonly made: (key: GivenKey) => void;
  readonly close: () => void;
}): VNode {
  const [scopes, setScopes] = useState<readonly Scope[]>(["events:write"]);
  const { isBusy, problem, run } = useAct();
  const toggle = (scope: Scope) =>
    setScopes(scopes.includes(scope) ? scopes.filter((one) => one !== scope) : [...scopes, scope]);

  function submit(event: SubmitEvent): void {
    event.preventDefault();
    const fields = new FormData(event.currentTarget as HTMLFormElement);
    const days = fields.get("ends");
    const body = {
      name: fields.get("name"),
      scopes,
      ...(days !== "" && { expiresAt: new Date(Date.now() + Number(days) * dayMs).toISOString() }),
    };
    void run(async () => made(await ask<GivenKey>({ path: "/api/v1/keys", body })));
  }
  return html`<form class="stack make-key" onSubmit=${submit}>
    <label class="field"
      ><span>What it is for</span
      ><input
        name="name"
        required
        maxlength="100"
        autocomplete="off"
        placeholder="shop, production"
        ref=${focusOnce}
    /></label>
    <fieldset class="scopes">
      <legend>What it may do</legend>
      ${(Object.keys(scopeWords) as Scope[]).map(
        (scope) =>
          html`<label key=${scope} class="check"
            ><input
              type="checkbox"
              checked=${scopes.includes(scope)}
              onChange=${() => toggle(scope)}
            /><span>${scopeWords[scope]} <code class="muted">${scope}</code></span></label
          >`,
      )}
    </fieldset>
    <label class="field"
      ><span>It ends</span
      ><select name="ends">
        ${ends.map(([words, days]) => html`<option key=${words} value=${days ?? ""}>${words}</option>`)}
      </select></label
    >
    ${problem !== undefined && h(ProblemText, { problem })}
    <div class="row">
      <button type="submit" class="button primary" disabled=${isBusy || scopes.length === 0}>
        Make the key
      </button>
      <button type="button" class="button" onClick=${close}>Cancel</button>
    </div>
  </form>`;
}

function focusOnce(element: HTMLInputElement | null): void {
  if (element !== null && !element.form!.contains(document.activeElement)) element.focus();
}

function Replace({
  to,
  made,
  closed,
}: {
  readonly to: ShownKey;
  readonly made: (key: GivenKey) => void;
  readonly closed: () => void;
}): VNode {
  const { isBusy, problem, run } = useAct();
  return h(Dialog, {
    title: `Replace ${to.name}`,
    closed,
    content: (close) =>
      html`<form
        class="stack"
        onSubmit=${(event: SubmitEvent) => {
          event.preventDefault();
          const fields = new FormData(event.currentTarget as HTMLFormElement);
          const body = { overlapSeconds: Number(fields.get("overlap")) };
          const path = `/api/v1/keys/${encodeURIComponent(to.id)}/rotate`;
          void run(async () => {
            const key = await ask<GivenKey>({ path, body });
            close();
            made(key);
          });
        }}
      >
        <p>A new key of the same name and scopes is made. Put it where the old one is used.</p>
        <label class="field"
          ><span>The old one is still valid</span
          ><select name="overlap" data-first>
            ${overlaps.map(
              ([words, seconds]) => html`<option key=${words} value=${seconds}>${words}</option>`,
            )}
          </select></label
        >
        ${problem !== undefined && h(ProblemText, { problem })}
        <div class="row">
          <button type="submit" class="button primary" disabled=${isBusy}>Make the new key</button>
          <button type="button" class="button" onClick=${close}>Cancel</button>
        </div>
      </form>`,
  });
}
