import type { Middleware } from "moleculer";
import { isInDoubt } from "../call-limits.ts";
import { ServiceError } from "../errors.ts";

type Call = (action: string, ...rest: readonly unknown[]) => Promise<unknown> & { ctx?: unknown };

/**
 * What Moleculer says of a call that got no answer, that a service is not there, means for a call
 * that changes something that nobody knows whether it did: then the error says that the outcome is
 * unknown.
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
