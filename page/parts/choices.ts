import { useEffect, useId, useRef, useState } from "preact/hooks";
import { h } from "preact";
import { html, type VNode } from "./html.ts";
import { Icon } from "./icon.ts";

/** One entry of a list to choose from. */
export interface Choice {
  readonly id: string;
  readonly name: string;
  /** Further text that the search looks at. */
  readonly also?: string;
  /** Shown at the entry's end: a kind, a share, a count. */
  readonly note?: string;
  /** A line above the first of each group. */
  readonly group?: string;
}

interface Props {
  readonly label: string;
  readonly choices: readonly Choice[];
  readonly onPick: (choice: Choice) => void;
  /**
   * Present where the caller searches and `choices` are the hits; absent: the list itself is
   * narrowed.
   */
  readonly onSearch?: (text: string) => void;
  /** The chosen entries, which get a mark. */
  readonly picked?: ReadonlySet<string>;
  /** More answers are under way; the present ones stay meanwhile. */
  readonly isBusy?: boolean;
  /** Makes the typed text itself the last entry. */
  readonly free?: (text: string) => Choice | undefined;
  /** Called for Backspace in the empty field. */
  readonly onBack?: () => void;
  readonly empty?: string;
  readonly problem?: string;
}

const mostShown = 200;

/**
 * A search field over one list (the combobox pattern of the ARIA practices): Up, Down, Home, End,
 * Enter; the typed text is marked in the hits. It serves types, properties, values, metrics and
 * zones alike.
 */
export function Choices(props: Props): VNode {
  const { label, onPick, onSearch, picked, isBusy = false, free, onBack } = props;
  const id = useId();
  const [typed, setTyped] = useState("");
  const [active, setActive] = useState(0);
  const list = useRef<HTMLUListElement>(null);
  /** The text that the caller was last asked to search for. */
  const [sent, setSent] = useState("");
  /** Whether the first hit is to be picked as soon as the typed text has hits. */
  const [isWaiting, setWaiting] = useState(false);
  /** Whether an entry was chosen by arrows since something was typed. */
  const isMoved = useRef(false);
  const search = typed.trim();
  const isStale = onSearch !== undefined && search !== "" && (isBusy || sent !== search);
  const hits = onSearch === undefined ? narrowed(props.choices, search) : props.choices;
  const own = search === "" ? undefined : free?.(search);
  const shown = [...hits.slice(0, mostShown), ...(own === undefined ? [] : [own])];
  const at = Math.min(active, shown.length - 1);

  useEffect(() => {
    if (onSearch === undefined) return;
    const timer = setTimeout(
      () => {
        onSearch(search);
        setSent(search);
      },
      search === "" ? 0 : 120,
    );
    return () => clearTimeout(timer);
  }, [search]);
  useEffect(() => {
    if (!isWaiting || isStale) return;
    setWaiting(false);
    if (shown[0] !== undefined) onPick(shown[0]);
  }, [isWaiting, isStale]);
  useEffect(() => {
    list.current?.querySelector('[aria-selected="true"]')?.scrollIntoView({ block: "nearest" });
  }, [at]);

  function press(event: KeyboardEvent): void {
    const moves: Readonly<Record<string, number>> = {
      ArrowDown: Math.min(at + 1, shown.length - 1),
      ArrowUp: Math.max(at - 1, 0),
      PageDown: Math.min(at + 8, shown.length - 1),
      PageUp: Math.max(at - 8, 0),
    };
    const to = moves[event.key];
    if (to !== undefined) {
      event.preventDefault();
      setActive(to);
      isMoved.current = true;
      setWaiting(false);
    } else if (event.key === "Enter" && isStale && !isMoved.current) {
      // The list is still that of the text before.
      event.preventDefault();
      setWaiting(true);
    } else if (event.key === "Enter" && shown[at] !== undefined) {
      event.preventDefault();
      onPick(shown[at]);
    } else if (event.key === "Backspace" && typed === "" && onBack !== undefined) {
      event.preventDefault();
      onBack();
    }
  }

  let group: string | undefined;
  return html`<div class="choices">
    <div class="search">
      ${h(Icon, { name: "search", size: 16 })}
      <input
        data-first
        type="text"
        role="combobox"
        aria-label=${label}
        aria-expanded="true"
        aria-controls=${id}
        aria-autocomplete="list"
        aria-activedescendant=${shown.length > 0 ? `${id}-${at}` : undefined}
        placeholder=${label}
        autocomplete="off"
        spellcheck=${false}
        value=${typed}
        onInput=${(event: InputEvent) => {
          setTyped((event.target as HTMLInputElement).value);
          setActive(0);
          isMoved.current = false;
          setWaiting(false);
        }}
        onKeyDown=${press}
      />
    </div>
    <ul
      ref=${list}
      id=${id}
      role="listbox"
      aria-label=${label}
      aria-busy=${isBusy ? "true" : "false"}
    >
      ${shown.map((choice, index) => {
        const head =
          choice.group !== undefined && choice.group !== group ? choice.group : undefined;
        group = choice.group ?? group;
        const isPicked = picked?.has(choice.id) === true;
        return html`${
            head !== undefined &&
            html`<li role="presentation" class="group" key=${`group ${head}`}>${head}</li>`
          }
          <li
            key=${choice.id}
            id=${`${id}-${index}`}
            role="option"
            aria-selected=${index === at ? "true" : "false"}
            class=${isPicked ? "picked" : ""}
            onMouseMove=${() => setActive(index)}
            onClick=${() => onPick(choice)}
          >
            <span class="name">${marked(choice.name, search)}</span>
            <span class="note">${choice.note}</span>
            ${isPicked && html`<span class="visually-hidden">, chosen</span>${h(Icon, { name: "check", size: 16 })}`}
          </li>`;
      })}
    </ul>
    ${
      shown.length === 0 &&
      html`<p class="hint">
        ${props.problem ?? (isBusy ? "Searching…" : (props.empty ?? "Nothing matches."))}
      </p>`
    }
  </div>`;
}

function narrowed(choices: readonly Choice[], search: string): readonly Choice[] {
  if (search === "") return choices;
  const words = search.toLowerCase().split(/\s+/);
  return choices.filter(({ name, also = "" }) => {
    const text = `${name} ${also}`.toLowerCase();
    return words.every((word) => text.includes(word));
  });
}

/** Marks the typed text in a text. */
function marked(text: string, search: string) {
  const at = search === "" ? -1 : text.toLowerCase().indexOf(search.toLowerCase());
  if (at < 0) return text;
  const end = at + search.length;
  return html`${text.slice(0, at)}<mark>${text.slice(at, end)}</mark>${text.slice(end)}`;
}
