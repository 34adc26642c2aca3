/**
 * Writes numbers, times and changes. No other module formats, so a number looks alike everywhere.
 * Numbers follow the reader's language, words are English. The minus is `−`.
 */

export const notKnown = "–";

let language = navigator.language;

/** Sets the language, for tests and for readers of another language than the browser's. */
export function useLanguage(name: string): void {
  language = name;
  formats.clear();
}

/**
 * What stands between thousands and before fractions. Languages of this table are written here as
 * Intl writes them, since Intl's first number costs a seventh of the scripts of the first load.
 */
const signs: Readonly<Record<string, readonly [thousands: string, point: string]>> = {
  ...Object.fromEntries(
    ["en", "en-US", "en-GB", "en-CA", "en-AU"].map((name) => [name, [",", "."]]),
  ),
  ...Object.fromEntries(["de", "de-DE"].map((name) => [name, [".", ","]])),
};

const formats = new Map<string, Intl.NumberFormat>();

/**
 * A number with so many digits after the point, at least and at most; a half is rounded up. What
 * becomes 0 has no sign.
 */
function written(given: number, least: number, most: number): string {
  const value = Math.abs(given) < 0.5 * 10 ** -most ? 0 : given;
  const known = signs[language];
  // The text of others may have an exponent.
  if (known !== undefined && Math.abs(value) < 1e15 && (value === 0 || Math.abs(value) >= 1e-6))
    return withSigns(value, least, most, known);
  const name = `${least} ${most}`;
  let format = formats.get(name);
  if (format === undefined) {
    const digits = { minimumFractionDigits: least, maximumFractionDigits: most };
    format = new Intl.NumberFormat(language, digits);
    formats.set(name, format);
  }
  return format.format(value).replace(/-/g, "−");
}

function withSigns(
  value: number,
  least: number,
  most: number,
  [thousands, point]: readonly [string, string],
): string {
  const [whole = "", fraction = ""] = String(Math.abs(value)).split(".");
  let digits = whole + fraction.slice(0, most).padEnd(most, "0");
  if (fraction.charAt(most) >= "5")
    digits = String(BigInt(digits) + 1n).padStart(digits.length, "0");
  const end = digits.length - most;
  const before = digits.slice(0, end).replace(/\B(?=(\d{3})+$)/g, thousands);
  const after = digits.slice(end, end + least) + digits.slice(end + least).replace(/0+$/, "");
  return `${value < 0 ? "−" : ""}${before}${after === "" ? "" : point + after}`;
}

/**
 * A number in full: `12,480`; fractions with at most two digits, those below 0.1 with as many as
 * show two that are not 0, to nine: `0.00042`. `null` stands for a missing number.
 */
export function number(value: number | null | undefined): string {
  if (value === null || value === undefined) return notKnown;
  return written(value, 0, Math.min(9, Math.max(2, 1 - magnitude(value))));
}

/** The power of ten of a number's first digit; 0 for 0. */
function magnitude(value: number): number {
  return value === 0 ? 0 : Math.floor(Math.log10(Math.abs(value)));
}

/** A number that may not be the true one: `≈ 12,480`. */
export function approximate(value: number | null | undefined, isInexact = true): string {
  return isInexact && typeof value === "number" ? `≈ ${number(value)}` : number(value);
}

const units = ["", "k", "M", "G", "T", "P"];

/**
 * For axes, whose lines are quarters of a round number and have at most three digits: `2.5k`,
 * `1.25k`, `12M`, `0.375`, below a thousandth `1.25e−4`.
 */
export function short(value: number): string {
  const power = magnitude(value);
  if (power < -3) return `${written(value / 10 ** power, 0, 2)}e−${-power}`;
  const step = Math.min(units.length - 1, Math.max(0, Math.floor(power / 3)));
  return written(value / 1_000 ** step, 0, Math.max(2, 2 - power)) + units[step];
}

/**
 * A share of 1: `18.3 %`, below 1 % `0.42 %`. What is not nothing is never `0.00 %`, what is not all
 * never `100.0 %`.
 */
export function percent(share: number | null | undefined): string {
  if (share === null || share === undefined) return notKnown;
  if (share > 0 && share < 0.00005) return `< ${digitsOfPercent(0.0001)}`;
  return share >= 0.9995 && share < 1 ? `> ${digitsOfPercent(0.999)}` : digitsOfPercent(share);
}

function digitsOfPercent(share: number): string {
  const digits = share !== 0 && Math.abs(share) < 0.01 ? 2 : 1;
  return `${written(share * 100, digits, digits)} %`;
}

/**
 * A share without digits after the point, for cells: `44 %`. What is neither nothing nor all is
 * `< 1 %` or `> 99 %`.
 */
export function roundPercent(share: number | null | undefined): string {
  if (share === null || share === undefined) return notKnown;
  if (share > 0 && share < 0.005) return "< 1 %";
  return share >= 0.995 && share < 1 ? "> 99 %" : `${written(share * 100, 0, 0)} %`;
}

/**
 * The change from one number to another: `+27.6 %`, `−3.1 %`, `new` where nothing was before: of
 * things that are counted, since a sum or an average of something may be 0.
 */
export function change(
  now: number | null | undefined,
  before: number | null | undefined,
  isCount = true,
): string {
  if (now === null || now === undefined || before === null || before === undefined) return notKnown;
  if (before === 0) return now === 0 || !isCount ? notKnown : "new";
  const share = (now - before) / Math.abs(before);
  return `${share > 0 ? "+" : ""}${digitsOfPercent(share)}`;
}

/** The same in words: `27.6 % more`, `3.1 % less`, `as many`, from ten times on `26 times as many`. */
export function changeInWords(
  now: number | null | undefined,
  before: number | null | undefined,
): string {
  if (now === null || now === undefined || before === null || before === undefined) return "";
  if (before === 0) return now === 0 ? "none before" : "none before that";
  if (now === before) return "as many";
  if (now / before >= 10) return `${number(Math.round(now / before))} times as many`;
  const share = Math.abs((now - before) / before);
  return `${percent(share)} ${now > before ? "more" : "less"}`;
}

/** The change of a rate, in points: `+1.2 points`. */
export function points(now: number | null | undefined, before: number | null | undefined): string {
  if (now === null || now === undefined || before === null || before === undefined) return notKnown;
  const difference = (now - before) * 100;
  return `${difference > 0 ? "+" : ""}${written(difference, 1, 1)} points`;
}

/** A length of time, in the two largest units that matter: `0.4 s`, `42 s`, `8 min`, `3 h 12 min`, `2 d 4 h`. */
export function duration(ms: number | null | undefined): string {
  if (ms === null || ms === undefined) return notKnown;
  if (ms < 1_000)
    return ms === 0 ? "0 s" : ms < 50 ? "under 0.1 s" : `${number(Math.round(ms / 100) / 10)} s`;
  if (ms < 10_000) return `${number(Math.round(ms / 100) / 10)} s`;
  const seconds = Math.round(ms / 1_000);
  if (seconds < 60) return `${seconds} s`;
  const minutes = Math.round(seconds / 60);
  if (minutes < 60)
    return seconds < 300 && seconds % 60 !== 0
      ? `${Math.floor(seconds / 60)} min ${seconds % 60} s`
      : `${minutes} min`;
  const hours = Math.floor(minutes / 60);
  if (hours < 24) return two(hours, "h", minutes % 60, "min");
  const days = Math.floor(hours / 24);
  return days < 14 ? two(days, "d", hours % 24, "h") : `${number(days)} d`;
}

function two(large: number, largeUnit: string, small: number, smallUnit: string): string {
  return small === 0 ? `${large} ${largeUnit}` : `${large} ${largeUnit} ${small} ${smallUnit}`;
}

/** A size as people read it: `512 B`, `3.4 KB`, `1.2 MB`. */
export function bytes(size: number): string {
  const names = ["B", "KB", "MB", "GB"];
  const step = size < 1 ? 0 : Math.min(names.length - 1, Math.floor(Math.log2(size) / 10));
  const shown = Math.round((size / 1_024 ** step) * 10) / 10;
  return `${number(shown)} ${names[step]}`;
}

/** One or several: `1 event`, `12,480 events`. */
export function counted(value: number, one: string, several = `${one}s`): string {
  return `${number(value)} ${value === 1 ? one : several}`;
}

const dayNames = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];
const monthNames = [
  ..."January February March April May June July".split(" "),
  ..."August September October November December".split(" "),
];

/**
 * The parts of a text that begins `2026-10-25T02:00:00`, as they are written: no zone is applied.
 */
export interface ClockParts {
  readonly year: number;
  readonly month: number;
  readonly day: number;
  /** `02:00` */
  readonly time: string;
  /** `02:00:00` */
  readonly seconds: string;
  /** `+01:00`, or empty. */
  readonly offset: string;
  /** 0 is Sunday. */
  readonly weekday: number;
}

const clockText = /^(-?\d{4,6})-(\d\d)-(\d\d)(?:T(\d\d:\d\d)(:\d\d)?(?:\.\d+)?(Z|[+-]\d\d:\d\d)?)?/;

export function clockParts(text: string): ClockParts {
  const [, year = "1970", month = "01", day = "01", time = "00:00", seconds = ":00", offset = ""] =
    clockText.exec(text) ?? [];
  const weekday = new Date(Date.UTC(Number(year), Number(month) - 1, Number(day))).getUTCDay();
  return {
    year: Number(year),
    month: Number(month),
    day: Number(day),
    time,
    seconds: time + seconds,
    offset,
    weekday,
  };
}

export type Period = "minute" | "hour" | "day" | "week" | "month";

/**
 * A period by the text of its start, in full: `Sun 15 November`, `Sun 15 November, 14:00`, `Week of
 * 9 November`, with the year where it is not the one of `beside`.
 */
export function periodName(
  text: string,
  per: Period,
  { withOffset = false, beside = text }: { withOffset?: boolean; beside?: string } = {},
): string {
  const { day, month, year, time, offset, weekday } = clockParts(text);
  const shift = withOffset && offset !== "" ? ` (UTC${offset === "Z" ? "" : offset})` : "";
  const name = `${day} ${monthNames[month - 1]!}${year === clockParts(beside).year ? "" : ` ${year}`}`;
  switch (per) {
    case "month":
      return monthAndYear(year, month);
    case "week":
      return `Week of ${name}`;
    case "day":
      return `${dayNames[weekday]!.slice(0, 3)} ${name}`;
    default:
      return `${dayNames[weekday]!.slice(0, 3)} ${name}, ${time}${shift}`;
  }
}

/**
 * A period on an axis: `15 Nov`, `14:00`, `Nov`; `first` where its day is new to the axis. The year
 * stands where it is not the one of `beside`, the label before; the first label has none.
 */
export function periodTick(text: string, per: Period, first: boolean, beside?: string): string {
  const { month, year, time } = clockParts(text);
  switch (per) {
    case "month": {
      const monthName = monthNames[month - 1]!.slice(0, 3);
      return beside !== undefined && clockParts(beside).year === year
        ? monthName
        : `${monthName} ${year}`;
    }
    case "week":
    case "day":
      return dayShort(text, beside);
    default:
      return first && time === "00:00" ? dayShort(text, beside) : time;
  }
}

/** `28 Oct`, with the year where it is not the one of `beside`. */
export function dayShort(text: string, beside = text): string {
  const { day, month, year } = clockParts(text);
  const name = `${day} ${monthNames[month - 1]!.slice(0, 3)}`;
  return year === clockParts(beside).year ? name : `${name} ${year}`;
}

export function monthAndYear(year: number, month: number): string {
  return `${monthNames[month - 1]!} ${year}`;
}

export function dayInFull(text: string): string {
  const { day, month, year, weekday } = clockParts(text);
  return `${dayNames[weekday]} ${day} ${monthNames[month - 1]} ${year}`;
}
