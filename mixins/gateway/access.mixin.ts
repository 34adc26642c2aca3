import type { IncomingMessage, ServerResponse } from "node:http";
import { RedisLedger } from "../../lib/rate-limit/redis-ledger.ts";
import type { Needed } from "../../lib/keys/configured.ts";
import type { Config } from "../../lib/config.ts";
import { Keyring, UnknownKey, type Identity } from "../../lib/http/identity.ts";
import { RateLimit, type Ledger } from "../../lib/rate-limit/rate-limit.ts";
import { defineMixin } from "../../lib/moleculer.ts";

interface State {
  keyring: Keyring;
  ledger: Ledger | undefined;
  eventLimit: RateLimit | undefined;
  readLimit: RateLimit | undefined;
  wrongKeyLimit: RateLimit | undefined;
}

export interface AccessChecks {
  /**
   * Identifies the caller, checks its limit and sets the limit's headers on the response. Throws
   * MALFORMED, UNAUTHORIZED, FORBIDDEN, TOO_MANY_REQUESTS; the last also for wrong keys from an
   * address that sent many.
   */
  checkAccess(request: IncomingMessage, response: ServerResponse, needed: Needed): Identity;
  /** @throws UnknownKey where the caller's key has ended since `checkAccess` */
  checkHolds(identity: Identity): void;
  /** Charges a request that `checkAccess` let through for its events besides the first. */
  chargeEvents(
    identity: Identity,
    request: IncomingMessage,
    response: ServerResponse,
    events: number,
  ): void;
}

/**
 * Gives the gateway `this.checkAccess(request, response, needed)`. It checks the key, then takes
 * from the limit `RATE_LIMIT_EVENTS_PER_SECOND` or `RATE_LIMIT_READS_PER_SECOND` of that key, or of
 * the client's address where the service is open. The limits are counted in Redis where there is
 * one; `RateLimit` says how accurate they are.
 */
export function AccessMixin(config: Config) {
  const { eventsPerSecond, readsPerSecond, wrongKeysPerSecond } = config.rateLimits;
  const limited = eventsPerSecond > 0 || readsPerSecond > 0;

  return defineMixin<{ state: State }>()({
    methods: {
      checkAccess(request: IncomingMessage, response: ServerResponse, needed: Needed): Identity {
        const identity = this.identify(request, needed);
        const limit = needed === "events:write" ? this.eventLimit : this.readLimit;
        if (limit !== undefined) this.limitTo(limit, callerOf(identity, request), response);
        return identity;
      },

      checkHolds(identity: Identity): void {
        if (!this.keyring.holds(identity)) throw new UnknownKey();
      },

      limitTo(limit: RateLimit, caller: string, response: ServerResponse): void {
        try {
          limit.take(caller);
        } catch (error) {
          this.metrics.increment("analytics_rate_limited_total", {
            limit: limit === this.eventLimit ? "events" : "reads",
          });
          throw error;
        } finally {
          setLimitHeaders(limit, caller, response);
        }
      },

      chargeEvents(
        identity: Identity,
        request: IncomingMessage,
        response: ServerResponse,
        events: number,
      ): void {
        if (this.eventLimit === undefined || events <= 0) return;
        const caller = callerOf(identity, request);
        this.eventLimit.charge(caller, events);
        setLimitHeaders(this.eventLimit, caller, response);
      },

      /** Only wrong keys count against an address: valid keys may come through the same proxy. */
      identify(request: IncomingMessage, needed: Needed): Identity {
        try {
          return this.keyring.identify(request.rawHeaders, needed);
        } catch (error) {
          if (error instanceof UnknownKey) this.countWrongKey(request);
          throw error;
        }
      },

      countWrongKey({ socket }: IncomingMessage): void {
        try {
          this.wrongKeyLimit?.take(networkOf(socket.remoteAddress ?? "unknown"));
        } catch (error) {
          this.metrics.increment("analytics_rate_limited_total", { limit: "wrong_keys" });
          throw error;
        }
      },
    },
    created() {
      this.keyring = new Keyring(config.apiKeys, config.keysTrustedMs);
      const { redisUrl, clusterName } = config;
      this.ledger =
        limited && redisUrl !== null
          ? new RedisLedger(redisUrl, clusterName, {
              info: (phrase) => this.logger.info({}, phrase),
              warn: (fields, phrase) => this.logger.warn(fields, phrase),
            })
          : undefined;
      const limitOf = (name: string, perSecond: number, ledger?: Ledger) =>
        perSecond > 0 ? new RateLimit(name, perSecond, ledger) : undefined;
      this.eventLimit = limitOf("events", eventsPerSecond, this.ledger);
      this.readLimit = limitOf("reads", readsPerSecond, this.ledger);
      // Each gateway counts alone: the addresses of strangers are not worth sharing.
      this.wrongKeyLimit = limitOf("wrong keys", wrongKeysPerSecond);
    },
    async stopped() {
      this.eventLimit?.close();
      this.readLimit?.close();
      this.wrongKeyLimit?.close();
      await this.ledger?.close();
    },
  });
}

function setLimitHeaders(limit: RateLimit, caller: string, response: ServerResponse): void {
  for (const [name, value] of Object.entries(limit.headers(caller))) {
    response.setHeader(name, value);
  }
}

/** The network of one stranger: an IPv4 address, or an IPv6 network (/64). */
function networkOf(address: string): string {
  if (!address.includes(":") || address.includes(".")) return address;
  const [head = "", tail] = address.split("::");
  const groups = head.split(":");
  return tail === undefined || groups.length >= 4 ? groups.slice(0, 4).join(":") : `${head}::`;
}

/**
 * The account of a caller: the key's hash or, without keys, the client's address; behind a proxy
 * that is the proxy's.
 */
export function callerOf({ caller }: Identity, request: IncomingMessage): string {
  return caller ?? request.socket.remoteAddress ?? "unknown";
}
