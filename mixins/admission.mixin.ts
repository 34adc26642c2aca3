import { randomUUIDv7 } from "node:crypto";
import type { Config } from "../lib/config.ts";
import type { Receipt } from "../lib/contracts.ts";
import { ServiceError } from "../lib/errors.ts";
import { admit } from "../lib/event/admit.ts";
import type { AcceptedEvent, ProjectId } from "../lib/event/event.ts";
import { maxBatchEvents } from "../lib/event/limits.ts";
import { defineMixin } from "../lib/moleculer.ts";
import { admitted, BatchPublisherMixin, type Publishing } from "./batch-publisher.mixin.ts";

/** What was admitted in one call, durable by now, and the answer about it. */
export interface Collected {
  readonly receipt: Receipt;
  readonly accepted: readonly AcceptedEvent[];
}

/** Gives a service `this.collect(events, project)`: check each event, make the good ones durable, account for all. */
export function AdmissionMixin(config: Config) {
  return defineMixin<Publishing>()({
    mixins: [BatchPublisherMixin(config)],
    methods: {
      async collect(inputs: unknown, project: ProjectId): Promise<Collected> {
        if (!Array.isArray(inputs) || inputs.length > maxBatchEvents) {
          throw new ServiceError(
            "VALIDATION",
            `events must be an array of at most ${maxBatchEvents}`,
          );
        }
        const { results, accepted } = admit(inputs, { now: Date.now(), newId: randomUUIDv7 });
        const rejected = results.filter(({ status }) => status === "rejected").length;
        const batch =
          accepted.length === 0 ? null : await this.publishEvents(project, admitted(accepted));
        const { metrics } = this.broker;
        if (rejected > 0) metrics.increment("analytics_events_rejected_total", {}, rejected);
        if (batch !== null)
          metrics.increment("analytics_events_accepted_total", {}, accepted.length);
        return {
          receipt: { batch, accepted: results.length - rejected, rejected, results },
          accepted: accepted.map(({ event }) => event),
        };
      },
      drain(): Promise<void> {
        return this.flush();
      },
    },
  });
}
