import { signal } from "@preact/signals";
import { toggleComparison } from "../parts/compare-picker.ts";
import { shownInstants } from "../parts/shown.ts";
import { movedRange } from "../pure/range.ts";
import { address, addressOf, change, go, range, zone } from "./router.ts";
import { viewOf, views } from "./views.ts";

const place = "maily-keys";

/**
 * Whether single keys act. They can be switched off, for people who speak or whose device presses
 * them (WCAG 2.1.4); kept for the tab.
 */
export const keysAreOn = signal(stored() !== "off");
export const keyHelp = signal(false);

function stored(): string | null {
  try {
    return sessionStorage.getItem(place);
  } catch {
    return null;
  }
}

export function switchKeys(on: boolean): void {
  keysAreOn.value = on;
  try {
    sessionStorage.setItem(place, on ? "on" : "off");
  } catch {
    // Without storage the choice lasts as long as the page is open.
  }
}

/** What each key does, for the help. */
export const keyTexts: readonly (readonly [keys: string, does: string])[] = [
  ...views.map(({ key, title }) => [`g ${key}`, title] as const),
  ["/", "Filter or find"],
  ["d w t m", "Today, 7 days, 30 days, this month"],
  ["[ ]", "The range before, the range after"],
  ["x", "Compare"],
  ["z", "Time zone"],
  ["v", "Shape"],
  ["c", "Copy link"],
  ["j k", "The next event of a list, the one before"],
  ["Esc", "Close or stop"],
  ["?", "This list"],
];

const rangeKeys: Readonly<Record<string, string>> = {
  d: "today",
  w: "7d",
  t: "30d",
  m: "this_month",
};
let afterG = 0;
const afterGMs = 1_500;

function press(event: KeyboardEvent): void {
  if (event.ctrlKey || event.altKey || event.metaKey || event.defaultPrevented) return;
  if (isTyping(event.target) || openDialog()) return;
  if (event.key === "Escape") {
    clickKey("Escape");
    return;
  }
  if (!keysAreOn.value) return;
  if (act(event.key)) event.preventDefault();
}

/** Acts on a key; returns whether the key means something. */
function act(key: string): boolean {
  const isAfterG = Date.now() - afterG < afterGMs;
  afterG = 0;
  if (isAfterG) {
    const view = views.find((one) => one.key === key);
    if (view !== undefined) go(addressOf(view.name));
    return view !== undefined;
  }
  const { pickers } = viewOf(address.value.view);
  const word = rangeKeys[key];
  if (word !== undefined && pickers.includes("range")) {
    change({ range: word });
    return true;
  }
  switch (key) {
    case "g":
      afterG = Date.now();
      return true;
    case "?":
      keyHelp.value = true;
      return true;
    case "x":
      if (pickers.includes("compare")) toggleComparison();
      return pickers.includes("compare");
    case "[":
    case "]":
      return pickers.includes("range") && moveRange(key === "[" ? -1 : 1);
    default:
      return ["/", "z", "c", "v"].includes(key) && clickKey(key);
  }
}

function moveRange(by: number): boolean {
  const instants = shownInstants.value;
  if (instants === undefined || range.value === "all") return false;
  change({ range: movedRange(instants, zone.value, by) });
  return true;
}

/** The first visible button or field that names the key. */
function clickKey(key: string): boolean {
  for (const element of document.querySelectorAll<HTMLElement>(`[data-key="${key}"]`)) {
    if (element.getClientRects().length === 0) continue;
    if (element instanceof HTMLInputElement) element.focus();
    else element.click();
    return true;
  }
  return false;
}

function isTyping(target: EventTarget | null): boolean {
  return (
    target instanceof HTMLInputElement ||
    target instanceof HTMLTextAreaElement ||
    target instanceof HTMLSelectElement
  );
}

function openDialog(): boolean {
  return document.querySelector("dialog[open], [popover]:popover-open") !== null;
}

export function startKeys(): void {
  addEventListener("keydown", press);
}
