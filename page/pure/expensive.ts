import { counted, duration, number } from "./format.ts";

/** The API's sentence of a question that was stopped; it says no more than the page's. */
const tookLonger = /^it took longer than (?:(\d+) ms|it may)/;

/** The API's sentence of a question about too many events: how many are expected, and the bound. */
const tooMany = /^about (\d+) events would be read, and at most (\d+) are\b/;

/**
 * A question that is too expensive, by the API's sentence: `This took longer than 10 s and was
 * stopped.`, `This would read 31,000,000 events, 10,000,000 are allowed.` `undefined` for any other
 * sentence: its numbers may be years, periods or milliseconds.
 */
export function expensiveInWords(detail: string): string | undefined {
  const [stopped, ms] = tookLonger.exec(detail) ?? [];
  if (stopped !== undefined) {
    const most = ms === undefined ? "a question may take" : duration(Number(ms));
    return `This took longer than ${most} and was stopped.`;
  }
  const [read, would, allowed] = tooMany.exec(detail) ?? [];
  if (read === undefined) return undefined;
  return `This would read ${counted(Number(would), "event")}, ${number(Number(allowed))} are allowed.`;
}

/** Whether the page's words say all that the API's sentence says. */
export function isSaidWhole(detail: string): boolean {
  return tookLonger.test(detail);
}
