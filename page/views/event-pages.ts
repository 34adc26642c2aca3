import { useEffect, useRef, useState } from "preact/hooks";
import type { EventList, StoredEvent } from "../api/answers.ts";
import { ask, Problem, type Call } from "../api/client.ts";

/** So many events have the list's first page and each that follows it. */
export const pageRows = 100;

interface Pages {
  /** The first page, which the others follow. */
  readonly first: EventList | undefined;
  readonly rows: readonly StoredEvent[];
  readonly next: string | null | undefined;
  readonly isLoading?: boolean;
  readonly problem?: string;
}

/**
 * The pages after the first, by its cursor; dropped when another list is there.
 * @param isCurrent whether the first page answers the call: its cursor is of no other call
 */
export function useMore(call: Call, first: EventList | undefined, isCurrent: boolean) {
  const [pages, setPages] = useState<Pages>({ first, rows: [], next: undefined });
  const state: Pages = pages.first === first ? pages : { first, rows: [], next: undefined };
  const controller = useRef<AbortController | undefined>(undefined);
  useEffect(() => () => controller.current?.abort(), [first, call.path]);
  const next = (state.next === undefined ? first?.page.nextCursor : state.next) ?? undefined;
  return {
    rows: state.rows,
    hasNext: next !== undefined,
    isLoading: isCurrent && state.isLoading === true,
    isCurrent,
    problem: state.problem,
    ask: () => {
      if (next === undefined || !isCurrent) return;
      const mine = new AbortController();
      controller.current = mine;
      const { rows } = state;
      setPages({ first, rows, next, isLoading: true });
      const path = `${call.path.replace("&include=total", "")}&cursor=${encodeURIComponent(next)}`;
      ask<EventList>({ path }, mine.signal).then(
        ({ data, page }) => {
          if (mine.signal.aborted) return;
          setPages({ first, rows: [...rows, ...data], next: page.nextCursor });
        },
        (error: unknown) => {
          // The list of before may be asked for again: it goes on where it was.
          const problem = error instanceof Problem ? error.message : String(error);
          setPages({ first, rows, next, ...(!mine.signal.aborted && { problem }) });
        },
      );
    },
  };
}
