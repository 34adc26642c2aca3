import {
  type Middleware,
  Validators,
  type ActionSchema,
  type Context,
  type ServiceBroker,
} from "moleculer";
import { isInDoubt } from "../call-limits.ts";
import { ServiceError } from "../errors.ts";
import { findingsOfValidation } from "../http/moleculer-error.ts";
import { setTimeout as delay } from "node:timers/promises";
import type { Config } from "../config.ts";
import type { Meta } from "../contracts.ts";
import { tracingOf } from "../tracing/tracing.ts";

type Call = (action: string, ...rest: readonly unknown[]) => Promise<unknown> & { ctx?: unknown };

/**
 * Turns Moleculer's "service not available", for a call without an answer that changes data, into
 * the error that the outcome is unknown: nobody knows whether the call was carried out.
 */
export const outcomeUnknown: Middleware = {
  name: "OutcomeUnknown",
  call(next: Call): Call {
    return (action, ...rest) => {
      const called = next(action, ...rest);
      const attempt: ReturnType<Call> = called.catch((error: unknown) => {
        throw isInDoubt(action, error) ? new ServiceError("OUTCOME_UNKNOWN") : error;
      });
      attempt.ctx = called.ctx;
      return attempt;
    };
  },
} as unknown as Middleware;

type Handler = (ctx: Context) => Promise<unknown>;
type Check = (value: unknown, options: object) => unknown;

/**
 * Moleculer's validator with our errors: a node without the gateway understands them, too. An
 * action's first call compiles its check, so that a start does not wait for all of them.
 */
export class CatalogueValidator extends Validators.Fastest {
  override middleware(): Middleware {
    return {
      name: "Validator",
      localAction: (handler: Handler, { params }: ActionSchema): Handler => {
        if (params === undefined || params === null) return handler;
        let check: Check | undefined;
        return (ctx) => {
          check ??= this.compile(params) as Check;
          const found = check(ctx.params ?? {}, { meta: ctx });
          if (found === true) return handler(ctx);
          const errors = findingsOfValidation(found, "query");
          return Promise.reject(new ServiceError("VALIDATION", undefined, { errors }));
        };
      },
    };
  }
}

const startWithinMs = 15_000;

/**
 * Makes a broker end once and completely: a second signal joins the stop under way, and a stop
 * during the start waits until the services have started, at most 15 s. Otherwise services that
 * start late would open files that were already closed and sealed, and a resource would be released
 * twice.
 */
export function orderlyEnd(): Middleware {
  return {
    name: "OrderlyEnd",
    created(broker: ServiceBroker) {
      const start = broker.start.bind(broker);
      const stop = broker.stop.bind(broker);
      let started: Promise<void> | undefined;
      let stopped: Promise<void> | undefined;
      broker.start = () => {
        stopped = undefined;
        return (started = start());
      };
      broker.stop = () => (stopped ??= endOf(broker, started).then(stop));
    },
  };
}

/**
 * Settles when no service is starting any more; at once while the process only waits for the
 * message broker.
 */
async function endOf(broker: ServiceBroker, started: Promise<void> | undefined): Promise<void> {
  if (!(broker as unknown as { servicesStarting: boolean }).servicesStarting) return;
  const over = new AbortController();
  const late = delay(startWithinMs, undefined, { signal: over.signal }).catch(() => undefined);
  await Promise.race([started?.catch(() => undefined), late]);
  over.abort();
}

type TracedHandler = (ctx: Context<unknown, Meta>) => Promise<unknown>;

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
    localAction(next: TracedHandler, action: { readonly name: string }): TracedHandler {
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
