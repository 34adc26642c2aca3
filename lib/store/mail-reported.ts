import type { MailQuestion } from "../analytics/mail-question.ts";
import type { MailReport } from "../analytics/mail-report.ts";
import { exactness, type Told } from "../analytics/told.ts";
import type { Asking } from "./asking.ts";

/** A mail report before its `meta` is added. */
export interface MailReported extends Omit<MailReport, "rows"> {
  readonly data: MailReport["rows"];
  readonly told: Told;
}

/** Answer a question about mails from their events. */
export async function mailReported(
  asking: Asking,
  { filter, job }: MailQuestion,
): Promise<MailReported> {
  const { rows, total, groups } = (await asking.analyze(filter, job)).result;
  const rowsLeftOut = groups - rows.length;
  const told = {
    ...exactness(rowsLeftOut > 0 ? ["rowsLeftOut"] : []),
    source: "events" as const,
    rows: rows.length,
    rowsLeftOut,
  };
  return { data: rows, total, groups, told };
}
