import type { Middleware } from "moleculer";
import { isInDoubt } from "../call-limits.ts";
import { ServiceError } from "../errors.ts";

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
