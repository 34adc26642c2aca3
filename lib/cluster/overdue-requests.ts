import { Errors, type Context, type Middleware, type ServiceBroker } from "moleculer";

/** How long after its time limit, which has answered the caller by then. */
const graceMs = 50;

/** What Moleculer's broker has and its types leave out. */
interface Internals {
  readonly transit: { removePendingRequest(id: string): void };
}

/**
 * Ends a request to another node with its time limit. Moleculer answers the caller then, but keeps the request for as long
 * as the node lives: where its answer was lost, a stop would wait for it in vain (`tracking.shutdownTimeout`).
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
