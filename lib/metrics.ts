type Labels = Readonly<Record<string, readonly string[]>>;
type Definition =
  | { readonly type: "counter" | "gauge"; readonly help: string; readonly labels?: Labels }
  | {
      readonly type: "histogram";
      readonly help: string;
      readonly labels?: Labels;
      readonly buckets: readonly number[];
    };

const latencySeconds = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];
/** The types of errors (`lib/errors.ts`) that become a 503. */
const away: readonly string[] = [
  "overloaded",
  "queue_unavailable",
  "queue_full",
  "outcome_unknown",
  "store_unavailable",
  "service_unavailable",
  "draining",
];

/** The buckets of histograms with a verb as label: few, since each is a series. */
const operationSeconds = [0.001, 0.005, 0.025, 0.1, 0.5, 2.5, 10];

/**
 * Every metric of our own, in base units. Each label has its closed set of values, or none where
 * another table holds them; `help` says what normal looks like.
 */
const metrics = {
  analytics_events_total: {
    type: "counter",
    labels: {
      outcome: ["accepted", "rejected", "stored", "quarantined"].concat([
        "duplicate",
        "conflict",
        "refused",
        "dead",
      ]),
    },
    help: "Events by their outcome in this process: accepted or rejected by the API; stored for the first time, quarantined (breaks its schema; normal is none), duplicate (same id, same content), conflict (same id, other content; normal is none), refused (erased, or older than the project keeps events) or dead (put into the dead letters; normal is none).",
  },
  analytics_schema_violations_total: {
    type: "counter",
    labels: { mode: ["observe", "warn", "enforce"], type: [] },
    help: "Events that break the schema of their type, by its mode; beyond 100 types in one process, (other). Normal is none.",
  },
  analytics_quarantine_events: {
    type: "gauge",
    help: "Events in quarantine, of all projects, about. Normal is none.",
  },
  analytics_collect_refused_total: {
    type: "counter",
    labels: { reason: away },
    help: "Collect calls answered 503. Normal is none.",
  },
  analytics_rate_limited_total: {
    type: "counter",
    labels: { limit: ["events", "reads", "wrong_keys"] },
    help: "Requests answered 429 because a caller sent too many, by limit. Normal is none.",
  },
  analytics_batches_total: {
    type: "counter",
    labels: { outcome: ["published", "done", "retry", "dead", "hold"] },
    help: "Batches put on the durable queue, and deliveries by their outcome. Normal is as many done as published; retry and dead are faults, hold is a store that is away.",
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
  analytics_events_erased_total: {
    type: "counter",
    help: "Events erased on request. Grows while an erasure is carried out.",
  },
  analytics_batch_seconds: {
    type: "histogram",
    buckets: latencySeconds,
    help: "Time to enrich, store and mark one batch. Normal is below 0.25.",
  },
  analytics_accepted_to_counted_seconds: {
    type: "histogram",
    buckets: [...latencySeconds, 30, 60, 300, 3600],
    help: "From the receipt of a batch's oldest event until the batch is counted. Normal is below 1.",
  },
  analytics_enrich_wait_seconds: {
    type: "histogram",
    buckets: latencySeconds,
    help: "Time that a batch waited for a thread that enriches. Normal is below 0.1.",
  },
  analytics_enrich_run_seconds: {
    type: "histogram",
    buckets: latencySeconds,
    help: "Time that such a thread took for a batch, or for several that waited and were enriched together, with the thread's start where it had to be started. Normal is below 0.1.",
  },
  analytics_store_operation_seconds: {
    type: "histogram",
    labels: { verb: [], outcome: ["done", "failed"] },
    buckets: operationSeconds,
    help: "Time of the store's operations by verb, with the wait for a thread or a connection. Normal is below 0.025, for analyze and sample below 1.",
  },
  analytics_cache_answers_total: {
    type: "counter",
    labels: { result: ["hit", "miss"] },
    help: "Answers to questions by whether they came from the cache or were computed. Normal is many hits while people look at the same page.",
  },
  analytics_question_parts_total: {
    type: "counter",
    labels: { outcome: ["answered", "failed", "unneeded"] },
    help: "Parts of questions that other query nodes were asked to fold: answered; failed, so that it was done here; and unneeded, as it was done here earlier. Normal is answered.",
  },
  analytics_enrich_retries_total: {
    type: "counter",
    help: "Batches that had to be enriched again because a worker failed. Normal is none.",
  },
  analytics_rollups_written_total: {
    type: "counter",
    labels: { grain: ["minute", "hour", "day"] },
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
    help: "Buckets that differed from a recount at the last audit, an hour's each minute. Must be 0.",
  },
  analytics_rows_dropped_total: {
    type: "counter",
    help: "Events, deltas and rollups dropped because they are older than the retention. Grows once a day where there is a retention.",
  },
  analytics_deltas_compacted_total: {
    type: "counter",
    help: "Deltas that were replaced by their minute's sum, a day after their batches came. Grows all the time, where there are any.",
  },
  analytics_buckets_audited_total: {
    type: "counter",
    help: "Buckets compared with a recount. Grows all the time, where there are any.",
  },
  analytics_buckets_repaired_total: {
    type: "counter",
    help: "Buckets that an audit counted again because they differed. Normal is none.",
  },
  analytics_events_sealed_total: {
    type: "counter",
    help: "Events turned into columns on MongoDB. Grows as the stored ones do, behind by up to 16,384 a project, or an hour.",
  },
  analytics_events_merged_total: {
    type: "counter",
    help: "Events whose small segments were merged on MongoDB: each once, and again when some of its bundle are erased.",
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
  analytics_queue_due_seconds: {
    type: "gauge",
    help: "How long the batch has been due that waits the longest, without those that failed and wait for their next try. Normal is below 1.",
  },
  analytics_queue_age_seconds: {
    type: "gauge",
    help: "Age of the oldest event not yet counted. Normal is below 1.",
  },
  analytics_events_exported_total: {
    type: "counter",
    help: "Events read for exports. Grows while somebody downloads one.",
  },
  analytics_http_refused_total: {
    type: "counter",
    labels: {
      limit: [
        "reads_waiting",
        "answers_under_way",
        "erasures_open",
        "bodies_in_flight",
        "live_clients",
        "rate",
        "query_too_expensive",
        "overloaded",
        "too_large",
        "uri_too_long",
        "headers_too_large",
        "request_too_slow",
      ],
    },
    help: "Requests refused by a limit: reads_waiting, answers_under_way, bodies_in_flight, erasures_open, live_clients or rate (429), query_too_expensive (422), overloaded (503), too_large, uri_too_long, headers_too_large, request_too_slow. Normal is none.",
  },
  analytics_keys_age_seconds: {
    type: "gauge",
    help: "How long ago a gateway read the valid keys. Normal is below 3; at KEYS_TRUSTED_MS created keys are answered 503.",
  },
  analytics_reads_running: {
    type: "gauge",
    labels: { lane: ["scan", "page", "sum"] },
    help: "Reads under way by lane: scan reads events that may be unwanted, page reads pages, sum reads counts. Normal returns to 0 at rest.",
  },
  analytics_reads_waiting: {
    type: "gauge",
    labels: { lane: ["scan", "page", "sum"] },
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
    help: "Open streams and live pages. At STREAM_MAX_CLIENTS more are answered 503, at half of it those of one project 429.",
  },
  analytics_live_frames_total: {
    type: "counter",
    help: "Events sent to clients of streams. Grows while somebody listens.",
  },
  analytics_live_missed_total: {
    type: "counter",
    help: "Events that clients of streams missed, and were told so. Normal is none, unless there are more than clients can be sent.",
  },
  analytics_live_cut_total: {
    type: "counter",
    help: "Clients of streams that took nothing and were cut. Normal is few.",
  },
  analytics_http_connections_dropped_total: {
    type: "counter",
    help: "Connections closed at once, above HTTP_MAX_CONNECTIONS. Normal is none.",
  },
  analytics_http_requests_total: {
    type: "counter",
    labels: { route: [], status: [] },
    help: "Answered requests by route and status class.",
  },
  analytics_http_request_seconds: {
    type: "histogram",
    labels: { route: [] },
    buckets: latencySeconds,
    help: "Time from the request's head to its answer. Normal is below 0.025 for collect, 0.1 for reads.",
  },
} as const satisfies Record<string, Definition>;

type Metrics = typeof metrics;
export type MetricName<Type extends Definition["type"] = Definition["type"]> = {
  [Name in keyof Metrics]: Metrics[Name]["type"] extends Type ? Name : never;
}[keyof Metrics];
/** A value for each label of a metric; nothing where it has none. */
type LabelsOf<Name extends MetricName> = Metrics[Name] extends { readonly labels: infer Known }
  ? {
      readonly [Label in keyof Known]: Known[Label] extends readonly []
        ? string
        : Known[Label] extends readonly (infer Value)[]
          ? Value
          : never;
    }
  : Readonly<Record<string, never>>;
type LabelsLast<Name extends MetricName> = Metrics[Name] extends { readonly labels: unknown }
  ? [labels: LabelsOf<Name>]
  : [];

/** The table's names, and the labels of each. */
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
  /** `null`: the value is unknown now, so it is not shown. */
  set<Name extends MetricName<"gauge">>(
    name: Name,
    value: number | null,
    ...labels: LabelsLast<Name>
  ): void;
}

/** The table as plain data. */
export const metricTable: Readonly<Record<string, Definition>> = metrics;
