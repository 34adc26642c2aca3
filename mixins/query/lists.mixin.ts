import { defaultProject } from "../../lib/event/event.ts";
import { readExportQuestion, type ExportPage } from "../../lib/questions/lists/export.ts";
import { cursorOf, pageOf, rowsMeta } from "../../lib/questions/lists/list.ts";
import type { Raw } from "../../lib/questions/reading/field.ts";
import {
  asParameters,
  continuedAt,
  readWithRange,
} from "../../lib/questions/reading/relative-range.ts";
import { textHead } from "../../lib/event/event-text.ts";
import { defineMixin } from "../../lib/moleculer.ts";
import type { Answering, Caller } from "./freshness.mixin.ts";
import { ServiceError } from "../../lib/errors.ts";
import { type StoryAnswer, readStoryQuestion, tell } from "../../lib/questions/lists/story.ts";

/**
 * Of a page: small enough that a reader of the store is soon free again, large enough to be worth
 * its call.
 */
const maxEvents = 1_000;
const maxBytes = 524_288;

/**
 * Gives a service `this.exportPage(ctx, params)`: a page of an export, from where the last one
 * ended.
 */
export function ExportMixin() {
  return defineMixin<{ needs: Answering }>()({
    methods: {
      async exportPage(ctx: Caller, raw: Raw): Promise<ExportPage> {
        const { question, at } = readWithRange(asParameters, raw, Date.now(), readExportQuestion);
        const { filter, order, text, after } = question;
        const isFirst = after === undefined;
        const project = ctx.meta.project ?? defaultProject;
        if (isFirst) this.readingOf(project).checkTurn();
        const asOf = isFirst ? new Date((await this.begin()).asOf).toISOString() : null;
        const query = { ...filter, project, order, limit: maxEvents, after };
        const page = await this.forCaller(ctx, (signal) =>
          this.readingOf(project, signal).eventsText(query, text, maxBytes),
        );
        this.metrics.increment("analytics_events_exported_total", undefined, page.events);
        return {
          text: isFirst ? textHead(text) + page.text : page.text,
          nextCursor:
            page.next === undefined ? null : continuedAt(cursorOf(page.next, question), at),
          asOf,
          ...(isFirst && (await this.wholeness(query))),
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
        const [found, [first]] = await this.forCaller(ctx, (signal) => {
          const reading = this.readingOf(project, signal);
          return Promise.all([
            reading.page({ ...filter, limit, after }),
            reading.events({ ...filter, limit: 1 }),
          ]);
        });
        if (first === undefined) {
          throw new ServiceError("NOT_FOUND", "Nothing happened under this correlation id");
        }
        const { events, page } = pageOf(found, question);
        return {
          correlationId,
          data: tell(events, first.timestamp, after?.timestamp),
          page,
          meta: this.metaOf(
            begun,
            { project },
            {
              ...(await this.wholeness({ project })),
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
