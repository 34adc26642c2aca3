import { useTypes } from "../api/catalog.ts";

/** The project's types, the most frequent first; `undefined` while they are being read. */
export function useTypeNames(): readonly string[] | undefined {
  const { entries, isBusy } = useTypes();
  if (isBusy && entries.length === 0) return undefined;
  return entries.map(({ type }) => type);
}

/** The preferred types that the project has, else its most frequent ones: the default of a view. */
export function typesFor(
  known: readonly string[],
  liked: readonly string[],
  atLeast: number,
): readonly string[] {
  if (known.length === 0) return liked;
  const found = liked.filter((type) => known.includes(type));
  return found.length >= atLeast ? found : known.slice(0, atLeast);
}
