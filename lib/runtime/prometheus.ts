import type { MetricRegistry } from "moleculer";

interface Snapshot {
  readonly labels?: Readonly<Record<string, unknown>>;
  readonly value?: unknown;
  readonly count?: number;
  readonly sum?: number;
  readonly buckets?: Readonly<Record<string, number>>;
}

interface Metric {
  readonly name: string;
  readonly type: "counter" | "gauge" | "histogram" | "info";
  readonly description?: string;
  readonly unit?: string;
  snapshot(): readonly Snapshot[];
}

/**
 * A broker's metrics in the Prometheus text format 0.0.4. Unlike Moleculer's own reporter:
 * histograms carry `_sum` and `_count`, milliseconds become seconds, and infos whose value
 * changes all the time (`os.datetime`) are left out.
 */
export function exposition(registry: MetricRegistry): string {
  const metrics = [...(registry as unknown as { store: Map<string, Metric> }).store.values()];
  return metrics
    .filter((metric) => !metric.name.startsWith("os.datetime"))
    .flatMap(family)
    .join("\n")
    .concat("\n");
}

function family(metric: Metric): string[] {
  const snapshots = metric.snapshot();
  if (snapshots.length === 0) return [];
  const inMs = metric.unit === "millisecond" || metric.unit === "milliseconds";
  const scale = inMs ? 0.001 : 1;
  const name = metric.name.replace(/[^A-Za-z0-9_:]/g, "_") + (inMs ? "_seconds" : "");
  const help = (metric.description ?? metric.name).replace(/\\/g, "\\\\").replace(/\n/g, "\\n");
  const type = metric.type === "info" ? "gauge" : metric.type;
  return [
    `# HELP ${name} ${help}`,
    `# TYPE ${name} ${type}`,
    ...snapshots.flatMap((snapshot) => samples(metric.type, name, snapshot, scale)),
  ];
}

function samples(type: Metric["type"], name: string, snapshot: Snapshot, scale: number): string[] {
  const labels = snapshot.labels ?? {};
  if (type === "info") return [`${name}${labelText({ ...labels, value: snapshot.value })} 1`];
  if (type !== "histogram") return [`${name}${labelText(labels)} ${number(snapshot.value, scale)}`];
  const buckets = Object.entries(snapshot.buckets ?? {}).sort(([a], [b]) => Number(a) - Number(b));
  return [
    ...buckets.map(
      ([bound, count]) =>
        `${name}_bucket${labelText({ ...labels, le: String(Number(bound) * scale) })} ${count}`,
    ),
    `${name}_bucket${labelText({ ...labels, le: "+Inf" })} ${snapshot.count ?? 0}`,
    `${name}_sum${labelText(labels)} ${number(snapshot.sum, scale)}`,
    `${name}_count${labelText(labels)} ${snapshot.count ?? 0}`,
  ];
}

function number(value: unknown, scale: number): string {
  return typeof value === "number" ? String(value * scale) : "NaN";
}

function labelText(labels: Readonly<Record<string, unknown>>): string {
  const pairs = Object.entries(labels).map(
    ([label, value]) => `${label.replace(/[^A-Za-z0-9_]/g, "_")}="${escaped(String(value))}"`,
  );
  return pairs.length === 0 ? "" : `{${pairs.join(",")}}`;
}

function escaped(value: string): string {
  return value.replace(/\\/g, "\\\\").replace(/"/g, '\\"').replace(/\n/g, "\\n");
}
