import type { MailQuestion } from "../analytics/mail-question.ts";
import type { MailReport } from "../analytics/mail-report.ts";
import { exactness, toldRange, type Told } from "../analytics/told.ts";
import type { Asking } from "./asking.ts";
import { closedRange } from "./closed-range.ts";

/** A mail report before its `meta` is added. */
export interface MailReported extends Omit<MailReport, "rows"> {
  readonly data: MailReport["rows"];
  readonly told: Told;
}

/** Answer a question about mails from their events. */
export async function mailReported(
  asking: Asking,
  { filter, job, range }: MailQuestion,
): Promise<MailReported> {
  const closed = await closedRange(asking, range, filter.types);
  const { rows, total, groups } = (await asking.analyze(filter, job)).result;
  const rowsLeftOut = groups - rows.length;
  const told = {
    ...exactness(rowsLeftOut > 0 ? ["rowsLeftOut"] : []),
    source: "events" as const,
    rows: rows.length,
    rowsLeftOut,
    ...(closed && { range: toldRange(closed) }),
  };
  return { data: rows, total, groups, told };
}
