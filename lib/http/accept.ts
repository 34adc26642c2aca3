/**
 * Chooses the media type that an `Accept` header prefers (RFC 9110, 12.5.1), the first of several
 * that it prefers equally; `undefined` where it accepts none. Without a header every type is
 * accepted. Unreadable parts are skipped.
 * @param offered media types without parameters, in lower case
 */
export function preferred<Offered extends string>(
  accept: string | undefined,
  offered: readonly Offered[],
): Offered | undefined {
  if (accept === undefined || accept.trim() === "") return offered[0];
  const ranges = accept.toLowerCase().split(",").map(readRange);
  let best: Offered | undefined;
  let bestWeight = 0;
  for (const type of offered) {
    const weight = weightOf(type, ranges);
    if (weight > bestWeight) [best, bestWeight] = [type, weight];
  }
  return best;
}

interface MediaRange {
  readonly range: string;
  readonly weight: number;
}

function readRange(text: string): MediaRange {
  const [range = "", ...parameters] = text.split(";").map((part) => part.trim());
  const quality = parameters.find((parameter) => /^q\s*=/.test(parameter));
  const weight = quality === undefined ? 1 : Number(quality.replace(/^q\s*=\s*/, ""));
  return { range, weight: weight >= 0 && weight <= 1 ? weight : 0 };
}

/** The most specific range that matches decides. */
function weightOf(type: string, ranges: readonly MediaRange[]): number {
  const group = `${type.slice(0, type.indexOf("/"))}/*`;
  for (const fitting of [type, group, "*/*"]) {
    const found = ranges.find(({ range }) => range === fitting);
    if (found !== undefined) return found.weight;
  }
  return 0;
}
