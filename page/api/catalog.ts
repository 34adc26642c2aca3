import { useEffect, useState } from "preact/hooks";
import type { Catalog, CatalogProperty, CatalogType, CatalogValue } from "./answers.ts";
import { ask, Problem, withParameters, type Call } from "./client.ts";

/** What there is to ask about. Each answer is kept for a minute: pickers open at once the second time. */
const kept = new Map<string, { readonly at: number; readonly answer: Promise<unknown> }>();
const keptMs = 60_000;

function fetched<Answer>(call: Call): Promise<Answer> {
  const known = kept.get(call.path);
  if (known !== undefined && Date.now() - known.at < keptMs) return known.answer as Promise<Answer>;
  const answer = ask<Answer>(call);
  kept.set(call.path, { at: Date.now(), answer });
  answer.catch(() => kept.delete(call.path));
  return answer;
}

interface Known<Entry> {
  readonly entries: readonly Entry[];
  readonly isBusy: boolean;
  readonly problem: string | undefined;
}

/** The old list stays until the new one is there. */
function useCatalog<Entry>(call: Call | undefined): Known<Entry> {
  const [state, setState] = useState<Known<Entry>>({
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

export function useTypes(): Known<CatalogType> {
  return useCatalog({ path: "/api/v1/catalog/types" });
}

/** So many types are told where no number is asked for. */
const mostTypes = 100;

/** When the project's first event was, in epoch milliseconds; `undefined` where that is not known. */
export function useFirstEvent(): number | undefined {
  const { entries } = useTypes();
  const instants = entries.flatMap(({ firstSeen }) =>
    firstSeen === null ? [] : [Date.parse(firstSeen)],
  );
  return instants.length === 0 || entries.length >= mostTypes ? undefined : Math.min(...instants);
}

export function useProperties(types: readonly string[]): Known<CatalogProperty> {
  const parameters = types.map((type) => ["type", type] as const);
  return useCatalog({ path: withParameters("/api/v1/catalog/properties", parameters) });
}

export function useValues(
  property: string | undefined,
  types: readonly string[],
  search: string,
): Known<CatalogValue> {
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
