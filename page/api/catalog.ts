import { useEffect, useState } from "preact/hooks";
import type { Catalog, CatalogProperty, CatalogType, CatalogValue } from "./answers.ts";
import { ask, Problem, withParameters, type Call } from "./client.ts";
import { keyNumber } from "./key.ts";

/**
 * The catalogue's answers to the present key. Each is kept for a minute: pickers open at once the
 * second time.
 */
const cached = new Map<string, { readonly at: number; readonly answer: Promise<unknown> }>();
const cacheMs = 60_000;
keyNumber.subscribe(() => cached.clear());

function fetched<Answer>(call: Call): Promise<Answer> {
  const entry = cached.get(call.path);
  if (entry !== undefined && Date.now() - entry.at < cacheMs)
    return entry.answer as Promise<Answer>;
  const answer = ask<Answer>(call);
  cached.set(call.path, { at: Date.now(), answer });
  answer.catch(() => cached.get(call.path)?.answer === answer && cached.delete(call.path));
  return answer;
}

interface CatalogState<Entry> {
  readonly entries: readonly Entry[];
  /** The entries are those of the list before, if there was one. */
  readonly isBusy: boolean;
  readonly problem: string | undefined;
}

interface Listed<Entry> {
  /** The path of the list; `undefined` where none was read. */
  readonly path: string | undefined;
  readonly entries: readonly Entry[];
  readonly problem?: string;
}

/** The state of one list of the catalogue. The old list stays until the new one comes. */
function useCatalog<Entry>(call: Call | undefined): CatalogState<Entry> {
  const path = call?.path;
  const [state, setState] = useState<Listed<Entry>>({ path: undefined, entries: [] });
  useEffect(() => {
    if (call === undefined) {
      setState({ path, entries: [] });
      return;
    }
    let isLate = false;
    fetched<Catalog<Entry>>(call).then(
      ({ data }) => {
        if (!isLate) setState({ path, entries: data });
      },
      (error: unknown) => {
        if (isLate) return;
        const problem = error instanceof Problem ? error.message : String(error);
        setState({ path, entries: [], problem });
      },
    );
    return () => {
      isLate = true;
    };
  }, [path]);
  return { entries: state.entries, isBusy: state.path !== path, problem: state.problem };
}

export function useTypes(): CatalogState<CatalogType> {
  return useCatalog({ path: "/api/v1/catalog/types" });
}

/** So many types are told where no number is asked for. */
const mostTypes = 100;

/**
 * The instant of the project's first event, in epoch milliseconds; `undefined` where it is unknown.
 */
export function useFirstEvent(): number | undefined {
  const { entries } = useTypes();
  const instants = entries.flatMap(({ firstSeen }) =>
    firstSeen === null ? [] : [Date.parse(firstSeen)],
  );
  return instants.length === 0 || entries.length >= mostTypes ? undefined : Math.min(...instants);
}

export function useProperties(types: readonly string[]): CatalogState<CatalogProperty> {
  const parameters = types.map((type) => ["type", type] as const);
  return useCatalog({ path: withParameters("/api/v1/catalog/properties", parameters) });
}

export function useValues(
  property: string | undefined,
  types: readonly string[],
  search: string,
): CatalogState<CatalogValue> {
  const parameters = [
    ["property", property ?? ""] as const,
    ...types.map((type) => ["type", type] as const),
    ...(search === "" ? [] : [["search", search] as const]),
  ];
  return useCatalog(
    property === undefined
      ? undefined
      : { path: withParameters("/api/v1/catalog/values", parameters) },
  );
}
