import { grainMs, startOf, type Grain } from "../../lib/counting/bucket.ts";
import { defaultProject, type ProjectId, type StoredEvent } from "../../lib/event/event.ts";
import { lastInstant } from "../../lib/event/instant.ts";
import { defineMixin } from "../../lib/moleculer.ts";
import { madeAt, type EventTrace } from "../../lib/questions/trace.ts";
import { hiddenOf } from "../../lib/store/hidden.ts";
import type { Caller } from "./answers.mixin.ts";
import type { Storing } from "../store.mixin.ts";

/** Gives a service `this.traceOf(ctx, id)`: where an event is, and how it came there. */
export function TraceMixin() {
  return defineMixin<{ needs: Storing }>()({
    methods: {
      async traceOf(ctx: Caller, id: string): Promise<EventTrace> {
        const project = ctx.meta.project ?? defaultProject;
        const { store } = this;
        const none = { ...nothing, id };
        const hidden = await hiddenOf(store, project);
        const erasing = (event: StoredEvent): EventTrace | undefined => {
          const since = hidden?.erasedAt(event);
          return since === undefined ? undefined : { ...none, ...erasedSince(since) };
        };
        const stored = await store.event(project, id);
        if (stored !== undefined) {
          const gone = erasing(stored);
          if (gone !== undefined) return gone;
          const rolledUp = await this.rollupsWith(project, stored.timestamp);
          return { ...none, ...wayOf(stored), state: "counted", rolledUp };
        }
        const held = await store.quarantine.find(project, id);
        if (held !== undefined) {
          const gone = erasing(held.held.event);
          if (gone !== undefined) return gone;
          const state = held.replay === undefined ? "quarantined" : "replaying";
          return { ...none, ...wayOf(held.held.event), state };
        }
        const erasedAt = await store.erasedAt(project, id);
        const erased = erasedAt !== undefined && { ...none, ...erasedSince(erasedAt) };
        if (erased && (await this.isTaken(project, id))) return erased;
        const dead = await ctx.call("processor.dead.holding", { id, project });
        if (dead.letter !== null) {
          const { receivedAt, id: deadLetter } = dead.letter;
          return { ...none, state: "dead", acceptedAt: receivedAt, deadLetter };
        }
        if (dead.erasedAt !== undefined) {
          return { ...none, ...erasedSince(dead.erasedAt ?? erasedAt ?? null) };
        }
        const { messages, oldestReceivedAt } = await ctx.call("processor.backlog", {});
        if (erased && messages === 0) return erased;
        const oldest = oldestReceivedAt === null ? null : new Date(oldestReceivedAt).toISOString();
        const queue = { waiting: messages, oldestReceivedAt: oldest };
        return { ...none, ...erased, state: "unknown", queue };
      },

      /** Whether no event that is accepted from now on may have an erased id. */
      async isTaken(project: ProjectId, id: string): Promise<boolean> {
        const refused = await this.store.refused(project, [{ id, receivedAt: lastInstant }]);
        return refused.has(id);
      },

      async rollupsWith(project: ProjectId, timestamp: number): Promise<EventTrace["rolledUp"]> {
        const day = startOf("day", timestamp);
        const marks = await this.store.marks(project, { from: day, to: day + grainMs.day });
        const isMarked = (grain: Grain) => marks[grain].includes(startOf(grain, timestamp));
        const minute = !isMarked("minute");
        const hour = minute && !isMarked("hour");
        return { minute, hour, day: hour && !isMarked("day") };
      },
    },
  });
}

const nothing: EventTrace = {
  id: "",
  state: "unknown",
  acceptedAt: null,
  queuedAt: null,
  batch: null,
  rolledUp: null,
  erasedAt: null,
  deadLetter: null,
  queue: null,
};

function erasedSince(instant: number | null): Pick<EventTrace, "state" | "erasedAt"> {
  const erasedAt = instant === null ? null : new Date(instant).toISOString();
  return { state: "erased", erasedAt };
}

function wayOf({
  receivedAt,
  batch,
}: StoredEvent): Pick<EventTrace, "acceptedAt" | "queuedAt" | "batch"> {
  return { acceptedAt: new Date(receivedAt).toISOString(), queuedAt: madeAt(batch), batch };
}
