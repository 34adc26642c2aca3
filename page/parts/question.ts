import { h } from "preact";
import { useProperties, useTypes } from "../api/catalog.ts";
import { filters, setFilters } from "../frame/router.ts";
import { filterInWords, propertyName, type Filter } from "../pure/filter.ts";
import { number } from "../pure/format.ts";
import { Choices, type Choice } from "./choices.ts";
import { FilterPicker, propertyChoices } from "./filter-picker.ts";
import { html, type Children, type VNode } from "./html.ts";
import { Icon } from "./icon.ts";
import { Popover } from "./popover.ts";

/**
 * The question as a sentence of chips. On a phone it is one line of words with "Edit", which opens
 * the chips as a sheet.
 * @param words the whole question in words
 * @param shows the text of the sheet's button: "Show 1,234 events"
 */
export function Question({
  words,
  shows = "Show",
  children,
}: {
  readonly words: string;
  readonly shows?: string;
  readonly children?: Children;
}): VNode {
  return html`<div class="question" role="group" aria-label="Question">
    <div class="question-wide">${children}</div>
    <div class="question-narrow">
      <span class="question-words">${words}</span>
      ${h(Popover, {
        text: "Edit",
        title: "Question",
        className: "button small",
        panelClass: "question-sheet",
        content: (close) =>
          html`<div class="question-stack">${children}</div>
            <div class="panel-foot">
              <button type="button" class="button primary" onClick=${close}>${shows}</button>
            </div>`,
      })}
    </div>
  </div>`;
}

/** A word between chips. */
export function Word({ text }: { readonly text: string }): VNode {
  return html`<span class="word">${text}</span>`;
}

/** A chosen entry, which can be removed. */
function Chip({
  text,
  name,
  onRemove,
  children,
}: {
  readonly text?: string;
  readonly name: string;
  readonly onRemove?: (() => void) | undefined;
  readonly children?: Children;
}): VNode {
  return html`<span class="chip">
    ${children ?? html`<span class="chip-text">${text}</span>`}
    ${
      onRemove !== undefined &&
      html`<button
        type="button"
        class="chip-remove"
        aria-label=${`Remove ${name}`}
        onClick=${onRemove}
      >
        ${h(Icon, { name: "close", size: 14 })}
      </button>`
    }
  </span>`;
}

/** The chosen types, and a button for one more. None means all types. */
export function TypeChips({
  types,
  onChange,
  addText = "Type",
}: {
  readonly types: readonly string[];
  readonly onChange: (types: readonly string[]) => void;
  readonly addText?: string;
}): VNode {
  return html`${types.length === 0 && html`<span class="word strong">all types</span>`}
  ${types.map((type) =>
    h(Chip, {
      key: type,
      text: type,
      name: type,
      onRemove: () => onChange(types.filter((one) => one !== type)),
    }),
  )}
  ${h(TypePicker, {
    text: addText,
    picked: types,
    onPick: (type) =>
      onChange(types.includes(type) ? types.filter((one) => one !== type) : [...types, type]),
  })}`;
}

/** A button that opens the list of types, most frequent first. */
export function TypePicker({
  text,
  picked = [],
  className = "chip add",
  onPick,
}: {
  readonly text: string;
  readonly picked?: readonly string[];
  readonly className?: string;
  readonly onPick: (type: string) => void;
}): VNode {
  return h(Popover, {
    text,
    className,
    title: "Types of events",
    panelClass: "list-panel",
    ...(className === "chip add" ? { icon: "plus" as const } : { arrow: true }),
    content: (close) =>
      h(Types, {
        picked,
        onPick: (type) => {
          onPick(type);
          close();
        },
      }),
  });
}

function Types({
  picked,
  onPick,
}: {
  readonly picked: readonly string[];
  readonly onPick: (type: string) => void;
}): VNode {
  const { entries, isBusy, problem } = useTypes();
  const choices = entries.map(({ type, count }): Choice => ({
    id: type,
    name: type,
    note: number(count),
  }));
  return h(Choices, {
    label: "Search types",
    choices,
    isBusy,
    picked: new Set(picked),
    ...(problem !== undefined && { problem }),
    empty: "No type of this name.",
    free: (text) =>
      choices.some(({ id }) => id === text)
        ? undefined
        : { id: text, name: text, note: "as typed" },
    onPick: ({ id }) => onPick(id),
  });
}

/** The filters of the address, each to change or remove, and a button for one more. */
export function FilterChips({ types }: { readonly types: readonly string[] }): VNode {
  return h(FilterChipList, { types, filters: filters.value, onChange: setFilters });
}

/** A list of filters that are not those of the address, such as those of a funnel's step. */
export function FilterChipList({
  types,
  filters: list,
  onChange,
  text,
}: {
  readonly types: readonly string[];
  readonly filters: readonly Filter[];
  readonly onChange: (filters: readonly Filter[]) => void;
  readonly text?: string;
}): VNode {
  return html`${list.map((filter, index) => {
    const words = filterInWords(filter);
    return h(
      Chip,
      { key: words, name: words, onRemove: () => onChange(list.filter((_, at) => at !== index)) },
      h(FilterPicker, {
        types,
        filter,
        onAdd: (to) => onChange(list.map((one, at) => (at === index ? to : one))),
      }),
    );
  })}
  ${h(FilterPicker, { types, ...(text !== undefined && { text }), onAdd: (filter) => onChange([...list, filter]) })}`;
}

/** One of a few words, as a chip that opens a list: "per day". */
export function WordPicker({
  title,
  choices,
  value,
  onPick,
}: {
  readonly title: string;
  readonly choices: readonly Choice[];
  readonly value: string;
  readonly onPick: (id: string) => void;
}): VNode {
  const shown = choices.find(({ id }) => id === value)?.name ?? value;
  return h(Popover, {
    text: shown,
    label: `${title}: ${shown}`,
    title,
    className: "chip pick",
    arrow: true,
    panelClass: choices.length > 8 ? "list-panel" : "",
    content: (close) => {
      const pick = (id: string) => {
        onPick(id);
        close();
      };
      if (choices.length > 8) {
        return h(Choices, {
          label: `Search`,
          choices,
          picked: new Set([value]),
          onPick: ({ id }) => pick(id),
        });
      }
      return html`<ul class="menu">
        ${choices.map(
          ({ id, name, note }) =>
            html`<li key=${id}>
              <button
                type="button"
                data-first=${id === value ? true : undefined}
                aria-pressed=${id === value ? "true" : "false"}
                onClick=${() => pick(id)}
              >
                <span>${name}${note !== undefined && html`<small>${note}</small>`}</span>
              </button>
            </li>`,
        )}
      </ul>`;
    },
  });
}

/** The property of a breakdown: a chip that opens the list of properties. */
export function PropertyPicker({
  types,
  value,
  nothing = "nothing",
  title = "Break down by",
  onPick,
}: {
  readonly types: readonly string[];
  readonly value: string | undefined;
  /** The chip's text where no property is chosen; empty: one must be chosen. */
  readonly nothing?: string;
  readonly title?: string;
  readonly onPick: (property: string | undefined) => void;
}): VNode {
  return h(Popover, {
    text: value === undefined ? nothing : propertyName(value),
    label: `${title}: ${value === undefined ? nothing : propertyName(value)}`,
    title,
    className: "chip pick",
    arrow: true,
    panelClass: "list-panel",
    content: (close) =>
      h(Properties, {
        types,
        value,
        nothing,
        onPick: (property) => {
          onPick(property);
          close();
        },
      }),
  });
}

function Properties({
  types,
  value,
  nothing,
  onPick,
}: {
  readonly types: readonly string[];
  readonly value: string | undefined;
  readonly nothing: string;
  readonly onPick: (property: string | undefined) => void;
}): VNode {
  const { entries, isBusy, problem } = useProperties(types);
  const own = [{ property: "source", kinds: ["text"], share: 1 }];
  const known = entries.some(({ property }) => property === "source")
    ? entries
    : [...entries, ...own];
  const choices = propertyChoices(
    known.filter(({ kinds }) => !kinds.every((kind) => kind === "list" || kind === "object")),
  );
  return h(Choices, {
    label: "Search properties",
    choices: nothing === "" ? choices : [{ id: "", name: nothing }, ...choices],
    picked: new Set([value ?? ""]),
    isBusy,
    ...(problem !== undefined && { problem }),
    onPick: ({ id }) => onPick(id === "" ? undefined : id),
  });
}
