import { Counter, Gauge, Histogram, Registry } from "prom-client";
import { metricTable, type MetricRegistry } from "./metrics.ts";

/** The metrics of one broker, as Prometheus scrapes them. */
export interface Metrics extends MetricRegistry {
  /** In the text format of Prometheus; empty where metrics are off. */
  text(): Promise<string>;
}

type Labels = Readonly<Record<string, string>>;

/**
 * Counts the metrics of the table. An unknown value is not shown; counters with few labels begin at
 * 0, so that their first step shows as an increase.
 */
class BrokerMetrics implements Metrics {
  readonly #registry = new Registry();
  readonly #counters = new Map<string, Counter>();
  readonly #gauges = new Map<string, Gauge>();
  readonly #histograms = new Map<string, Histogram>();

  constructor() {
    for (const [name, { help, labels = {}, ...definition }] of Object.entries(metricTable)) {
      const labelNames = Object.keys(labels);
      const common = { name, help, labelNames, registers: [this.#registry] };
      if (definition.type === "histogram") {
        const buckets = [...definition.buckets];
        this.#histograms.set(name, new Histogram({ ...common, buckets }));
      } else if (definition.type === "gauge") {
        const gauge = new Gauge(common);
        gauge.remove({});
        this.#gauges.set(name, gauge);
      } else {
        const counter = new Counter(common);
        const [label, ...others] = labelNames;
        if (label !== undefined && others.length === 0) {
          for (const value of labels[label]!) counter.inc({ [label]: value }, 0);
        }
        this.#counters.set(name, counter);
      }
    }
  }

  increment(name: string, labels: Labels = {}, value = 1): void {
    this.#counters.get(name)!.inc(labels, value);
  }

  observe(name: string, value: number, labels: Labels = {}): void {
    this.#histograms.get(name)!.observe(labels, value);
  }

  set(name: string, value: number | null, labels: Labels = {}): void {
    const gauge = this.#gauges.get(name)!;
    if (value === null) gauge.remove(labels);
    else gauge.set(labels, value);
  }

  text(): Promise<string> {
    return this.#registry.metrics();
  }
}

const off: Metrics = {
  increment: () => undefined,
  observe: () => undefined,
  set: () => undefined,
  text: () => Promise.resolve(""),
};

const kept = new WeakMap<object, Metrics>();

/** Starts the metrics of a broker. */
export function startMetrics(broker: object): void {
  kept.set(broker, new BrokerMetrics());
}

/** The metrics of a broker; where they are off, a registry that counts nothing. */
export function metricsOf(broker: object): Metrics {
  return kept.get(broker) ?? off;
}

export function hasMetrics(broker: object): boolean {
  return kept.has(broker);
}
