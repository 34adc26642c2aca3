import { computed, signal } from "@preact/signals";
import {
  changed,
  parameterList,
  rangeOf,
  readAddress,
  writeAddress,
  zoneOf,
  type Address,
  type Changes,
  type ViewName,
} from "../pure/address.ts";
import { readFilter, writeFilter, type Filter } from "../pure/filter.ts";
import type { Comparison } from "../pure/range.ts";
import { ownZone } from "../pure/zone.ts";

/**
 * The address is the state: these signals are read from it, and only `go` changes what is shown.
 */
export const address = signal<Address>(readAddress(location.pathname, location.search));

const lastZone = "maily-zone";
function sessionZone(): string {
  try {
    return sessionStorage.getItem(lastZone) ?? ownZone();
  } catch {
    return ownZone();
  }
}

export const zone = computed(() => zoneOf(address.value, sessionZone()));
export const range = computed(() => rangeOf(address.value));
export const filters = computed<readonly Filter[]>(() =>
  parameterList(address.value, "f")
    .map(readFilter)
    .filter((filter) => filter !== undefined),
);
export const comparison = computed<Comparison | undefined>(() => {
  const text = parameterList(address.value, "cmp")[0];
  return text === "previous" || text === "weekdays" || text === "year" ? text : undefined;
});

/** Called after each change of the view, to put the focus on its title. */
export const arrivals = signal(0);

/**
 * Changes the address. `replace`: without an entry of its own in the history, for typing, hiding,
 * sorting.
 */
export function go(to: Address, { replace = false }: { readonly replace?: boolean } = {}): void {
  const before = address.value;
  const text = writeAddress(to);
  if (text === writeAddress(before)) return;
  if (replace) history.replaceState(null, "", text);
  else history.pushState(null, "", text);
  address.value = to;
  if (to.view !== before.view) arrive();
}

/** Changes parameters of the present address. */
export function change(changes: Changes, options?: { readonly replace?: boolean }): void {
  go(changed(address.value, changes), options);
}

export function setFilters(to: readonly Filter[]): void {
  change({ f: to.map(writeFilter) });
}

export function addFilter(filter: Filter): void {
  const text = writeFilter(filter);
  const texts = parameterList(address.value, "f");
  if (!texts.includes(text)) change({ f: [...texts, text] });
}

/**
 * The address of a view, with the present range, zone, filters and comparison, and the view's own
 * parameters.
 */
export function addressOf(view: ViewName, own: Changes = {}): Address {
  const common = address.value.parameters.filter(([name]) =>
    ["range", "tz", "f", "cmp"].includes(name),
  );
  return changed({ view, parameters: common }, own);
}

/** The address of an event, a story or a saved question, with the list that it was opened from. */
export function openedAddress(kind: "event" | "story" | "question", id: string): Address {
  const view = kind === "question" ? "saved" : "events";
  const parameters =
    address.value.view === view
      ? address.value.parameters
      : address.value.parameters.filter(([name]) => name === "range" || name === "tz");
  return { view, opened: { kind, id }, parameters };
}

export function hrefOf(to: Address): string {
  return writeAddress(to);
}

/** Follows a link of the page without leaving the page, unless a new tab is wanted. */
export function follow(to: Address) {
  return (event: MouseEvent): void => {
    if (event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey)
      return;
    event.preventDefault();
    go(to);
  };
}

function arrive(): void {
  arrivals.value++;
  scrollTo(0, 0);
}

/** A zone of the address that does not exist; another one is shown and written in its place. */
export const unknownZone = signal<string | undefined>(undefined);

/** Writes the zone into the address, so that a link shows the same numbers elsewhere. */
function writeZone(): void {
  const now = address.value;
  const [written] = parameterList(now, "tz");
  if (written !== zone.value) {
    unknownZone.value = written;
    go(changed(now, { tz: zone.value }), { replace: true });
  }
}

export function setZone(name: string): void {
  try {
    sessionStorage.setItem(lastZone, name);
  } catch {
    // Without storage the zone is still in the address.
  }
  unknownZone.value = undefined;
  change({ tz: name });
}

export function startRouter(): void {
  writeZone();
  addEventListener("popstate", () => {
    const before = address.value;
    address.value = readAddress(location.pathname, location.search);
    writeZone();
    if (address.value.view !== before.view) arrivals.value++;
  });
}
