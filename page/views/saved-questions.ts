import type { Meta } from "../api/answers.ts";
import { ask, askWithHeaders } from "../api/client.ts";
import { parameter, readAddress, type Address } from "../pure/address.ts";

/** How a saved question is shown: what the page keeps in its `view`. */
export interface SavedView {
  readonly address?: string;
  readonly shape?: string;
  readonly pinned?: boolean;
  readonly order?: number;
}

export interface SavedEntry {
  readonly name: string;
  readonly kind: string;
  readonly description: string;
  readonly view?: SavedView;
  readonly savedAt: string;
}

export type SavedQuestion = SavedEntry & { readonly question: unknown };

export interface SavedList {
  readonly data: readonly SavedEntry[];
  readonly meta?: Meta;
}

export function pathOf(name: string): string {
  return `/api/v1/queries/${encodeURIComponent(name)}`;
}

/** The question with the tag of its version. */
export async function readSaved(name: string) {
  const { answer, headers } = await askWithHeaders<SavedQuestion>({ path: pathOf(name) });
  return { question: answer, tag: headers.get("ETag") ?? "*" };
}

/**
 * Saves over the version that was read.
 * @throws Problem 412 where somebody saved meanwhile
 */
export function writeSaved(
  { name, kind, question, description, view }: SavedQuestion,
  tag: string,
): Promise<unknown> {
  return ask({
    method: "PUT",
    path: pathOf(name),
    headers: { "If-Match": tag },
    body: { kind, question, description, ...(view !== undefined && { view }) },
  });
}

export function removeSaved(name: string, tag: string): Promise<unknown> {
  return ask({ method: "DELETE", path: pathOf(name), headers: { "If-Match": tag } });
}

/**
 * The address at which the question's view opens; `undefined` where no view of the page made it.
 */
export function viewAddress({ view }: SavedEntry): Address | undefined {
  const text = view?.address;
  if (typeof text !== "string" || !text.startsWith("/") || text.startsWith("//")) return undefined;
  const [path = "", search = ""] = text.split("?", 2);
  const address = readAddress(path, search);
  return address.view === "now" ? undefined : address;
}

/** Whether the question's view shows all time: the ends that its answer names cut no period. */
export function isAllTime(entry: SavedEntry): boolean {
  const address = viewAddress(entry);
  return address !== undefined && parameter(address, "range") === "all";
}

/** The pinned questions in their order, then the others by name. */
export function boardOf(entries: readonly SavedEntry[]): {
  readonly pinned: readonly SavedEntry[];
  readonly rest: readonly SavedEntry[];
} {
  const place = ({ view }: SavedEntry) => view?.order ?? Number.MAX_SAFE_INTEGER;
  const isPinned = ({ view }: SavedEntry) => view?.pinned === true;
  return {
    pinned: entries
      .filter(isPinned)
      .toSorted((one, other) => place(one) - place(other) || (one.name < other.name ? -1 : 1)),
    rest: entries.filter((entry) => !isPinned(entry)),
  };
}
