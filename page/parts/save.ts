import { h } from "preact";
import { useState } from "preact/hooks";
import { ask, Problem } from "../api/client.ts";
import { hrefOf, openedAddress, follow } from "../frame/router.ts";
import { announce } from "./announce.ts";
import { html, type VNode } from "./html.ts";
import { ProblemText } from "./problem.ts";

/** A question that can be saved (docs/questions.md, "Saved questions"). */
export interface Savable {
  readonly kind: "run" | "funnel" | "retention" | "paths" | "mail" | "counts";
  readonly question: unknown;
  /** How the page shows it; the service keeps this as it is. `address` opens its view again. */
  readonly view: {
    readonly address: string;
    readonly shape?: string;
    readonly pinned?: boolean;
    readonly order?: number;
  };
  /** The suggested name. */
  readonly suggested: string;
  readonly description: string;
}

/** Asks for a name, and saves where the name is free. */
export function SaveForm({
  savable,
  close,
}: {
  readonly savable: Savable;
  readonly close: () => void;
}): VNode {
  const [name, setName] = useState(savable.suggested);
  const [pinned, setPinned] = useState(true);
  const [problem, setProblem] = useState<Problem>();
  const [saved, setSaved] = useState<string>();

  async function save(event: SubmitEvent): Promise<void> {
    event.preventDefault();
    setProblem(undefined);
    try {
      await ask({
        method: "PUT",
        path: `/api/v1/queries/${encodeURIComponent(name)}`,
        headers: { "If-None-Match": "*" },
        body: {
          kind: savable.kind,
          question: savable.question,
          description: savable.description,
          view: { ...savable.view, pinned },
        },
      });
      setSaved(name);
      announce(`Saved as ${name}`);
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      setProblem(error);
    }
  }

  if (saved !== undefined) {
    const to = openedAddress("question", saved);
    return html`<div class="stack">
      <p>Saved as <strong>${saved}</strong>.</p>
      <p><a href=${hrefOf(to)} onClick=${follow(to)}>Open it</a></p>
      <button type="button" class="button" onClick=${close}>Close</button>
    </div>`;
  }
  return html`<form class="stack" onSubmit=${(event: SubmitEvent) => void save(event)}>
    <label class="field"
      ><span>Name</span
      ><input
        data-first
        name="name"
        required
        pattern="[A-Za-z0-9._:@\\/+\\-]+"
        maxlength="128"
        autocomplete="off"
        value=${name}
        onInput=${(event: InputEvent) => setName((event.target as HTMLInputElement).value)}
    /></label>
    <p class="hint">Letters, digits and . _ : @ / + -</p>
    <label class="check"
      ><input type="checkbox" checked=${pinned} onChange=${() => setPinned(!pinned)} /><span
        >Show it on the board</span
      ></label
    >
    ${
      problem !== undefined &&
      (problem.status === 412
        ? html`<p class="problem-line" role="alert">
            There is a question of this name. Choose another one.
          </p>`
        : h(ProblemText, { problem }))
    }
    <button type="submit" class="button primary">Save</button>
  </form>`;
}
