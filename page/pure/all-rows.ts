import type { QueryAnswer } from "../api/answers.ts";

/** The most rows of an answer. */
export const pageRows = 10_000;

/** Six lines of the most periods that a series has. */
const mostPages = 6;

/**
 * Asks a query page by page, and gives its rows as one answer. Where there are still more its
 * cursor and its `rowsLeftOut` say so.
 * @param ask sends a body; what it throws is thrown
 */
export async function allRows(
  body: object,
  ask: (body: object) => Promise<QueryAnswer>,
): Promise<QueryAnswer> {
  const first = await ask(body);
  let last = first;
  const rows = [...first.results];
  for (let page = 1; page < mostPages && last.nextCursor !== null; page++) {
    last = await ask({ ...body, cursor: last.nextCursor });
    rows.push(...last.results);
  }
  // What came after the first page was read is not in all rows.
  const meta = { ...last.meta, asOf: first.meta.asOf, rows: rows.length };
  return { ...first, results: rows, nextCursor: last.nextCursor, meta };
}
