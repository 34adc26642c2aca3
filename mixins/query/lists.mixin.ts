import { defaultProject } from "../../lib/event/event.ts";
import {
  readExportQuestion,
  checkSubjectParameters,
  readSubjectCursor,
  subjectCursor,
  type ExportPage,
} from "../../lib/questions/lists/export.ts";
import { cursorOf, pageShown, rowsMeta } from "../../lib/questions/lists/list.ts";
import type { Raw } from "../../lib/questions/reading/field.ts";
import {
  asParameters,
  continuedAt,
  readWithRange,
} from "../../lib/questions/reading/relative-range.ts";
import { quarantineCursor, readQuarantineQuestion } from "../../lib/questions/quarantine.ts";
import { textHead, textLine } from "../../lib/event/event-text.ts";
import { defineMixin } from "../../lib/moleculer.ts";
import type { Storing } from "../store.mixin.ts";
import { hiddenOf } from "../../lib/store/hidden.ts";
import type { Answering, Caller } from "./answers.mixin.ts";
import { ServiceError } from "../../lib/errors.ts";
import {
  type StoryAnswer,
  readStoryQuestion,
  storyEvents,
} from "../../lib/questions/lists/story.ts";

/**
 * The bytes of a page: few, so that a store's reader is soon free again, but enough to be worth a
 * call.
 */
const maxEvents = 1_000;
const maxBytes = 524_288;

/** Events in quarantine of a page: each may be as large as an event can be. */
const heldEvents = 100;

/**
 * Gives a service `this.exportPage(ctx, params)`: a page of an export, from where the last one
 * ended.
 */
export function ExportMixin() {
  return defineMixin<{ needs: Answering & Storing }>()({
    methods: {
      /** @param begins whether a page without a cursor is the first one of its export */
      async exportPage(ctx: Caller, raw: Raw, begins = true): Promise<ExportPage> {
        const { question, at } = readWithRange(asParameters, raw, Date.now(), readExportQuestion);
        const { filter, order, text, after } = question;
        const isFirst = begins && after === undefined;
        const project = ctx.meta.project ?? defaultProject;
        if (isFirst) this.readsOf(project).checkTurn();
        const asOf = isFirst ? new Date((await this.begin()).asOf).toISOString() : null;
        const query = { ...filter, project, order, limit: maxEvents, after };
        const [page, isErasing] = await this.forCaller(ctx, async (signal) => {
          const reads = this.readsOf(project, signal);
          return [await reads.eventsText(query, text, maxBytes), reads.isErasing] as const;
        });
        this.metrics.increment("analytics_events_exported_total", undefined, page.events);
        return {
          text: isFirst ? textHead(text) + page.text : page.text,
          nextCursor:
            page.next === undefined ? null : continuedAt(cursorOf(page.next, question), at),
          asOf,
          ...(isFirst && (await this.wholeness(query, isErasing))),
        };
      },

      /**
       * Returns a page of the export of a person's events. Events in quarantine come first: an event
       * that is released meanwhile is then found among the stored ones.
       */
      async exportSubjectPage(ctx: Caller, raw: Raw): Promise<ExportPage> {
        const { cursor, ...question } = raw;
        const { userId: _, ...others } = question;
        checkSubjectParameters(others);
        const place = readSubjectCursor(cursor);
        if (place.part === "stored") {
          const next = place.after === undefined ? question : { ...question, cursor: place.after };
          const { nextCursor, ...page } = await this.exportPage(ctx, next, false);
          const after = nextCursor ?? undefined;
          return {
            ...page,
            nextCursor: after === undefined ? null : subjectCursor({ part: "stored", after }),
          };
        }
        const project = ctx.meta.project ?? defaultProject;
        const { filter, text } = readExportQuestion(question);
        const userId = String(question["userId"]);
        const { scope, limit, after } = readQuarantineQuestion(
          { userId, limit: heldEvents, ...(place.after !== undefined && { cursor: place.after }) },
          project,
        );
        const isFirst = after === undefined;
        if (isFirst) this.readsOf(project).checkTurn();
        const asOf = isFirst ? new Date((await this.begin()).asOf).toISOString() : null;
        const hidden = await hiddenOf(this.store, project);
        const found = await this.store.quarantine.list({ project, userId, limit, after });
        const shown = found.filter(({ held }) => hidden?.hides(held.event) !== true);
        this.metrics.increment("analytics_events_exported_total", undefined, shown.length);
        const lines = shown.map(({ held }) => textLine(held.event, text)).join("");
        const last = found.length === limit ? found.at(-1)!.held.event : undefined;
        return {
          text: isFirst ? textHead(text) + lines : lines,
          nextCursor: subjectCursor(
            last === undefined
              ? { part: "stored" }
              : { part: "held", after: quarantineCursor(last, scope) },
          ),
          asOf,
          ...(isFirst &&
            (await this.wholeness({ ...filter, project }, hidden?.mayHideMore === true))),
        };
      },
    },
  });
}

/** Gives a service the story of one correlation id, page by page. */
export function StoriesMixin() {
  return defineMixin<{ needs: Answering }>()({
    methods: {
      /** @throws ServiceError VALIDATION; NOT_FOUND where nothing happened under this id */
      async storyAnswer(ctx: Caller, raw: Raw): Promise<StoryAnswer> {
        const question = readStoryQuestion(raw);
        const { correlationId, limit, after } = question;
        const project = ctx.meta.project ?? defaultProject;
        const begun = await this.begin();
        const filter = { project, correlationId, order: "asc" as const };
        const [found, [first], isErasing] = await this.forCaller(ctx, async (signal) => {
          const reads = this.readsOf(project, signal);
          const [page, firsts] = await Promise.all([
            reads.page({ ...filter, limit, after }),
            reads.events({ ...filter, limit: 1 }),
          ]);
          return [page, firsts, reads.isErasing] as const;
        });
        if (first === undefined) {
          throw new ServiceError("NOT_FOUND", "Nothing happened under this correlation id");
        }
        const { events } = found;
        const page = pageShown(found, question);
        return {
          correlationId,
          data: storyEvents(events, first.timestamp, after?.timestamp),
          page,
          meta: this.metaOf(
            begun,
            { project },
            {
              ...(await this.wholeness({ project }, isErasing)),
              source: "events",
              ...rowsMeta(events.length, page, { isFirst: after === undefined }),
              cache: "miss",
            },
          ),
        };
      },
    },
  });
}
