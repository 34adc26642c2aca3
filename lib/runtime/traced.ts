import type { Context, Middleware, ServiceBroker } from "moleculer";
import type { Config } from "../config.ts";
import type { Meta } from "../contracts.ts";
import { tracingOf } from "../tracing/tracing.ts";

type Handler = (ctx: Context<unknown, Meta>) => Promise<unknown>;

/**
 * Makes each action a span within the span that called it, where that is traced
 * (`meta.traceparent`): OpenTelemetry over OTLP/HTTP. Where no collector is named no action is
 * wrapped, and no module of OpenTelemetry's SDK is loaded.
 */
export function traced({ otlpEndpoint }: Config): Middleware {
  if (otlpEndpoint === null) return {};
  return {
    name: "Traced",
    async starting(broker: ServiceBroker) {
      const { otlpSpans } = await import("../tracing/otlp.ts");
      tracingOf(broker).maker = otlpSpans(otlpEndpoint, broker.nodeID);
    },
    async stopped(broker: ServiceBroker) {
      const tracing = tracingOf(broker);
      const { maker } = tracing;
      tracing.maker = undefined;
      await maker?.close();
    },
    localAction(next: Handler, action: { readonly name: string }): Handler {
      return async (ctx) => {
        const { traceparent, traceLinks: links } = ctx.meta;
        if (traceparent === undefined) return next(ctx);
        const start = { parent: traceparent, links, kind: "server" } as const;
        return tracingOf(ctx.broker).run(action.name, start, async (span) => {
          ctx.meta.traceparent = span.traceparent ?? traceparent;
          try {
            return await next(ctx);
          } finally {
            // The caller's next calls belong to the caller's own span.
            ctx.meta.traceparent = traceparent;
          }
        });
      };
    },
  } as Middleware;
}
