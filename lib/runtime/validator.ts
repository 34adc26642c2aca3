import { Validators, type ActionSchema, type Context, type Middleware } from "moleculer";
import { ServiceError } from "../errors.ts";
import { findingsOfValidation } from "../http/moleculer-error.ts";

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
