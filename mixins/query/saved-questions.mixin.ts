import { randomUUID } from "node:crypto";
import type { Config } from "../../lib/config.ts";
import { type Actions } from "../../lib/contracts.ts";
import { defaultProject } from "../../lib/event/event.ts";
import { rolledUp } from "../../lib/counting/dimensions.ts";
import {
  checkOtherRange,
  readQuestionName,
  readQuestionToKeep,
  withRange,
  type QuestionKinds,
  type ShownQuestion,
  type Precondition,
} from "../../lib/questions/saved.ts";
import { readWithRange } from "../../lib/questions/reading/relative-range.ts";
import { ServiceError } from "../../lib/errors.ts";
import { defineMixin } from "../../lib/moleculer.ts";
import type { QuestionSummary, SavedQuestion } from "../../lib/store/saved-questions.ts";
import { kinds, savedKinds, type QuestionKind } from "../../lib/answers/kinds.ts";
import type { Caller } from "./answers.mixin.ts";
import type { ActContext, Administering } from "../acts.mixin.ts";
import type { Questioning } from "./questions.mixin.ts";
import type { Storing } from "../store.mixin.ts";

/** The most saved questions of a project. */
const maxQuestions = 1_000;

/** The most bytes of a saved question, as JSON. */
const maxBytes = 65_536;

/** Gives a service the methods to save questions under names, and to answer saved ones. */
export function SavedQuestionsMixin(config: Config) {
  const dimensions = rolledUp(config.rollupDimensions);
  const readers: QuestionKinds = Object.fromEntries(
    savedKinds.map((name) => [
      name,
      {
        read: (question) =>
          readWithRange<unknown>(kinds[name].form, question, Date.now(), (absolute) =>
            kinds[name].read(absolute, dimensions),
          ),
      },
    ]),
  );

  return defineMixin<{ needs: Storing & Questioning & Administering }>()({
    methods: {
      async saveQuestion(
        ctx: ActContext,
        { name, body, demand = "any" }: Actions["query.saved.put"]["params"],
      ): Promise<Actions["query.saved.put"]["result"]> {
        const { kind, question, description, view } = readQuestionToKeep(body, readers);
        const text = JSON.stringify(question);
        if (Buffer.byteLength(text) > maxBytes) {
          throw new ServiceError(
            "TOO_LARGE",
            `A saved question may have at most ${maxBytes} bytes`,
          );
        }
        const toSave = {
          name: readQuestionName(name),
          kind,
          description,
          version: randomUUID(),
          savedAt: Date.now(),
          question: text,
          ...(view !== undefined && { view: JSON.stringify(view) }),
        };
        const project = ctx.meta.project ?? defaultProject;
        const act = { what: "queries.save", target: toSave.name, details: { kind } } as const;
        const outcome = await this.administered(ctx, act, async () => {
          const saved = await this.store.saveQuestion(project, toSave, demand, maxQuestions);
          if (saved === "unmet") throw unmet();
          if (saved === "full") throw tooManyQuestions();
          return saved;
        });
        const saved = await this.store.savedQuestion(project, toSave.name);
        // Another process may have removed the question already.
        const shown = shownOf(saved ?? { ...toSave, createdAt: toSave.savedAt });
        return { created: outcome === "created", version: toSave.version, saved: shown };
      },

      async savedQuestionOf({ meta }: Pick<Caller, "meta">, name: unknown): Promise<SavedQuestion> {
        const project = meta.project ?? defaultProject;
        const found = await this.store.savedQuestion(project, readQuestionName(name));
        if (found !== undefined) return found;
        throw noSuchQuestion();
      },

      async showQuestion(
        caller: Pick<Caller, "meta">,
        name: string,
      ): Promise<Actions["query.saved.get"]["result"]> {
        const found = await this.savedQuestionOf(caller, name);
        return { version: found.version, saved: shownOf(found) };
      },

      async listQuestions({ meta }: Pick<Caller, "meta">): Promise<readonly ShownQuestion[]> {
        const all = await this.store.savedQuestions(meta.project ?? defaultProject);
        return all.map(shownOf);
      },

      async removeQuestion(
        ctx: ActContext,
        { name, demand = "any" }: { readonly name: string; readonly demand?: Precondition },
      ): Promise<{ readonly removed: string }> {
        const project = ctx.meta.project ?? defaultProject;
        const act = { what: "queries.remove", target: readQuestionName(name) } as const;
        await this.administered(ctx, act, async () => {
          const outcome = await this.store.removeQuestion(project, act.target, demand);
          if (outcome === "unmet") throw unmet();
          if (outcome === "absent") throw noSuchQuestion();
        });
        return { removed: name };
      },

      async answerSaved(
        ctx: Caller,
        { name, ...range }: Actions["query.saved.results"]["params"],
      ): Promise<object> {
        checkOtherRange(range, Date.now());
        const { kind, question } = await this.savedQuestionOf(ctx, name);
        // A newer version saved the question, which is of a kind that this process does not know.
        if (!isKind(kind)) throw new ServiceError("SERVICE_UNAVAILABLE");
        const saved = JSON.parse(question) as Readonly<Record<string, unknown>>;
        return this.ask(ctx, kind, withRange(kinds[kind].form, saved, range));
      },
    },
  });
}

function shownOf(saved: QuestionSummary & Partial<SavedQuestion>): ShownQuestion {
  const { name, kind, description, question, view, createdAt, savedAt } = saved;
  return {
    name,
    kind,
    ...(question !== undefined && {
      question: JSON.parse(question) as Readonly<Record<string, unknown>>,
    }),
    description,
    ...(view !== undefined && { view: JSON.parse(view) as Readonly<Record<string, unknown>> }),
    createdAt: new Date(createdAt).toISOString(),
    savedAt: new Date(savedAt).toISOString(),
  };
}

function isKind(kind: string): kind is QuestionKind {
  return (savedKinds as readonly string[]).includes(kind);
}

function noSuchQuestion(): ServiceError {
  return new ServiceError("NOT_FOUND", "There is no saved question of this name");
}

function tooManyQuestions(): ServiceError {
  return new ServiceError(
    "TOO_MANY_QUESTIONS",
    `A project may have ${maxQuestions} saved questions: remove one first`,
  );
}

function unmet(): ServiceError {
  return new ServiceError(
    "PRECONDITION_FAILED",
    "The saved question is not in the state that If-Match or If-None-Match demands",
  );
}
