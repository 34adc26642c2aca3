import { pathToFileURL } from "node:url";
import { join } from "node:path";
import { eventually } from "../support/eventually.ts";
import { SpanCollector } from "../support/span-collector.ts";
import { ServiceProcess } from "../service-process.ts";

const event = { type: "traced.event", source: "test" };

function post(service: ServiceProcess, traceparent?: string): Promise<Response> {
  return fetch(`${service.url}/api/v1/events`, {
    method: "POST",
    headers: { "Content-Type": "application/json", ...(traceparent && { traceparent }) },
    body: JSON.stringify(event),
  });
}

test("one event's way is one tree, within the sender's trace; what is no traceparent begins a trace", async () => {
  const collector = await SpanCollector.listen();
  const service = await ServiceProcess.create({ OTEL_EXPORTER_OTLP_ENDPOINT: collector.url });
  try {
    await service.start();
    const traceId = "4bf92f3577b34da6a3ce929d0e0e4736";
    await post(service, `00-${traceId}-00f067aa0ba902b7-01`);
    await eventually(() =>
      expect(collector.tree(traceId)).toEqual({
        "POST collect": undefined,
        "ingest.collect": "POST collect",
        "publish batch": "ingest.collect",
        "process batch": "publish batch",
        enrich: "process batch",
        store: "process batch",
        "store keepWhole": "store",
        counted: "process batch",
      }),
    );
    const root = collector.spans.find(({ name }) => name === "POST collect");
    expect(root?.parentSpanId).toBe("00f067aa0ba902b7");

    const zeros = "0".repeat(32);
    await post(service, `00-${zeros}-00f067aa0ba902b7-01`);
    await fetch(`${service.url}/api/v1/events/counts`);
    await eventually(() => {
      const roots = collector.spans.filter(({ parentSpanId }) => !parentSpanId);
      expect(roots.map(({ name }) => name)).toEqual(
        expect.arrayContaining(["POST collect", "GET counts"]),
      );
      const { traceId: of } = roots.find(({ name }) => name === "GET counts")!;
      expect(collector.tree(of)).toMatchObject({
        "query.counts": "GET counts",
        "query.answered": "query.counts",
      });
    });
    expect(collector.spans.some((span) => span.traceId === zeros)).toBe(false);
  } finally {
    await service.dispose();
    await collector.close();
  }
});

test("without a collector nothing of OpenTelemetry's SDK is loaded", async () => {
  const spy = pathToFileURL(join(import.meta.dirname, "../fixtures/loaded-modules.ts")).href;
  const loaded = async (variables: Readonly<Record<string, string>>) => {
    const service = await ServiceProcess.create({ ...variables, NODE_OPTIONS: `--import ${spy}` });
    try {
      await service.start();
      expect(
        (await post(service, "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01")).status,
      ).toBe(202);
      return [...service.output.matchAll(/^loaded (\S+)$/gm)].map(([, url]) => url);
    } finally {
      await service.dispose();
    }
  };
  expect(await loaded({})).toEqual([]);
  const traced = await loaded({ OTEL_EXPORTER_OTLP_ENDPOINT: "http://127.0.0.1:9" });
  expect(traced.join()).toContain("/@opentelemetry/sdk-trace/");
});
