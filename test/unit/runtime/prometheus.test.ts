import { ServiceBroker } from "moleculer";
import { metrics, registerMetrics } from "../../../lib/metrics.ts";
import { exposition } from "../../../lib/runtime/prometheus.ts";

function broker() {
  return new ServiceBroker({
    logger: false,
    metrics: { enabled: true, collectProcessMetrics: false, reporter: [] },
    created: registerMetrics,
  });
}

test("histograms have buckets that add up, a sum and a count", () => {
  const { metrics: registry } = broker();
  for (const seconds of [0.002, 0.2, 60]) registry.observe("analytics_publish_seconds", seconds);
  const lines = exposition(registry).split("\n");
  expect(lines).toContain('analytics_publish_seconds_bucket{le="0.0025"} 1');
  expect(lines).toContain('analytics_publish_seconds_bucket{le="0.25"} 2');
  expect(lines).toContain('analytics_publish_seconds_bucket{le="+Inf"} 3');
  expect(lines).toContain("analytics_publish_seconds_sum 60.202");
  expect(lines).toContain("analytics_publish_seconds_count 3");
});

test("milliseconds of Moleculer become seconds", () => {
  const { metrics: registry } = broker();
  registry.register({
    name: "test.time",
    type: "histogram",
    unit: "millisecond",
    buckets: [10, 100],
  });
  registry.observe("test.time", 50);
  const lines = exposition(registry).split("\n");
  expect(lines).toContain("# TYPE test_time_seconds histogram");
  expect(lines).toContain('test_time_seconds_bucket{le="0.1"} 1');
  expect(lines).toContain("test_time_seconds_sum 0.05");
});

test("label values are escaped", () => {
  const { metrics: registry } = broker();
  registry.increment("analytics_collect_refused_total", { reason: 'a"b\\c\nd' }, 2);
  expect(exposition(registry)).toContain(
    'analytics_collect_refused_total{reason="a\\"b\\\\c\\nd"} 2',
  );
});

test("every metric of ours says what it is, and each family stands once", () => {
  const text = exposition(broker().metrics);
  const families = [...text.matchAll(/^# TYPE (\S+)/gm)].map(([, name]) => name);
  expect(new Set(families).size).toBe(families.length);
  for (const [name, { help, type }] of Object.entries(metrics)) {
    expect(help).toMatch(/\.$/);
    expect(name.endsWith("_total")).toBe(type === "counter");
  }
});
