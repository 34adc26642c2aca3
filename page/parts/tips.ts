import { useEffect, useRef } from "preact/hooks";
import { html, type Children, type VNode } from "./html.ts";

/**
 * Elements with `data-tip` show a tip where the pointer or the focus is. Together they are one stop
 * of the Tab key: arrows move between them, Home and End go to the ends of a row, Esc closes the
 * tip.
 * @param onAt called with the present `data-id`; `undefined` where there is none
 */
export function Tips({
  className = "",
  label,
  onAt,
  children,
}: {
  readonly className?: string;
  /** The label of the whole, where it is a picture. */
  readonly label?: string;
  readonly onAt?: (id: string | undefined) => void;
  readonly children?: Children;
}): VNode {
  const host = useRef<HTMLDivElement>(null);
  const tip = useRef<HTMLDivElement>(null);

  useEffect(() => {
    const stops = stopsIn(host.current!);
    if (stops.some((stop) => stop.tabIndex === 0)) return;
    stops.forEach((stop, index) => stop.setAttribute("tabindex", index === 0 ? "0" : "-1"));
  });

  function show(target: EventTarget | null): void {
    const stop = (target as Element | null)?.closest<HTMLElement>("[data-tip]");
    if (stop === null || stop === undefined) return hide();
    const element = tip.current!;
    element.textContent = stop.dataset["tip"] ?? "";
    if (!element.matches(":popover-open")) element.showPopover();
    place(stop, element);
    onAt?.(stop.dataset["id"]);
  }
  function hide(): void {
    if (tip.current?.matches(":popover-open") === true) tip.current.hidePopover();
    onAt?.(undefined);
  }
  function press(event: KeyboardEvent): void {
    if (event.altKey || event.ctrlKey || event.metaKey) return;
    if (event.key === "Escape" && tip.current!.matches(":popover-open")) {
      event.stopPropagation();
      return hide();
    }
    const from = (event.target as Element).closest<HTMLElement>("[data-tip]");
    const to = from === null ? undefined : next(stopsIn(host.current!), from, event.key);
    if (to === undefined || from === null) return;
    event.preventDefault();
    from.setAttribute("tabindex", "-1");
    to.setAttribute("tabindex", "0");
    to.focus();
  }
  return html`<div
    ref=${host}
    class=${className}
    role=${label === undefined ? undefined : "group"}
    aria-label=${label}
    onMouseOver=${(event: MouseEvent) => show(event.target)}
    onMouseLeave=${hide}
    onFocusIn=${(event: FocusEvent) => show(event.target)}
    onFocusOut=${hide}
    onKeyDown=${press}
  >
    ${children}
    <div ref=${tip} class="tip" role="tooltip" popover="manual"></div>
  </div>`;
}

function stopsIn(host: HTMLElement): readonly HTMLElement[] {
  return [...host.querySelectorAll<HTMLElement>("[data-tip]")];
}

/** The nearest stop in the direction of the key. */
function next(
  stops: readonly HTMLElement[],
  from: HTMLElement,
  key: string,
): HTMLElement | undefined {
  const at = from.getBoundingClientRect();
  const [x, y] = [at.left + at.width / 2, at.top + at.height / 2];
  const ways: Readonly<Record<string, (dx: number, dy: number) => number>> = {
    ArrowLeft: (dx, dy) => (dx < -1 ? -dx + Math.abs(dy) * 4 : Infinity),
    ArrowRight: (dx, dy) => (dx > 1 ? dx + Math.abs(dy) * 4 : Infinity),
    ArrowUp: (dx, dy) => (dy < -1 ? -dy + Math.abs(dx) * 4 : Infinity),
    ArrowDown: (dx, dy) => (dy > 1 ? dy + Math.abs(dx) * 4 : Infinity),
    Home: (dx, dy) => (Math.abs(dy) < 2 ? dx + 1e6 : Infinity),
    End: (dx, dy) => (Math.abs(dy) < 2 ? 1e6 - dx : Infinity),
  };
  const farness = ways[key];
  if (farness === undefined) return undefined;
  let best: HTMLElement | undefined;
  let least = Infinity;
  for (const stop of stops) {
    const box = stop.getBoundingClientRect();
    const far = farness(box.left + box.width / 2 - x, box.top + box.height / 2 - y);
    if (far < least) [best, least] = [stop, far];
  }
  return best;
}

/** Places the tip above its stop, below where there is no room, and within the window. */
function place(stop: HTMLElement, tip: HTMLElement): void {
  const anchor = stop.getBoundingClientRect();
  const edge = 8;
  const { offsetWidth: width, offsetHeight: height } = tip;
  const middle = anchor.left + anchor.width / 2 - width / 2;
  const above = anchor.top - height - 6;
  tip.style.left = `${Math.max(edge, Math.min(middle, innerWidth - width - edge))}px`;
  tip.style.top = `${above >= edge ? above : anchor.bottom + 6}px`;
}
