import type { MailQuestion } from "../analytics/mail-question.ts";
import type { MailReport } from "../analytics/mail-report.ts";
import type { Asking } from "./asking.ts";

/** A mail report before its `meta` is added. */
export interface MailReported extends Omit<MailReport, "rows"> {
  readonly data: MailReport["rows"];
  readonly exact: true;
  readonly source: "events";
}

/** Answer a question about mails from their events. */
export async function mailReported(
  asking: Asking,
  { filter, job }: MailQuestion,
): Promise<MailReported> {
  const { rows, total, groups } = (await asking.analyze(filter, job)).result;
  return { data: rows, total, groups, exact: true, source: "events" };
}
