import { defaultProject } from "../lib/contracts.ts";
import { readExportQuestion, type ExportPage } from "../lib/analytics/export-question.ts";
import { cursorOf } from "../lib/analytics/list-question.ts";
import type { Raw } from "../lib/analytics/read-question.ts";
import { textHead } from "../lib/event/event-text.ts";
import { defineMixin } from "../lib/moleculer.ts";
import type { Answering, Caller } from "./answers.mixin.ts";

/** Of a page: small enough that a reader of the store is soon free again, large enough to be worth its call. */
const maxEvents = 1_000;
const maxBytes = 524_288;

/** Gives a service `this.exportPage(ctx, params)`: a page of an export, from where the last one ended. */
export function ExportMixin() {
  return defineMixin<Answering>()({
    methods: {
      async exportPage(ctx: Caller, raw: Raw): Promise<ExportPage> {
        const question = readExportQuestion(raw);
        const { filter, order, text, after } = question;
        const isFirst = after === undefined;
        const project = ctx.meta.project ?? defaultProject;
        if (isFirst) this.readingOf(project).checkTurn();
        const asOf = isFirst ? new Date((await this.begin()).asOf).toISOString() : null;
        const query = { ...filter, project, order, limit: maxEvents, after };
        const page = await this.forCaller(ctx, (signal) =>
          this.readingOf(project, signal).eventsText(query, text, maxBytes),
        );
        this.broker.metrics.increment("analytics_events_exported_total", undefined, page.events);
        return {
          text: isFirst ? textHead(text) + page.text : page.text,
          nextCursor: page.next === undefined ? null : cursorOf(page.next, question),
          asOf,
        };
      },
    },
  });
}
