import { h } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { Problem } from "../api/client.ts";
import { announce } from "../parts/announce.ts";
import { Waiting } from "../parts/card.ts";
import { html, type VNode } from "../parts/html.ts";
import { ProblemText } from "../parts/problem.ts";
import { readSaved, removeSaved, writeSaved, type SavedQuestion } from "./saved-questions.ts";

interface Read {
  readonly question: SavedQuestion;
  readonly tag: string;
}

interface Props {
  readonly name: string;
  readonly saved: () => void;
  readonly removed: () => void;
  readonly close: () => void;
}

/**
 * Changes the version that was read; where somebody else changed it meanwhile both are shown, and
 * the reader decides.
 */
export function EditQuestion({ name, saved, removed, close }: Props): VNode {
  const [read, setRead] = useState<Read>();
  const [theirs, setTheirs] = useState<Read>();
  const [problem, setProblem] = useState<Problem>();
  const [description, setDescription] = useState("");
  const [isPinned, setPinned] = useState(false);
  const [isConfirming, setConfirming] = useState(false);

  const begin = (from: Read) => {
    setRead(from);
    setTheirs(undefined);
    setProblem(undefined);
    setDescription(from.question.description);
    setPinned(from.question.view?.pinned === true);
  };
  /** Shows what went wrong; after a 412 it reads the other version, which may be gone. */
  const attempt = async (act: () => Promise<void>): Promise<void> => {
    setProblem(undefined);
    try {
      await act();
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      if (error.status === 412) await attempt(async () => setTheirs(await readSaved(name)));
      else setProblem(error);
    }
  };
  const first = useRef<HTMLInputElement>(null);
  useEffect(() => first.current?.focus(), [read]);
  useEffect(() => {
    void attempt(async () => begin(await readSaved(name)));
  }, [name]);

  if (read === undefined) {
    return problem === undefined
      ? h(Waiting, { rows: 3, height: 36 })
      : h(ProblemText, { problem });
  }
  const save = (over: Read) =>
    attempt(async () => {
      const view = { ...over.question.view, pinned: isPinned };
      await writeSaved({ ...over.question, description, view }, over.tag);
      announce(`${name} was saved`);
      saved();
    });
  const remove = () =>
    attempt(async () => {
      await removeSaved(name, read.tag);
      announce(`${name} was removed`);
      removed();
    });
  return html`<form
    class="stack saved-form"
    onSubmit=${(event: SubmitEvent) => {
      event.preventDefault();
      void save(read);
    }}
  >
    <label class="field"
      ><span>What it asks</span
      ><input
        ref=${first}
        maxlength="1024"
        value=${description}
        onInput=${(event: InputEvent) => setDescription((event.target as HTMLInputElement).value)}
    /></label>
    <label class="check"
      ><input type="checkbox" checked=${isPinned} onChange=${() => setPinned(!isPinned)} /><span
        >Show it on the board</span
      ></label
    >
    ${problem !== undefined && h(ProblemText, { problem })}
    ${
      theirs !== undefined &&
      html`<div class="notice warn saved-conflict" role="alert">
        <p><strong>Somebody changed it meanwhile.</strong></p>
        <dl>
          <div>
            <dt>Theirs</dt>
            <dd>${theirs.question.description}</dd>
          </div>
          <div>
            <dt>Yours</dt>
            <dd>${description}</dd>
          </div>
        </dl>
        <button type="button" class="button" onClick=${() => begin(theirs)}>Take theirs</button>
        <button type="button" class="button" onClick=${() => void save(theirs)}>Save yours</button>
      </div>`
    }
    <div class="row">
      <button type="submit" class="button primary">Save</button>
      <button type="button" class="button" onClick=${close}>Cancel</button>
      ${
        isConfirming
          ? html`<span>Remove it for everybody?</span>
              <button type="button" class="button" onClick=${() => void remove()}>Remove it</button>
              <button type="button" class="button" onClick=${() => setConfirming(false)}>
                Keep it
              </button>`
          : html`<button type="button" class="button" onClick=${() => setConfirming(true)}>
              Remove
            </button>`
      }
    </div>
  </form>`;
}
