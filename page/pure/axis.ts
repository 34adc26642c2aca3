import { clockParts, type Period } from "./format.ts";
import type { Series } from "./series.ts";

/**
 * How far the values of a chart reach from 0: down and up.
 * @param isStacked whether the values of a place stand on one another: those above 0 upwards, those
 *   below it downwards
 * @param withPrevious whether those of the compared range are drawn, too
 */
export function extentOf(
  series: readonly Pick<Series, "values" | "previous">[],
  { isStacked, withPrevious }: { readonly isStacked: boolean; readonly withPrevious: boolean },
): readonly [least: number, most: number] {
  let [least, most] = [0, 0];
  const places = Math.max(0, ...series.map(({ values }) => values.length));
  for (let place = 0; place < places; place++) {
    const values = series.map((one) => one.values[place] ?? 0);
    const before = withPrevious ? series.map(({ previous }) => previous?.[place] ?? 0) : [];
    const sum = (some: readonly number[]) => some.reduce((all, value) => all + value, 0);
    const ends = isStacked
      ? [sum(values.filter((value) => value < 0)), sum(values.filter((value) => value > 0))]
      : values;
    least = Math.min(least, ...ends, ...before);
    most = Math.max(most, ...ends, ...before);
  }
  return [least, most];
}

/**
 * The lines of an axis from its lower to its upper end, 0 among them: four above 0, counts below 4
 * in whole steps; where there are values below 0, four to six of equal steps.
 */
export function axisOf(
  [least, largest]: readonly [least: number, most: number],
  isCount: boolean,
): readonly number[] {
  if (least < 0) return axisAcross(least, largest);
  if (largest <= 0) return isCount ? [0, 1, 2, 3, 4] : [0, 0.25, 0.5, 0.75, 1];
  if (isCount && largest < 4) return [0, 1, 2, 3, 4].slice(0, Math.max(2, Math.ceil(largest) + 1));
  const power = 10 ** Math.floor(Math.log10(largest));
  const tops = [1, 1.2, 1.6, 2, 2.4, 3, 4, 5, 6, 8, 10];
  const top = tops.find((one) => one * power >= largest * 0.999999)! * power;
  return [0, 1, 2, 3, 4].map((step) => Number(((top / 4) * step).toPrecision(12)));
}

/** The lines of an axis that goes below 0. */
function axisAcross(least: number, most: number): readonly number[] {
  const rough = most / 4 - least / 4;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 2.5, 5, 10].find((one) => one * power >= rough * 0.999999)! * power;
  const first = Math.floor(least / step + 0.000001);
  const last = Math.ceil(most / step - 0.000001);
  return Array.from({ length: last - first + 1 }, (_, at) =>
    Number(((first + at) * step).toPrecision(12)),
  );
}

/** The places that get a label: as many as fit, at full hours, days and Mondays. */
export function ticksOf(times: readonly string[], per: Period, most: number): readonly number[] {
  const steps = {
    minute: [1, 5, 10, 15, 30, 60, 120],
    hour: [1, 2, 3, 6, 12, 24, 48],
    day: [1, 2, 7, 14, 28],
    week: [1, 2, 4, 8, 13, 26],
    month: [1, 2, 3, 6, 12, 24, 60],
  }[per];
  const step = steps.find((one) => times.length / one <= most) ?? Math.ceil(times.length / most);
  const anchored = times.flatMap((time, index) =>
    isAnchor(time, per, step, index) ? [index] : [],
  );
  return anchored.length <= most + 1 ? anchored : anchored.filter((_, index) => index % 2 === 0);
}

function isAnchor(time: string, per: Period, step: number, index: number): boolean {
  const { time: clock, weekday, month } = clockParts(time);
  const [hour = 0, minute = 0] = clock.split(":").map(Number);
  switch (per) {
    case "minute":
      return (hour * 60 + minute) % step === 0;
    case "hour":
      return step <= 24
        ? hour % step === 0
        : hour === 0 && Math.floor(index / 24) % (step / 24) === 0;
    case "day":
      return step === 7 ? weekday === 1 : index % step === 0;
    case "month":
      return step <= 12 ? (month - 1) % step === 0 : index % step === 0;
    default:
      return index % step === 0;
  }
}
