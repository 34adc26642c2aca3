import { catalogue } from "../../lib/errors.ts";
import { startMetrics, metricsOf } from "../../lib/metric-registry.ts";
import { metricTable } from "../../lib/metrics.ts";

function kept() {
  const broker = {};
  startMetrics(broker);
  return metricsOf(broker);
}

test("counters with few labels begin at 0; what is not known is not shown", async () => {
  const metrics = kept();
  const before = await metrics.text();
  expect(before).toContain('analytics_events_total{outcome="dead"} 0\n');
  expect(before).not.toMatch(/^analytics_queue_dead /m);
  metrics.set("analytics_queue_dead", 2);
  metrics.set("analytics_reads_waiting", 3, { lane: "scan" });
  const known = await metrics.text();
  expect(known).toMatch(/^analytics_queue_dead 2$/m);
  expect(known).toMatch(/^analytics_reads_waiting{lane="scan"} 3$/m);
  metrics.set("analytics_queue_dead", null);
  expect(await metrics.text()).not.toMatch(/^analytics_queue_dead /m);
});

test("where metrics are off nothing is counted", async () => {
  const metrics = metricsOf({});
  metrics.increment("analytics_live_cut_total");
  expect(await metrics.text()).toBe("");
});

test("every metric says what it is and is named for its type", () => {
  for (const [name, { help, type }] of Object.entries(metricTable)) {
    expect(help).toMatch(/\.$/);
    expect(name.endsWith("_total")).toBe(type === "counter");
    if (type === "histogram") expect(name).toMatch(/_(seconds|events)$/);
  }
});

test("every error that is answered 503 has its counter from the start", async () => {
  const text = await kept().text();
  for (const [type, { status }] of Object.entries(catalogue)) {
    const line = `analytics_collect_refused_total{reason="${type.toLowerCase()}"} 0\n`;
    expect(text.includes(line)).toBe(status === 503);
  }
});
