import type { ServerResponse } from "node:http";
import { Ticker } from "../../lib/concurrency/ticker.ts";
import type { KnownKeys } from "../../lib/keys/known.ts";
import type { Keyring } from "../../lib/http/identity.ts";
import { defineMixin } from "../../lib/moleculer.ts";
import { makeKey } from "../../lib/keys/key-text.ts";
import { callerShown, readRotationBody, type GivenKey } from "../../lib/questions/keys.ts";
import type { Edge, Routed } from "./edge.ts";
import { refuseParameters, sendJson, takeJson } from "./handlers.ts";

export interface KeysEdge {
  showCaller(request: Routed, response: ServerResponse): Promise<void>;
  createKey(request: Routed, response: ServerResponse): Promise<void>;
  rotateKey(request: Routed, response: ServerResponse): Promise<void>;
  revokeKey(request: Routed, response: ServerResponse): Promise<void>;
}

const bodyLimits = { wireBytes: 16_384, inflatedBytes: 16_384 };

/**
 * How often to look for changed keys. A revoked key is refused within 5 s: at once by the fact
 * `keys.changed` or, where that is lost, after the next look, or the one after it.
 */
const lookEveryMs = 1_500;
const look = { timeout: 1_000 };

/** All keys are read at least this often, even where no change was announced. */
const wholeEveryMs = 60_000;

/** From this age on the metrics report that the keys cannot be read. */
const lateMs = 10_000;

/** Whether a rotation that was done leaves the old key no time. */
function endsAtOnce(body: unknown): boolean {
  return readRotationBody(body, -Infinity).overlapMs === 0;
}

/** Gives the gateway the keys that the store holds, and the routes that create and revoke keys. */
export function KeysEdgeMixin() {
  return defineMixin<{
    needs: Pick<Edge, "takeBody"> & { keyring: Keyring };
    state: {
      looking: Ticker;
      version: number | undefined;
      wholeAt: number;
      startedAt: number;
      isLate: boolean;
    };
  }>()({
    methods: {
      /** Reads the keys where they have changed; rejects where they cannot be read. */
      async learnKeys(): Promise<void> {
        const requestedAt = performance.now();
        const isKnown = requestedAt - this.wholeAt < wholeEveryMs && this.version !== undefined;
        const params = isKnown ? { version: this.version } : {};
        const known: KnownKeys = await this.broker.call("query.keys.known", params, look);
        if (!this.keyring.learn(known.keys, requestedAt)) return;
        this.version = known.version;
        if (known.keys !== undefined) this.wholeAt = requestedAt;
        this.tellAge();
      },

      async lookForKeys(): Promise<void> {
        await this.learnKeys();
        const uses = this.keyring.usesToRecord();
        if (uses.length === 0) return;
        await this.broker.call("query.keys.used", { uses }, look);
        this.keyring.noteUses(uses);
      },

      tellAge(error?: unknown): void {
        const now = performance.now();
        // Before the first look the age counts since the start.
        const ageMs = Math.min(this.keyring.ageMs(now), now - this.startedAt);
        this.metrics.set("analytics_keys_age_seconds", ageMs / 1_000);
        if (this.isLate === ageMs > lateMs) return;
        this.isLate = !this.isLate;
        if (this.isLate) {
          this.logger.warn(
            { err: error },
            "keys cannot be looked up; those known hold for a while",
          );
        } else this.logger.info({}, "keys are looked up again");
      },

      /**
       * Reads the keys at once after a change that was made here: the next request must not meet
       * the old keys.
       */
      async lookNow(): Promise<void> {
        await this.learnKeys().catch((error: unknown) => this.tellAge(error));
      },

      async showCaller(request: Routed, response: ServerResponse): Promise<void> {
        refuseParameters(request);
        sendJson(response, callerShown(request.identity!));
        return Promise.resolve();
      },

      async createKey(request: Routed, response: ServerResponse): Promise<void> {
        const body = await takeJson(this, request, response, bodyLimits);
        const { text, kept } = makeKey();
        const shown = await request.$ctx.call("query.keys.create", { body, kept });
        await this.answerWithKey(response, { ...shown, key: text });
      },

      async rotateKey(request: Routed, response: ServerResponse): Promise<void> {
        const body = await takeJson(this, request, response, bodyLimits);
        const id = String(request.$params["id"]);
        const { text, kept } = makeKey();
        const shown = await request.$ctx.call("query.keys.rotate", { id, body, kept });
        if (endsAtOnce(body)) this.keyring.forget(id);
        await this.answerWithKey(response, { ...shown, key: text });
      },

      async revokeKey(request: Routed, response: ServerResponse): Promise<void> {
        refuseParameters(request);
        const id = String(request.$params["id"]);
        await request.$ctx.call("query.keys.revoke", { id });
        this.keyring.forget(id);
        await this.lookNow();
        response.writeHead(204).end();
      },

      async answerWithKey(response: ServerResponse, given: GivenKey): Promise<void> {
        await this.lookNow();
        const location = `/api/v1/keys/${encodeURIComponent(given.id)}`;
        sendJson(response, given, 201, { location });
      },
    },
    events: {
      "keys.changed"() {
        this.looking?.wake();
      },
    },
    created() {
      this.version = undefined;
      this.wholeAt = -Infinity;
      this.startedAt = 0;
      this.isLate = false;
    },
    started() {
      this.startedAt = performance.now();
      this.looking = new Ticker(
        () => this.lookForKeys(),
        { everyMs: lookEveryMs, restFactor: 0 },
        (error) => this.tellAge(error),
      );
    },
    stopped() {
      return this.looking.stop();
    },
  });
}
