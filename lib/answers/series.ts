import { countPeriods, periods, type Interval, type Period } from "../counting/calendar.ts";
import type { OpenRange, Range } from "../event/filter.ts";
import { tellSpan } from "../questions/answer-meta.ts";
import { ServiceError } from "../errors.ts";

/** The most periods of one series. */
export const maxPeriods = 10_000;

/**
 * The periods of a series.
 * @param pointer what the question calls its interval
 * @param open the range as it was asked for; `range` is the same with its open ends closed
 * @throws ServiceError VALIDATION where there would be more than `maxPeriods`; the message has both
 * ends of the range, so that a single event far from the others is found
 */
export function seriesOf(
  pointer: string,
  { interval, timezone }: { readonly interval: Interval; readonly timezone: string },
  open: OpenRange,
  range: Range,
): readonly Period[] {
  const count = countPeriods(interval, range);
  if (count <= maxPeriods) return periods(interval, timezone, range);
  const message = `the range ${tellSpan(open, range)} has about ${count} periods of a ${interval}; at most ${maxPeriods} are answered: give a shorter range or choose a longer interval`;
  throw new ServiceError("VALIDATION", undefined, {
    errors: [{ pointer, code: "too_many_periods", message }],
  });
}
