import { h } from "preact";
import { useEffect, useRef } from "preact/hooks";
import { change } from "../frame/router.ts";
import { html, type VNode } from "../parts/html.ts";
import { Icon } from "../parts/icon.ts";
import { FilterChipList, TypePicker } from "../parts/question.ts";
import { writeStep, type Step } from "../pure/filter.ts";

/** As many as the API takes. */
export const fewestSteps = 2;
const mostSteps = 10;

/** The steps as an ordered list: add, change, remove, move by drag or Alt+Up and Alt+Down. */
export function Steps({ steps }: { readonly steps: readonly Step[] }): VNode {
  const list = useRef<HTMLOListElement>(null);
  const focusAt = useRef<number | undefined>(undefined);
  const dragged = useRef<number | undefined>(undefined);
  useEffect(() => {
    if (focusAt.current === undefined) return;
    list.current?.querySelectorAll<HTMLElement>(".step-move")[focusAt.current]?.focus();
    focusAt.current = undefined;
  }, [steps.map(writeStep).join("\n")]);

  const set = (to: readonly Step[]) => change({ step: to.map(writeStep) });
  const move = (from: number, to: number) => {
    if (to < 0 || to >= steps.length || to === from) return;
    const rest = steps.filter((_, index) => index !== from);
    focusAt.current = to;
    set([...rest.slice(0, to), steps[from]!, ...rest.slice(to)]);
  };
  const replace = (at: number, step: Step) =>
    set(steps.map((one, index) => (index === at ? step : one)));
  return html`<ol class="funnel-steps" ref=${list} aria-label="Steps">
    ${steps.map(
      (step, index) =>
        html`<li
          key=${`${index} ${step.type}`}
          class="funnel-step"
          draggable=${true}
          onDragStart=${(event: DragEvent) => {
            dragged.current = index;
            event.dataTransfer?.setData("text/plain", step.type);
          }}
          onDragOver=${(event: DragEvent) => dragged.current !== undefined && event.preventDefault()}
          onDrop=${(event: DragEvent) => {
            event.preventDefault();
            if (dragged.current !== undefined) move(dragged.current, index);
            dragged.current = undefined;
          }}
          onKeyDown=${(event: KeyboardEvent) => {
            const by = { ArrowUp: -1, ArrowDown: 1 }[event.key];
            if (!event.altKey || by === undefined) return;
            event.preventDefault();
            move(index, index + by);
          }}
        >
          <button
            type="button"
            class="step-move"
            aria-label=${`Step ${index + 1}, ${step.type}. Alt with Up or Down moves it.`}
            title="Drag, or Alt with Up or Down, moves it"
          >
            ${index + 1}
          </button>
          ${h(TypePicker, {
            text: step.type,
            className: "chip-text",
            picked: [step.type],
            onPick: (type) => replace(index, { ...step, type }),
          })}
          ${h(FilterChipList, {
            types: [step.type],
            filters: step.filters,
            text: "Filter",
            onChange: (own) => replace(index, { ...step, filters: own }),
          })}
          ${
            steps.length > fewestSteps &&
            html`<button
              type="button"
              class="chip-remove"
              aria-label=${`Remove step ${index + 1}, ${step.type}`}
              onClick=${() => set(steps.filter((_, at) => at !== index))}
            >
              ${h(Icon, { name: "close", size: 14 })}
            </button>`
          }
        </li>`,
    )}
    ${
      steps.length < mostSteps &&
      html`<li key="add">
        ${h(TypePicker, { text: "Step", onPick: (type) => set([...steps, { type, filters: [] }]) })}
      </li>`
    }
  </ol>`;
}
