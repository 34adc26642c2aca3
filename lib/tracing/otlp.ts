import {
  ROOT_CONTEXT,
  SpanKind,
  SpanStatusCode,
  trace,
  type Context,
  type Tracer,
} from "@opentelemetry/api";
import { OTLPTraceExporter } from "@opentelemetry/exporter-trace-otlp-http";
import { resourceFromAttributes } from "@opentelemetry/resources";
import { BatchSpanProcessor, TracerProvider } from "@opentelemetry/sdk-trace";
import { errorType } from "../errors.ts";
import {
  type OpenSpan,
  type SpanMaker,
  type SpanStart,
  readTraceparent,
  writeTraceparent,
} from "./tracing.ts";

const kinds = {
  server: SpanKind.SERVER,
  internal: SpanKind.INTERNAL,
  producer: SpanKind.PRODUCER,
  consumer: SpanKind.CONSUMER,
} as const;

/**
 * Makes spans for an OpenTelemetry collector and sends them over HTTP every second; spans that
 * cannot be sent are dropped. Only this file loads OpenTelemetry's SDK, and it is loaded only where
 * a collector is named.
 * @param endpoint the collector's address without `/v1/traces`
 */
export function otlpSpans(endpoint: string, instance: string): SpanMaker {
  const provider = new TracerProvider({
    resource: resourceFromAttributes({
      "service.name": "maily-analytics",
      "service.instance.id": instance,
    }),
    spanProcessors: [
      new BatchSpanProcessor({
        exporter: new OTLPTraceExporter({ url: `${endpoint.replace(/\/+$/, "")}/v1/traces` }),
        scheduledDelayMillis: 1_000,
      }),
    ],
  });
  const tracer = provider.getTracer("maily-analytics");
  return {
    start: (name, start) => open(tracer, name, start),
    async close() {
      await provider.shutdown().catch(() => undefined);
    },
  };
}

function open(
  tracer: Tracer,
  name: string,
  { kind = "internal", parent, links = [], attributes }: SpanStart,
): OpenSpan {
  const linked = links.flatMap((link) => readTraceparent(link) ?? []);
  const span = tracer.startSpan(
    name,
    { kind: kinds[kind], attributes, links: linked.map((context) => ({ context })) },
    within(parent),
  );
  return {
    traceparent: writeTraceparent(span.spanContext()),
    set: (more) => void span.setAttributes(more),
    end(error) {
      if (error !== undefined) {
        span.setAttribute("error.type", errorType(error));
        span.setStatus({ code: SpanStatusCode.ERROR });
      }
      span.end();
    },
  };
}

function within(parent: string | undefined): Context {
  const place = readTraceparent(parent);
  if (place === undefined) return ROOT_CONTEXT;
  return trace.setSpanContext(ROOT_CONTEXT, { ...place, isRemote: true });
}
