import { useTypes } from "../api/catalog.ts";

/** The types there are, the most frequent first; `undefined` while they are asked for. */
export function useTypeNames(): readonly string[] | undefined {
  const { entries, isBusy } = useTypes();
  if (isBusy && entries.length === 0) return undefined;
  return entries.map(({ type }) => type);
}

/** Those of these that there are, else the most frequent ones: what a view asks about where nobody chose. */
export function typesFor(
  known: readonly string[],
  liked: readonly string[],
  atLeast: number,
): readonly string[] {
  if (known.length === 0) return liked;
  const found = liked.filter((type) => known.includes(type));
  return found.length >= atLeast ? found : known.slice(0, atLeast);
}
