/** What an answer says of its exactness. */
type Told = { readonly because?: readonly string[] } | undefined;

const reasons: ReadonlyMap<string, string> = new Map(
  Object.entries({
    sketch:
      "Estimate: beyond 1,024 users the count is about 1 % off, rarely more than 2 %; quantiles are within 1 % of the value",
    other: "(other) gathers what is beyond 1,000 values",
    erasing: "An erasure is under way: counts fall until it is done",
    damaged: "A damaged part of the disk may hide events",
    retention: "What is older than it is kept is missing",
    sampled: "From the newest events alone",
  }),
);

/** Reasons that rows are missing, not that numbers are wrong: a line of their own tells them. */
const cuts: readonly string[] = ["rowsLeftOut", "valuesCut"];

function reasonsOf(all: readonly Told[]): readonly string[] {
  const because = all.flatMap((told) => told?.because ?? []);
  return [...new Set(because)].filter((reason) => !cuts.includes(reason));
}

export function isCut(told: Told): boolean {
  return told?.because?.some((reason) => cuts.includes(reason)) === true;
}

/**
 * "Exact", or why not every number is the true one.
 * @param before the answers about the range that is compared with
 */
export function exactInWords(shown: readonly Told[], before: readonly Told[] = []): string {
  const inWords = (some: readonly string[]) =>
    some.map((reason) => reasons.get(reason) ?? reason).join(". ");
  const own = reasonsOf(shown);
  const ofBefore = reasonsOf(before).filter((reason) => !own.includes(reason));
  if (ofBefore.length === 0) return own.length === 0 ? "Exact" : inWords(own);
  return own.length === 0
    ? `Exact, but not the range before: ${inWords(ofBefore)}`
    : `${inWords(own)}. Of the range before: ${inWords(ofBefore)}`;
}

/** Reasons for which any number may be wrong. */
const ofAnyNumber = ["damaged", "erasing", "retention"];

/** Whether the numbers of a metric may not be the true ones: they get `≈`. */
export function isInexact(metric: string, all: readonly Told[]): boolean {
  const because = reasonsOf(all);
  if (because.some((reason) => ofAnyNumber.includes(reason))) return true;
  return because.includes("sketch") && (metric === "uniques" || /^p\d+:/.test(metric));
}
