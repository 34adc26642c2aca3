import { Errors, type Context, type Middleware, type ServiceBroker } from "moleculer";

/** How long after its time limit a request is ended; Moleculer has answered the caller by then. */
const graceMs = 50;

/** Members of Moleculer's broker that its types leave out. */
interface Internals {
  readonly transit: { removePendingRequest(id: string): void };
}

/**
 * Forgets a request to another node soon after its time limit. Moleculer answers the caller at the
 * limit but keeps the request for as long as the node lives; if the answer was lost, a stop would
 * wait for it in vain (`tracking.shutdownTimeout`).
 */
export function endOverdueRequests(): Middleware {
  return {
    name: "EndOverdueRequests",
    remoteAction(this: ServiceBroker, next: (ctx: Context) => Promise<unknown>) {
      const { transit } = this as unknown as Internals;
      return (ctx: Context): Promise<unknown> => {
        const { timeout } = ctx.options;
        const answer = next(ctx);
        if (timeout == null || timeout <= 0) return answer;
        return new Promise((resolve, reject) => {
          const overdue = setTimeout(() => {
            transit.removePendingRequest(ctx.id);
            const { nodeID, action } = ctx;
            reject(new Errors.RequestTimeoutError({ action: action?.name ?? "", nodeID: nodeID! }));
          }, timeout + graceMs);
          answer.then(resolve, reject).finally(() => clearTimeout(overdue));
        });
      };
    },
  };
}
