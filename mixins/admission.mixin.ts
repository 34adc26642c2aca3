import { randomUUIDv7 } from "node:crypto";
import type { Config } from "../lib/config.ts";
import type { Receipt } from "../lib/contracts.ts";
import { countryReader } from "../lib/country.ts";
import { errorType, ServiceError } from "../lib/errors.ts";
import { admit, type ItemResult } from "../lib/event/admit.ts";
import { contentHash } from "../lib/event/content-hash.ts";
import type { EventId, ProjectId } from "../lib/event/event.ts";
import { maxBatchEvents } from "../lib/event/limits.ts";
import { originReader, type Origin } from "../lib/event/origin.ts";
import { defineMixin } from "../lib/moleculer.ts";
import {
  admitted,
  BatchPublisherMixin,
  type Admitted,
  type Publishing,
} from "./batch-publisher.mixin.ts";

/** An accepted event, to be told from another one of its id. */
export interface Fingerprint {
  readonly id: EventId;
  readonly hash: string;
}

/** What was admitted in one call, durable by now, and the answer about it. */
export interface Collected {
  readonly receipt: Receipt;
  /** Of the accepted events; empty where nobody wants to know what becomes of them. */
  readonly fingerprints: readonly Fingerprint[];
}

/**
 * Gives a service `this.collect(events, project, watched)`: check each event, make the good ones durable,
 * account for all. `watched`: the caller will ask what became of them. Addresses are truncated here, before
 * anything is written, and their countries looked up.
 */
export function AdmissionMixin(config: Config) {
  return defineMixin<Publishing & { originOf: (ip: string) => Origin }>()({
    mixins: [BatchPublisherMixin(config)],
    methods: {
      async collect(inputs: unknown, project: ProjectId, watched = false): Promise<Collected> {
        return this.keep(project, admission(inputs, watched, this.originOf));
      },

      /** Apart from `collect`, so that what waits for the disk holds on to bytes, not to parsed events. */
      async keep(
        project: ProjectId,
        { results, piece, fingerprints }: Admission,
      ): Promise<Collected> {
        const accepted = piece?.count ?? 0;
        const rejected = results.filter(({ status }) => status === "rejected").length;
        const batch =
          piece === null
            ? null
            : await this.publishEvents(project, piece).catch((error: unknown) => {
                throw inDoubt(error, results, piece.ids);
              });
        const { metrics } = this.broker;
        if (rejected > 0) metrics.increment("analytics_events_rejected_total", {}, rejected);
        if (accepted > 0) metrics.increment("analytics_events_accepted_total", {}, accepted);
        return {
          receipt: { batch, accepted: results.length - rejected, rejected, results },
          fingerprints,
        };
      },

      drain(): Promise<void> {
        return this.flush();
      },
    },
    created() {
      this.originOf = originReader({ countryOf: countryReader(), fullIp: config.fullIp });
    },
  });
}

/** Who came without an id needs it for sending the same event again. */
function inDoubt(
  error: unknown,
  results: readonly ItemResult[],
  named: readonly EventId[],
): unknown {
  if (errorType(error) !== "OUTCOME_UNKNOWN") return error;
  const known = new Set(named);
  const ids = results.flatMap((result) =>
    result.status === "accepted" && !known.has(result.id)
      ? [{ index: result.index, id: result.id }]
      : [],
  );
  return new ServiceError("OUTCOME_UNKNOWN", undefined, { ids });
}

interface Admission {
  readonly results: readonly ItemResult[];
  readonly piece: Admitted | null;
  readonly fingerprints: readonly Fingerprint[];
}

function admission(inputs: unknown, watched: boolean, originOf: (ip: string) => Origin): Admission {
  if (!Array.isArray(inputs) || inputs.length > maxBatchEvents) {
    throw new ServiceError("VALIDATION", `events must be an array of at most ${maxBatchEvents}`);
  }
  const { results, accepted } = admit(inputs, { now: Date.now(), newId: randomUUIDv7, originOf });
  return {
    results,
    piece: accepted.length === 0 ? null : admitted(accepted),
    fingerprints: watched
      ? accepted.map(({ event }) => ({ id: event.id, hash: contentHash(event) }))
      : [],
  };
}
