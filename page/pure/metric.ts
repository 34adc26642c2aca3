/** Metrics as the API names them, in words. */

const functions: Readonly<Record<string, string>> = {
  sum: "Sum of",
  avg: "Average of",
  min: "Smallest",
  max: "Largest",
  p50: "Median of",
  p75: "75th percentile of",
  p90: "90th percentile of",
  p95: "95th percentile of",
  p99: "99th percentile of",
};

/** `Events`, `Users`, `Average of amount`. */
export function metricName(metric: string): string {
  if (metric === "count") return "Events";
  if (metric === "uniques") return "Users";
  const at = metric.indexOf(":");
  return `${functions[metric.slice(0, at)] ?? metric.slice(0, at)} ${metric.slice(at + 1).replace(/^(data|metadata|context)\./, "")}`;
}

/** Whether a metric counts things: then it is 0 where there are none, and only there. */
export function isCounted(metric: string): boolean {
  return metric === "count" || metric === "uniques";
}

/** The unit of a metric's numbers: `events`, `users`, empty for others. */
export function metricUnit(metric: string): string {
  return metric === "count" ? "events" : metric === "uniques" ? "users" : "";
}

/**
 * Whether a metric's numbers may be added up over things that do not overlap, so that bars can be
 * stacked.
 */
export function isAdditive(metric: string): boolean {
  return metric === "count" || metric.startsWith("sum:");
}

/** A metric of no events: counts and sums are 0, an average or a quantile is not known. */
export function ofNothing(metric: string): 0 | null {
  return isAdditive(metric) || isCounted(metric) ? 0 : null;
}

/** All metrics of properties with numbers. */
export function metricsOf(numberProperties: readonly string[]): readonly string[] {
  return [
    ...["count", "uniques"],
    ...numberProperties.flatMap((property) =>
      ["sum", "avg", "p50", "p95", "min", "max"].map((name) => `${name}:${property}`),
    ),
  ];
}

/** Types of which more is good, and types of which more is bad: only their changes get a colour. */
const better: ReadonlyMap<string, "more" | "less"> = new Map(
  Object.entries({
    "email.delivered": "more",
    "email.clicked": "more",
    "email.bounced": "less",
    "email.complained": "less",
    "email.unsubscribed": "less",
  }),
);

/** Whether a change is good (1) or bad (-1); 0 where that is unknown. */
export function directionOf(type: string, now: number | null, before: number | null): -1 | 0 | 1 {
  const wanted = better.get(type);
  if (wanted === undefined || now === null || before === null || now === before) return 0;
  return now > before === (wanted === "more") ? 1 : -1;
}
