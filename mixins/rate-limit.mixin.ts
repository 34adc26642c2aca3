import type { IncomingMessage, ServerResponse } from "node:http";
import { RedisLedger } from "../lib/cluster/redis-ledger.ts";
import type { Scope } from "../lib/api-key.ts";
import type { Config } from "../lib/config.ts";
import { Keyring, type Identity } from "../lib/http/identity.ts";
import { RateLimit, type Ledger } from "../lib/limit/rate-limit.ts";
import { defineMixin } from "../lib/moleculer.ts";

interface State {
  keyring: Keyring;
  ledger: Ledger | undefined;
  eventLimit: RateLimit | undefined;
  readLimit: RateLimit | undefined;
}

export interface Admitting {
  /** Who asks; the headers of the limit are set on the response. Throws UNAUTHORIZED, FORBIDDEN, TOO_MANY_REQUESTS. */
  admit(request: IncomingMessage, response: ServerResponse, scope: Scope): Identity;
  /** A request of an identity that was admitted for `events:write` held so many events besides its first. */
  chargeEvents(identity: Identity, request: IncomingMessage, events: number): void;
}

/**
 * Gives the gateway `this.admit(request, response, scope)`: keys, and for each key (for each client
 * address where the service is open) the limits `RATE_LIMIT_EVENTS_PER_SECOND` and
 * `RATE_LIMIT_READS_PER_SECOND`, counted in Redis where there is one. How exact they are is said at `RateLimit`.
 */
export function RateLimitMixin(config: Config) {
  const { eventsPerSecond, readsPerSecond } = config.rateLimits;
  const limited = eventsPerSecond > 0 || readsPerSecond > 0;

  return defineMixin<State>()({
    methods: {
      admit(request: IncomingMessage, response: ServerResponse, scope: Scope): Identity {
        const identity = this.keyring.identify(request.headers, scope);
        const limit = scope === "events:write" ? this.eventLimit : this.readLimit;
        if (limit !== undefined) this.limitTo(limit, callerOf(identity, request), response);
        return identity;
      },

      limitTo(limit: RateLimit, caller: string, response: ServerResponse): void {
        try {
          limit.take(caller);
        } catch (error) {
          this.broker.metrics.increment("analytics_rate_limited_total", {
            limit: limit.bucket.name,
          });
          throw error;
        } finally {
          for (const [name, value] of Object.entries(limit.headers(caller))) {
            response.setHeader(name, value);
          }
        }
      },

      chargeEvents(identity: Identity, request: IncomingMessage, events: number): void {
        if (events <= 0) return;
        this.eventLimit?.charge(callerOf(identity, request), events);
      },
    },
    created() {
      this.keyring = new Keyring(config.apiKeys);
      const { redisUrl, clusterName } = config;
      this.ledger =
        limited && redisUrl !== null
          ? new RedisLedger(redisUrl, clusterName, {
              info: (phrase) => this.logger.info(phrase),
              warn: (fields, phrase) => this.logger.warn(fields, phrase),
            })
          : undefined;
      const limitOf = (name: string, perSecond: number) =>
        perSecond > 0 ? new RateLimit(name, perSecond, this.ledger) : undefined;
      this.eventLimit = limitOf("events", eventsPerSecond);
      this.readLimit = limitOf("reads", readsPerSecond);
    },
    async stopped() {
      this.eventLimit?.close();
      this.readLimit?.close();
      await this.ledger?.close();
    },
  });
}

/** A key, by its hash; where there are none the client's address, which behind a proxy is the proxy's. */
function callerOf({ caller }: Identity, request: IncomingMessage): string {
  return caller ?? request.socket.remoteAddress ?? "unknown";
}
