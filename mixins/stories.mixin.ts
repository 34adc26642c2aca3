import { defaultProject } from "../lib/contracts.ts";
import { pageOf } from "../lib/analytics/list-question.ts";
import type { Raw } from "../lib/analytics/read-question.ts";
import { readStoryQuestion, tell, type StoryAnswer } from "../lib/analytics/story.ts";
import { ServiceError } from "../lib/errors.ts";
import { defineMixin } from "../lib/moleculer.ts";
import type { Answering, Caller } from "./answers.mixin.ts";

/** Gives a service the story of one correlation id, page by page. */
export function StoriesMixin() {
  return defineMixin<Answering>()({
    methods: {
      /** @throws ServiceError VALIDATION; NOT_FOUND where nothing happened under this id */
      async storyAnswer(ctx: Caller, raw: Raw): Promise<StoryAnswer> {
        const question = readStoryQuestion(raw);
        const { correlationId, limit, after } = question;
        const project = ctx.meta.project ?? defaultProject;
        const begun = await this.begin();
        const asked = { project, correlationId, order: "asc" as const };
        const [found, [first]] = await this.forCaller(ctx, (signal) => {
          const reading = this.readingOf(project, signal);
          return Promise.all([
            reading.page({ ...asked, limit, after }),
            reading.events({ ...asked, limit: 1 }),
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
          meta: this.metaOf(begun, { exact: true, source: "events", cache: "miss" }),
        };
      },
    },
  });
}
