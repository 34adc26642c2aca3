import { useEffect, useId, useRef, useState } from "preact/hooks";
import { h } from "preact";
import { html, type Children, type VNode } from "./html.ts";
import { Icon, type IconName } from "./icon.ts";

interface Props {
  /** The text of the button. */
  readonly text: Children;
  /** The button's label, where its text does not name it. */
  readonly label?: string;
  readonly icon?: IconName;
  readonly className?: string;
  readonly panelClass?: string;
  /** The title, which the sheet on a phone shows. */
  readonly title: string;
  /** Whether an arrow shows that there is more. */
  readonly arrow?: boolean;
  /** A single key that opens it from elsewhere on the page: `data-key` of its button. */
  readonly opensBy?: string;
  readonly content: (close: () => void) => Children;
}

/**
 * A button that opens a panel beside it, or a sheet on a phone. Esc and a press elsewhere close it,
 * and the focus returns to the button. The content exists only while it is open.
 */
export function Popover(props: Props): VNode {
  const { text, label, icon, className = "button", panelClass = "", title, arrow = false } = props;
  const id = useId();
  const [open, setOpen] = useState(false);
  const button = useRef<HTMLButtonElement>(null);
  const panel = useRef<HTMLDivElement>(null);

  useEffect(() => {
    const element = panel.current!;
    const toggled = (event: Event) => {
      const isOpen = (event as ToggleEvent).newState === "open";
      setOpen(isOpen);
    };
    element.addEventListener("beforetoggle", toggled);
    return () => element.removeEventListener("beforetoggle", toggled);
  }, []);

  useEffect(() => {
    if (!open) return;
    place(button.current!, panel.current!);
    focusFirst(panel.current!);
    const moved = () => place(button.current!, panel.current!);
    addEventListener("resize", moved);
    addEventListener("scroll", moved, { passive: true });
    const watch = new ResizeObserver(moved);
    watch.observe(panel.current!);
    return () => {
      removeEventListener("resize", moved);
      removeEventListener("scroll", moved);
      watch.disconnect();
    };
  }, [open]);

  const close = () => {
    panel.current?.hidePopover();
    button.current?.focus({ preventScroll: true });
  };
  return html`<button
      ref=${button}
      type="button"
      class=${className}
      popovertarget=${id}
      aria-label=${label}
      aria-haspopup="dialog"
      aria-expanded=${open ? "true" : "false"}
      data-key=${props.opensBy}
    >
      ${icon !== undefined && h(Icon, { name: icon, size: 16 })}${text}${arrow && h(Icon, { name: "down", size: 14 })}
    </button>
    <div
      ref=${panel}
      id=${id}
      popover="auto"
      role="dialog"
      aria-label=${title}
      class=${`panel ${panelClass}`}
    >
      ${
        open &&
        html`<div class="sheet-head">
            <h2>${title}</h2>
            <button type="button" class="icon-button" aria-label="Close" onClick=${close}>
              ${h(Icon, { name: "close" })}
            </button>
          </div>
          ${props.content(close)}`
      }
    </div>`;
}

/**
 * Puts the focus on a panel's first field: on a phone on the sheet's head, since a field would bring
 * up the keyboard over it.
 */
export function focusFirst(panel: HTMLElement): void {
  const all = [...panel.querySelectorAll<HTMLElement>("[data-first], input, button")];
  const within = all.filter((element) => element.closest(".sheet-head") === null);
  const first = within.find((element) => element.dataset["first"] !== undefined) ?? within[0];
  (phone.matches ? all[0] : first)?.focus({ preventScroll: true });
}

const phone = matchMedia("(max-width: 719px)");

/**
 * Places the panel below the button, above it where there is no room, and within the window. On a
 * phone the style sheet places it.
 */
function place(button: HTMLElement, panel: HTMLElement): void {
  if (phone.matches) {
    panel.style.removeProperty("left");
    panel.style.removeProperty("top");
    panel.style.removeProperty("max-height");
    return;
  }
  const anchor = button.getBoundingClientRect();
  const gap = 6;
  const edge = 8;
  const { offsetWidth: width, scrollHeight } = panel;
  const left = Math.max(edge, Math.min(anchor.left, innerWidth - width - edge));
  const below = innerHeight - anchor.bottom - gap - edge;
  const above = anchor.top - gap - edge;
  const goesBelow = scrollHeight <= below || below >= above;
  const room = Math.max(160, goesBelow ? below : above);
  const height = Math.min(scrollHeight + 2, room);
  panel.style.left = `${left}px`;
  panel.style.top = `${goesBelow ? anchor.bottom + gap : anchor.top - gap - height}px`;
  panel.style.maxHeight = `${room}px`;
}
