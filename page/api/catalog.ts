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
  readonly isBusy: boolean;
  readonly problem: string | undefined;
}

/** The state of one list of the catalogue. The old list stays until the new one comes. */
function useCatalog<Entry>(call: Call | undefined): CatalogState<Entry> {
  const [state, setState] = useState<CatalogState<Entry>>({
    entries: [],
    isBusy: true,
    problem: undefined,
  });
  useEffect(() => {
    if (call === undefined) {
      setState({ entries: [], isBusy: false, problem: undefined });
      return;
    }
    let isLate = false;
    setState((before) => ({ ...before, isBusy: true }));
    fetched<Catalog<Entry>>(call).then(
      ({ data }) => {
        if (!isLate) setState({ entries: data, isBusy: false, problem: undefined });
      },
      (error: unknown) => {
        if (isLate) return;
        const problem = error instanceof Problem ? error.message : String(error);
        setState({ entries: [], isBusy: false, problem });
      },
    );
    return () => {
      isLate = true;
    };
  }, [call?.path]);
  return state;
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
