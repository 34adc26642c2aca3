import type { ServiceBroker } from "moleculer";

type Definition =
  | {
      readonly type: "counter" | "gauge";
      readonly help: string;
      readonly labels?: readonly string[];
    }
  | {
      readonly type: "histogram";
      readonly help: string;
      readonly labels?: readonly string[];
      readonly buckets: readonly number[];
    };

const latencySeconds = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

/** Every metric of our own. Base units, closed label sets; `help` says what normal looks like. */
export const metrics = {
  analytics_events_accepted_total: {
    type: "counter",
    help: "Events made durable and acknowledged. Grows with traffic.",
  },
  analytics_events_rejected_total: {
    type: "counter",
    help: "Events refused as invalid. Normal is a small share of the accepted ones.",
  },
  analytics_collect_refused_total: {
    type: "counter",
    labels: ["reason"],
    help: "Collect calls answered 503. Normal is none.",
  },
  analytics_rate_limited_total: {
    type: "counter",
    labels: ["limit"],
    help: "Requests answered 429, by limit (events, reads or wrong_keys). Normal is none.",
  },
  analytics_batch_events: {
    type: "histogram",
    buckets: [1, 2, 5, 10, 25, 50, 100, 250, 500, 1000],
    help: "Events in a batch message. Grows under load: that is group commit at work.",
  },
  analytics_publish_seconds: {
    type: "histogram",
    buckets: latencySeconds,
    help: "Time until the durable queue has confirmed a batch. Normal is below 0.025.",
  },
  analytics_events_stored_total: {
    type: "counter",
    help: "Events stored for the first time. Follows the accepted ones, less repeats.",
  },
  analytics_events_repeated_total: {
    type: "counter",
    labels: ["kind"],
    help: "Events whose id was there already: duplicate (same content) or conflict (other content; normal is none).",
  },
  analytics_events_dead_total: {
    type: "counter",
    help: "Events put aside in the dead letters. Normal is none.",
  },
  analytics_batch_seconds: {
    type: "histogram",
    buckets: latencySeconds,
    help: "Time to enrich, store and mark one batch. Normal is below 0.25.",
  },
  analytics_batch_age_seconds: {
    type: "histogram",
    buckets: [...latencySeconds, 30, 60, 300, 3600],
    help: "From the oldest event's receipt to the batch being counted. Normal is below 1.",
  },
  analytics_enrich_retries_total: {
    type: "counter",
    help: "Batches that had to be enriched again because a worker failed. Normal is none.",
  },
  analytics_rollups_written_total: {
    type: "counter",
    labels: ["grain"],
    help: "Rollups recomputed.",
  },
  analytics_rollup_pass_seconds: {
    type: "histogram",
    buckets: latencySeconds,
    help: "Time of one pass over the dirty buckets. Normal is below 1.",
  },
  analytics_dirty_buckets: {
    type: "gauge",
    help: "Buckets that wait for their rollup at the last pass. Normal returns to near 0 at rest.",
  },
  analytics_rollup_drift: {
    type: "gauge",
    help: "Buckets whose rollup differed from a recount at the last audit. Must be 0.",
  },
  analytics_queue_messages: {
    type: "gauge",
    help: "Batches on the durable queue. Normal is below 100.",
  },
  analytics_queue_bytes: {
    type: "gauge",
    help: "Their size. At the bound (QUEUE_MAX_BYTES) collecting answers 503.",
  },
  analytics_queue_dead: { type: "gauge", help: "Messages in the dead letters. Normal is 0." },
  analytics_queue_age_seconds: {
    type: "gauge",
    help: "Age of the oldest event not yet counted. Normal is below 1.",
  },
  analytics_events_exported_total: {
    type: "counter",
    help: "Events read for exports. Grows while somebody takes one.",
  },
  analytics_http_refused_total: {
    type: "counter",
    labels: ["limit"],
    help: "Requests refused by a limit: reads_waiting, answers_under_way, bodies_in_flight or rate (429), query_too_expensive (422), overloaded (503), too_large, uri_too_long, headers_too_large, request_too_slow. Normal is none.",
  },
  analytics_reads_running: {
    type: "gauge",
    labels: ["lane"],
    help: "Reads whose turn it is: scan looks at events that may not be wanted, page reads pages. Normal returns to 0 at rest.",
  },
  analytics_reads_waiting: {
    type: "gauge",
    labels: ["lane"],
    help: "Reads that wait for their turn, of all projects. Normal is near 0.",
  },
  analytics_store_reads: {
    type: "gauge",
    help: "Reads that the store's reading threads carry out; of MongoDB those that may take seconds. Normal returns to 0 at rest.",
  },
  analytics_answer_bytes: {
    type: "gauge",
    help: "Bytes of answers that are made or not yet taken (ANSWER_MAX_BYTES_UNDER_WAY). Normal returns to 0 at rest.",
  },
  analytics_body_bytes: {
    type: "gauge",
    help: "Bytes of bodies whose requests are not yet answered (HTTP_MAX_BODY_BYTES_IN_FLIGHT). Normal returns to 0 at rest.",
  },
  analytics_live_clients: {
    type: "gauge",
    help: "Open streams and live pages. At STREAM_MAX_CLIENTS more are answered 503.",
  },
  analytics_live_frames_total: {
    type: "counter",
    help: "Events sent to clients of streams. Grows while somebody listens.",
  },
  analytics_live_missed_total: {
    type: "counter",
    help: "Events that passed clients of streams by, and were told so. Normal is none, unless there are more than clients can be sent.",
  },
  analytics_live_cut_total: {
    type: "counter",
    help: "Clients of streams that took nothing and were cut. Normal is few.",
  },
  analytics_http_connections_dropped_total: {
    type: "counter",
    help: "Connections closed unheard, above HTTP_MAX_CONNECTIONS. Normal is none.",
  },
  analytics_http_requests_total: {
    type: "counter",
    labels: ["route", "status"],
    help: "Answered requests by route and status class.",
  },
  analytics_http_request_seconds: {
    type: "histogram",
    labels: ["route"],
    buckets: latencySeconds,
    help: "Time from the request's head to its answer. Normal is below 0.025 for collect, 0.1 for reads.",
  },
} as const satisfies Record<string, Definition>;

type Metrics = typeof metrics;
type MetricName<Type extends Definition["type"] = Definition["type"]> = {
  [Name in keyof Metrics]: Metrics[Name]["type"] extends Type ? Name : never;
}[keyof Metrics];
/** A value for each label of a metric; nothing where it has none. */
type LabelsOf<Name extends MetricName> = Metrics[Name] extends {
  readonly labels: readonly (infer Label extends string)[];
}
  ? Readonly<Record<Label, string>>
  : Readonly<Record<string, never>>;
type LabelsLast<Name extends MetricName> = Metrics[Name] extends { readonly labels: unknown }
  ? [labels: LabelsOf<Name>]
  : [];

/** Moleculer's registry with the table's names, and the labels of each. */
export interface MetricRegistry {
  increment<Name extends MetricName<"counter">>(
    name: Name,
    ...rest: Metrics[Name] extends { readonly labels: unknown }
      ? [labels: LabelsOf<Name>, value?: number]
      : [labels?: LabelsOf<Name>, value?: number]
  ): void;
  observe<Name extends MetricName<"histogram">>(
    name: Name,
    value: number,
    ...labels: LabelsLast<Name>
  ): void;
  set<Name extends MetricName<"gauge">>(
    name: Name,
    value: number | null,
    ...labels: LabelsLast<Name>
  ): void;
}

/** Register the table with a broker; does nothing where metrics are off. */
export function registerMetrics(broker: ServiceBroker): void {
  if (!broker.isMetricsEnabled()) return;
  for (const [name, definition] of Object.entries<Definition>(metrics)) {
    const common = {
      name,
      description: definition.help,
      labelNames: [...(definition.labels ?? [])],
    };
    if (definition.type === "histogram") {
      broker.metrics.register({ ...common, type: "histogram", buckets: [...definition.buckets] });
    } else if (definition.type === "gauge") {
      broker.metrics.register({ ...common, type: "gauge" });
    } else {
      broker.metrics.register({ ...common, type: "counter" });
    }
  }
}
