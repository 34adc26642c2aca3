import { useEffect, useRef, useState } from "preact/hooks";
import { h } from "preact";
import { Problem } from "../api/client.ts";
import { html, type Children, type VNode } from "./html.ts";
import { ProblemText } from "./problem.ts";

interface Props {
  readonly title: string;
  /** Called when the dialog was closed, in whatever way. */
  readonly closed: () => void;
  readonly content: (close: () => void) => Children;
}

/**
 * A modal dialog: it is open as long as it is rendered. The focus then returns to where it came
 * from.
 */
export function Dialog({ title, closed, content }: Props): VNode {
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => {
    dialog.current!.showModal();
    dialog.current!.querySelector<HTMLElement>("[data-first]")?.focus();
  }, []);
  return html`<dialog ref=${dialog} class="dialog" aria-label=${title} onClose=${closed}>
    <h2>${title}</h2>
    ${content(() => dialog.current?.close())}
  </dialog>`;
}

/** The state of an act: whether it is under way, and what went wrong. */
export function useAct(): {
  readonly isBusy: boolean;
  readonly problem: Problem | undefined;
  readonly run: (act: () => Promise<void>) => Promise<void>;
} {
  const [isBusy, setBusy] = useState(false);
  const [problem, setProblem] = useState<Problem>();
  async function run(act: () => Promise<void>): Promise<void> {
    setBusy(true);
    setProblem(undefined);
    try {
      await act();
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      setProblem(error);
    } finally {
      setBusy(false);
    }
  }
  return { isBusy, problem, run };
}

/** Asks for confirmation before what cannot be undone: the name must be typed. */
export function ConfirmByName({
  title,
  warning,
  name,
  verb,
  act,
  closed,
}: {
  readonly title: string;
  readonly warning: string;
  readonly name: string;
  readonly verb: string;
  readonly act: () => Promise<void>;
  readonly closed: () => void;
}): VNode {
  const [typed, setTyped] = useState("");
  const { isBusy, problem, run } = useAct();
  return h(Dialog, {
    title,
    closed,
    content: (close) =>
      html`<form
        class="stack"
        onSubmit=${(event: SubmitEvent) => {
          event.preventDefault();
          if (typed !== name) return;
          void run(async () => {
            await act();
            close();
            // The pressed button may be gone with its row.
            document.querySelector<HTMLElement>("h1")?.focus();
          });
        }}
      >
        <p>${warning}</p>
        <label class="field"
          ><span>Type <strong class="select-all">${name}</strong> to go on</span
          ><input
            data-first
            autocomplete="off"
            spellcheck="false"
            value=${typed}
            onInput=${(event: InputEvent) => setTyped((event.target as HTMLInputElement).value)}
        /></label>
        ${problem !== undefined && h(ProblemText, { problem })}
        <div class="row">
          <button type="submit" class="button danger" disabled=${typed !== name || isBusy}>
            ${verb}
          </button>
          <button type="button" class="button" onClick=${close}>Cancel</button>
        </div>
      </form>`,
  });
}
