import { useState } from "preact/hooks";
import { learnCaller, Problem } from "../api/client.ts";
import { dropKey, keepKey, keyNeeded } from "../api/key.ts";
import { html, type VNode } from "../parts/html.ts";

/** Shown in place of the view where a key is missing or wrong. The address stays as it is. */
export function KeyForm(): VNode {
  const [problem, setProblem] = useState("");
  const [isTrying, setTrying] = useState(false);

  async function tryKey(event: SubmitEvent): Promise<void> {
    event.preventDefault();
    const field = (event.currentTarget as HTMLFormElement).elements.namedItem(
      "key",
    ) as HTMLInputElement;
    setTrying(true);
    setProblem("");
    keepKey(field.value.trim());
    try {
      // Any valid key will do: the frame shows what it may do, each view what it lacks.
      if (await learnCaller()) keyNeeded.value = undefined;
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      if (error.status === 401) setProblem("This key is not known here.");
      else {
        dropKey();
        setProblem(error.status === 0 ? "Connection lost." : error.message);
      }
    } finally {
      setTrying(false);
    }
  }

  return html`<form class="key-form card" onSubmit=${(event: SubmitEvent) => void tryKey(event)}>
    <h2>Enter a key to go on</h2>
    <p class="muted">
      ${keyNeeded.value} Reading needs the scope <code>events:read</code>, the live numbers${" "}
      <code>live:read</code>, saving questions and administering <code>admin</code>. The key stays
      in this tab.
    </p>
    <label class="field"
      ><span>Key</span
      ><input
        type="password"
        name="key"
        autocomplete="off"
        required
        ref=${(element: HTMLInputElement | null) => element?.focus()}
    /></label>
    ${problem !== "" && html`<p class="problem-line" role="alert">${problem}</p>`}
    <button class="button primary" disabled=${isTrying}>${isTrying ? "Trying" : "Go on"}</button>
  </form>`;
}
