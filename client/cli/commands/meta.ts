import type { AnswerMeta } from "../../src/answers.ts";

/** How exact and how fresh an answer is, in a line. */
export function metaText({
  exact,
  because,
  asOf,
  source,
  tookMs,
  rowsLeftOut,
}: AnswerMeta): string {
  const truth = exact ? "exact" : `not exact (${because?.join(", ")})`;
  const more =
    rowsLeftOut === undefined || rowsLeftOut === 0 ? "" : `, ${rowsLeftOut} rows left out`;
  return `${truth}${more}, as of ${asOf}, from ${source} in ${tookMs} ms`;
}
