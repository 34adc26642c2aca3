import { h } from "preact";
import { useState } from "preact/hooks";
import { ask } from "../api/client.ts";
import { useAnswer } from "../api/use-answer.ts";
import { Card, Nothing, Waiting } from "../parts/card.ts";
import { useAct } from "../parts/dialog.ts";
import { Instant } from "../parts/exactness.ts";
import { html, type VNode } from "../parts/html.ts";
import { ProblemText } from "../parts/problem.ts";
import { Table, type Column } from "../parts/table.ts";

interface Act {
  readonly id: string;
  readonly at: string;
  readonly actor: { readonly kind: string; readonly id: string; readonly name?: string };
  readonly what: string;
  readonly target: string;
  readonly details: Readonly<Record<string, unknown>>;
  readonly outcome: "begun" | "done" | "failed";
}

interface Page {
  readonly data: readonly Act[];
  readonly page: { readonly nextCursor: string | null };
}

/** What is not listed is shown as the API calls it. */
const deeds: Readonly<Record<string, string>> = {
  "keys.create": "Made a key",
  "keys.rotate": "Replaced a key",
  "keys.revoke": "Revoked a key",
  "queries.save": "Saved a question",
  "queries.remove": "Removed a saved question",
  "events.erase": "Erased events",
  "counts.audit": "Recounted from the events",
  "retention.set": "Set how long events are kept",
  "rollups.rebuild": "Rebuilt rollups",
  "rollups.repair": "Repaired rollups",
  "schemas.put": "Set a schema",
  "schemas.remove": "Removed a schema",
  "quarantine.patch": "Mended an event in quarantine",
  "quarantine.drop": "Dropped an event in quarantine",
  "quarantine.replay": "Replayed from quarantine",
  "dead-letters.replay": "Replayed a dead letter",
  "dead-letters.remove": "Removed a dead letter",
};

const outcomes = {
  done: "Done",
  failed: "Failed, nothing changed",
  begun: "Not known",
} as const;

const limit = 100;

/** Who did what to the project, the newest first. The list only grows. */
export function AuditLog(): VNode {
  const path = `/api/v1/audit-log?limit=${limit}`;
  const request = useAnswer<Page>({ path });
  const [more, setMore] = useState<readonly Page[]>([]);
  const { isBusy, problem, run } = useAct();
  const pages = request.answer === undefined ? [] : [request.answer, ...more];
  const acts = pages.flatMap(({ data }) => data);
  const cursor = pages.at(-1)?.page.nextCursor ?? null;
  return h(
    Card,
    {
      title: "Audit log",
      note: "The newest first. Nothing is ever taken out of it.",
      requests: [request],
      waiting: h(Waiting, { rows: 6, height: 32 }),
      tools: { calls: [{ path }] },
      className: "admin-card",
    },
    acts.length === 0
      ? h(
          Nothing,
          { title: "Nothing was done yet." },
          html`<p class="muted">
            Keys, saved questions, erasures and replays are taken down here, with who did them.
          </p>`,
        )
      : h(Table<Act>, { label: "Audit log", columns, rows: acts, keyOf: ({ id }) => id }),
    problem !== undefined && h(ProblemText, { problem }),
    cursor !== null &&
      html`<div class="row admin-more">
        <button
          type="button"
          class="button"
          disabled=${isBusy}
          onClick=${() =>
            void run(async () => {
              const next = await ask<Page>({
                path: `${path}&cursor=${encodeURIComponent(cursor)}`,
              });
              setMore([...more, next]);
            })}
        >
          Show ${limit} more
        </button>
      </div>`,
  );
}

const columns: readonly Column<Act>[] = [
  { id: "at", name: "When", cell: ({ at }) => h(Instant, { at }) },
  { id: "who", name: "Who", cell: ({ actor }) => h(Who, { actor }) },
  { id: "what", name: "What", cell: ({ what }) => deeds[what] ?? what },
  {
    id: "target",
    name: "To what",
    className: "admin-text",
    cell: ({ target, details }) =>
      html`<span dir="auto">${target}</span>${" "}<span class="muted">${inWords(details)}</span>`,
  },
  {
    id: "outcome",
    name: "Outcome",
    cell: ({ outcome }) =>
      html`<span class=${`outcome ${outcome}`}>${outcomes[outcome] ?? outcome}</span>`,
  },
];

function Who({ actor: { kind, id, name } }: { readonly actor: Act["actor"] }): VNode {
  if (kind === "open") return html`<span class="muted">anybody: no key is asked for</span>`;
  if (kind === "key") return html`<span dir="auto" title=${id}>${name ?? id}</span>`;
  return html`<code>${id}</code>`;
}

function inWords(details: Act["details"]): string {
  return Object.entries(details)
    .map(([name, value]) => `${name} ${Array.isArray(value) ? value.join(", ") : textOf(value)}`)
    .join(" · ");
}

function textOf(value: unknown): string {
  return typeof value === "string" ? value : JSON.stringify(value);
}
