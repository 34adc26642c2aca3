import { randomUUIDv7 } from "node:crypto";
import { Ticker } from "../../lib/concurrency/ticker.ts";
import { Semaphore } from "../../lib/concurrency/semaphore.ts";
import type { Actions } from "../../lib/contracts.ts";
import { ServiceError } from "../../lib/errors.ts";
import { replayWithinMs } from "../../lib/call-limits.ts";
import { admit } from "../../lib/event/admit.ts";
import { lastInstant } from "../../lib/event/instant.ts";
import { releasedAlone } from "../../lib/event/batch-message.ts";
import {
  defaultProject,
  type AcceptedEvent,
  type Json,
  type ProjectId,
} from "../../lib/event/event.ts";
import type { JudgeJob } from "../../lib/event/enrich/job.ts";
import { acceptedOf, type HeldEvent, type JudgeDone } from "../../lib/event/schemas/held.ts";
import { defineMixin } from "../../lib/moleculer.ts";
import {
  mergePatch,
  quarantineCursor,
  readQuarantineQuestion,
  sentEvent,
  shownQuarantined,
  type QuarantineAnswer,
  type ReplayedEvents,
  type ShownQuarantinedEvent,
} from "../../lib/questions/quarantine.ts";
import type { Raw } from "../../lib/questions/reading/field.ts";
import { claimOf } from "../../lib/store/erasing.ts";
import { eraseWhole } from "../../lib/store/erasure-job.ts";
import { hiddenOf } from "../../lib/store/hidden.ts";
import type { QuarantinedEvent } from "../../lib/store/quarantine.ts";
import { tooOldIn } from "../../lib/store/retention.ts";
import type { ActContext, Administering } from "../acts.mixin.ts";
import type { Queueing } from "../queue.mixin.ts";
import type { Storing } from "../store.mixin.ts";
import type { Judging } from "./schemas.mixin.ts";

/** How many events are replayed at the same time. */
const atOnce = 16;

/** How often replays are looked for whose process died before it had published them. */
const finishEveryMs = 600_000;

/** How many events in quarantine are looked at, at a time. */
const pageSize = 100;

/** How often a patch is tried again when other writers came first. */
const tries = 5;

interface Needs extends Storing, Queueing, Judging, Administering {
  judge(job: JudgeJob): Promise<JudgeDone>;
}

/**
 * Gives a service what it needs to show the quarantine, and to patch, drop and replay its events.
 */
export function QuarantineMixin() {
  return defineMixin<{ state: { finishingReplays: Ticker | null }; needs: Needs }>()({
    methods: {
      async listQuarantine({ meta }: ActContext, raw: Raw): Promise<QuarantineAnswer> {
        const project = meta.project ?? defaultProject;
        const { scope, ...question } = readQuarantineQuestion(raw, project);
        const { limit } = question;
        const hidden = await hiddenOf(this.store, project);
        const found = await this.store.quarantine.list({ ...question, project, limit: limit + 1 });
        const page = found.slice(0, limit);
        const erased = await this.removeErased(project, page);
        const shown = page.filter(
          ({ held: { event } }) => !erased.has(event.id) && hidden?.hides(event) !== true,
        );
        const last = found.length > limit ? page.at(-1)?.held.event : undefined;
        return {
          data: shown.map(({ held, replay }) => shownQuarantined(held, replay !== undefined)),
          page: { limit, nextCursor: last === undefined ? null : quarantineCursor(last, scope) },
        };
      },

      async showQuarantined({ meta }: ActContext, id: string): Promise<ShownQuarantinedEvent> {
        return shownWhole(await this.quarantined(meta.project ?? defaultProject, id));
      },

      /** @throws ServiceError NOT_FOUND, also for an event of another project */
      async quarantined(project: ProjectId, id: string): Promise<QuarantinedEvent> {
        const hidden = await hiddenOf(this.store, project);
        const found = await this.store.quarantine.find(project, id);
        if (found === undefined || hidden?.hides(found.held.event) === true) {
          throw notInQuarantine();
        }
        if ((await this.removeErased(project, [found])).has(id)) throw notInQuarantine();
        return found;
      },

      /**
       * Removes events that are erased, and are in quarantine because a patch named the person only
       * afterwards: no replay could ever store them.
       * @returns their ids
       */
      async removeErased(
        project: ProjectId,
        found: readonly QuarantinedEvent[],
      ): Promise<ReadonlySet<string>> {
        const events = found.map(({ held }) => held.event);
        const erased = await this.store.refused(project, events.map(claimOf));
        const gone = events.filter(({ id }) => erased.has(id));
        if (gone.length === 0) return erased;
        await eraseWhole(this.store, project, gone, { at: Date.now(), reusable: false });
        return erased;
      },

      /** Judges the event by the present schema. */
      async judged(held: HeldEvent, event: AcceptedEvent): Promise<JudgeDone> {
        const { batch, project } = held.event;
        const schemas = await this.schemasFor(project);
        return this.judge({ kind: "judge", batch, project, event, ...(schemas && { schemas }) });
      },

      async patchQuarantined(
        caller: ActContext,
        { id, patch }: Actions["processor.quarantine.patch"]["params"],
      ): Promise<ShownQuarantinedEvent> {
        const project = caller.meta.project ?? defaultProject;
        let next = await this.amendment(project, id, patch);
        const act = { what: "quarantine.patch", target: id } as const;
        return this.administered(caller, act, async () => {
          for (let time = 1; !(await this.store.quarantine.amend(next.held, next.before)); time++) {
            if (time === tries) {
              throw new ServiceError("OVERLOADED", "Others patch this event all the time");
            }
            next = await this.amendment(project, id, patch);
          }
          return shownWhole({ held: next.held, revision: next.before + 1 });
        });
      },

      /** What a patch makes of an event, and of which revision. */
      async amendment(
        project: ProjectId,
        id: string,
        patch: unknown,
      ): Promise<{ readonly held: HeldEvent; readonly before: number }> {
        const existing = await this.quarantined(project, id);
        if (existing.replay !== undefined) throw replayUnderWay();
        const { held } = await this.judged(existing.held, patched(existing.held, patch));
        const { size } = await this.store.refused(project, [claimOf(held.event)]);
        if (size > 0) throw namesErased();
        const isBroken = held.findings.length > 0;
        return {
          held: isBroken ? held : { ...held, version: existing.held.version },
          before: existing.revision,
        };
      },

      async dropQuarantined(caller: ActContext, id: string): Promise<{ readonly dropped: string }> {
        const project = caller.meta.project ?? defaultProject;
        await this.quarantined(project, id);
        const act = { what: "quarantine.drop", target: id } as const;
        await this.administered(caller, act, async () => {
          const outcome = await this.store.quarantine.drop(project, id, Date.now());
          if (outcome === "absent") throw notInQuarantine();
          if (outcome === "replaying") throw replayUnderWay();
        });
        return { dropped: id };
      },

      async replayQuarantined(
        caller: ActContext,
        id: string,
      ): Promise<{ readonly replayed: string }> {
        const project = caller.meta.project ?? defaultProject;
        const existing = await this.quarantined(project, id);
        const isTooOld = await tooOldIn(this.store, project);
        if (isTooOld(existing.held.event)) throw tooOld();
        const act = { what: "quarantine.replay", target: id } as const;
        await this.administered(caller, act, async () => {
          const findings = await this.replayHeld(existing);
          if (findings === undefined) throw notInQuarantine();
          if (findings.length > 0) {
            throw new ServiceError("BREAKS_SCHEMA", undefined, { errors: findings });
          }
        });
        return { replayed: id };
      },

      /**
       * Replays a page of the events that a filter finds, the latest first; the page ends earlier
       * where its time is over. Events that the retention is about to drop are left out.
       * @throws ServiceError OUTCOME_UNKNOWN where one of them failed: others may have come out
       */
      async replayMany(caller: ActContext, raw: Raw): Promise<ReplayedEvents> {
        const project = caller.meta.project ?? defaultProject;
        const { scope, ...question } = readQuarantineQuestion(raw, project);
        const details = { ...(question.types && { types: question.types }) };
        const act = { what: "quarantine.replay", target: "*", details } as const;
        return this.administered(caller, act, async () => {
          const hidden = await hiddenOf(this.store, project);
          const all = await this.store.quarantine.list({ ...question, project });
          const erased = await this.removeErased(project, all);
          const isTooOld = await tooOldIn(this.store, project);
          const found = all.filter(
            ({ held: { event } }) =>
              !erased.has(event.id) && hidden?.hides(event) !== true && !isTooOld(event),
          );
          const turns = new Semaphore(atOnce);
          const until = performance.now() + replayWithinMs;
          const errors: unknown[] = [];
          // Turns are taken in order, so those that are left out come last.
          const outcomes = await Promise.all(
            found.map((one) =>
              turns.run(async () => {
                if (errors.length > 0 || performance.now() >= until) return "left";
                try {
                  const findings = await this.replayHeld(one);
                  if (findings === undefined) return "gone";
                  return findings.length === 0 ? "replayed" : "broken";
                } catch (error) {
                  errors.push(error);
                  return "failed";
                }
              }),
            ),
          );
          if (errors.length > 0) {
            this.logger.warn({ err: errors[0], failed: errors.length }, "events were not replayed");
            throw new ServiceError("OUTCOME_UNKNOWN");
          }
          const countOf = (what: (typeof outcomes)[number]) =>
            outcomes.filter((outcome) => outcome === what).length;
          const taken = outcomes.length - countOf("left");
          const isEnded = taken === found.length;
          const isWhole = isEnded && all.length < question.limit;
          const last = isWhole ? undefined : (isEnded ? all.at(-1) : found[taken - 1])?.held.event;
          return {
            replayed: countOf("replayed"),
            broken: countOf("broken"),
            nextCursor: last === undefined ? null : quarantineCursor(last, scope),
          };
        });
      },

      /**
       * Puts an event on the queue again, always under the same batch: the store fixes it before it
       * is published. Each event has a batch of its own, since the content of a batch must never
       * change.
       * @returns how the event still breaks its schema; it was not published then. `undefined` where
       *   it is gone: somebody dropped or erased it
       * @throws ServiceError OUTCOME_UNKNOWN where it could not be published: the event is released,
       *   and comes out later
       */
      async replayHeld({
        held,
        replay,
      }: QuarantinedEvent): Promise<HeldEvent["findings"] | undefined> {
        const { project, id, receivedAt } = held.event;
        if (replay === undefined) {
          const { held: anew, mode } = await this.judged(held, acceptedOf(held));
          if (mode === "enforce") return anew.findings;
        }
        const out = await this.store.quarantine.release(project, id, randomUUIDv7());
        if (out === undefined) {
          // Where it is stored another replay came first. A later event may have a dropped one's id.
          const stored = await this.store.event(project, id);
          return stored?.receivedAt === receivedAt ? [] : undefined;
        }
        const body = releasedAlone(acceptedOf(out.held), project, out.replay);
        try {
          await this.queue.publish({ body, receivedAt: Date.now() });
        } catch {
          throw new ServiceError("OUTCOME_UNKNOWN");
        }
        return [];
      },

      startFinishingReplays(): void {
        this.finishingReplays = new Ticker(
          (signal) => this.finishReplays(signal),
          { everyMs: finishEveryMs, restFactor: 0 },
          (error) => this.logger.warn({ err: error }, "replays could not be looked for"),
        );
      },

      /**
       * Publishes again every replay whose event is still in quarantine: the process that should
       * have published it may have died. An event that was published twice is released once.
       * @param signal ends it between two events
       */
      async finishReplays(signal: AbortSignal): Promise<void> {
        let day = await this.store.nextDay();
        while (day !== undefined && !signal.aborted) {
          const { project } = day;
          const isTooOld = await tooOldIn(this.store, project);
          let after: { readonly receivedAt: number; readonly id: string } | undefined;
          do {
            const page = await this.store.quarantine.list({ project, limit: pageSize, after });
            const erased = await this.removeErased(project, page);
            for (const one of page) {
              if (signal.aborted) return;
              const { event } = one.held;
              const isLost = erased.has(event.id) || isTooOld(event);
              if (one.replay !== undefined && !isLost) await this.replayHeld(one);
            }
            after = page.length < pageSize ? undefined : page.at(-1)!.held.event;
          } while (after !== undefined);
          day = await this.store.nextDay({ project, grain: "day", start: lastInstant });
        }
      },
    },
    created() {
      this.finishingReplays = null;
    },
    async stopped() {
      await this.finishingReplays?.stop();
      this.finishingReplays = null;
    },
  });
}

/**
 * The event with a merge patch (RFC 7396), checked as every event is. Its time of acceptance and the
 * findings about its address stay.
 * @throws ServiceError INVALID_EVENT with pointers into the event
 */
function patched(held: HeldEvent, patch: unknown): AcceptedEvent {
  const before = acceptedOf(held);
  const sent = sentEvent(held);
  const input = mergePatch(sent, patch as Json);
  const named = isObject(input) && !("id" in input) ? { ...input, id: before.id } : input;
  const { results, accepted } = admit([named], { now: Date.now(), newId: () => before.id });
  const [result] = results;
  if (result?.status === "rejected") {
    throw new ServiceError("INVALID_EVENT", undefined, { errors: result.error.errors });
  }
  const { undated: isNow, ...event } = accepted[0]!.event;
  if (event.id !== before.id) {
    const message = "the id stays as it is";
    const errors = [{ pointer: "/id", code: "id", message }];
    throw new ServiceError("INVALID_EVENT", undefined, { errors });
  }
  const timestamp = isNow === true ? before.timestamp : event.timestamp;
  const isUndated = before.undated === true && timestamp === before.timestamp;
  const isSameAddress = event.metadata?.["ip"] === before.metadata?.["ip"];
  return {
    ...event,
    timestamp,
    receivedAt: before.receivedAt,
    ...(isUndated && { undated: true }),
    ...(isSameAddress && before.country !== undefined && { country: before.country }),
  };
}

function isObject(value: unknown): value is object {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function shownWhole({ held, replay }: QuarantinedEvent): ShownQuarantinedEvent {
  return { ...shownQuarantined(held, replay !== undefined), event: sentEvent(held) };
}

function namesErased(): ServiceError {
  const message = "names a person whose events of that time were erased";
  const errors = [{ pointer: "/metadata", code: "erased", message }];
  return new ServiceError("INVALID_EVENT", undefined, { errors });
}

function tooOld(): ServiceError {
  const message = "is older than the project keeps events of its type";
  const errors = [{ pointer: "/timestamp", code: "too_old", message }];
  return new ServiceError("INVALID_EVENT", undefined, { errors });
}

function notInQuarantine(): ServiceError {
  return new ServiceError("NOT_FOUND", "There is no event with this id in quarantine");
}

function replayUnderWay(): ServiceError {
  return new ServiceError("REPLAY_UNDER_WAY", "This event is being replayed");
}
