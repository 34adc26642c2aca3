import { loadConfig, type Config } from "../lib/config.ts";
import { defaultProject } from "../lib/event/event.ts";
import { ServiceError } from "../lib/errors.ts";
import { publicEvent } from "../lib/event/public-event.ts";
import { storeHealth } from "../lib/health.ts";
import { defineService } from "../lib/moleculer.ts";
import { hiddenOf } from "../lib/store/hidden.ts";
import { outcomeOf } from "../lib/store/protocol.ts";
import { ActsMixin } from "../mixins/acts.mixin.ts";
import { AuditLogMixin } from "../mixins/query/audit-log.mixin.ts";
import { AnswersMixin } from "../mixins/query/answers.mixin.ts";
import { EntitiesMixin } from "../mixins/query/entities.mixin.ts";
import { ExportMixin, StoriesMixin } from "../mixins/query/lists.mixin.ts";
import { KeysMixin } from "../mixins/query/keys.mixin.ts";
import { OwnCursorsMixin } from "../mixins/query/own-cursors.mixin.ts";
import { PartsMixin } from "../mixins/query/parts.mixin.ts";
import { QuestionsMixin } from "../mixins/query/questions.mixin.ts";
import { SchemasMixin } from "../mixins/query/schemas.mixin.ts";
import { SavedQuestionsMixin } from "../mixins/query/saved-questions.mixin.ts";
import { TraceMixin } from "../mixins/query/trace.mixin.ts";
import { StoredMixin } from "../mixins/query/stored.mixin.ts";

/**
 * Answers reads: events, one or many, counts, and questions of any kind; keeps saved questions. It
 * never writes events.
 */
export const query = (config: Config) =>
  defineService(
    "query",
    AnswersMixin(config),
    PartsMixin(),
    QuestionsMixin(config),
    ActsMixin(),
    AuditLogMixin(),
    KeysMixin(),
    SchemasMixin(),
    SavedQuestionsMixin(config),
    ExportMixin(),
    StoriesMixin(),
    StoredMixin(),
    TraceMixin(),
    EntitiesMixin(),
    OwnCursorsMixin(),
  )({
    actions: {
      events: {
        handler(ctx) {
          return this.listAnswer(ctx, ctx.params);
        },
      },
      export: {
        handler(ctx) {
          return this.exportPage(ctx, ctx.params);
        },
      },
      exportSubject: {
        handler(ctx) {
          return this.exportSubjectPage(ctx, ctx.params);
        },
      },
      event: {
        async handler(ctx) {
          const project = ctx.meta.project ?? defaultProject;
          const hidden = await hiddenOf(this.store, project);
          const found = await this.store.event(project, ctx.params.id);
          if (found === undefined || hidden?.hides(found) === true)
            throw new ServiceError("NOT_FOUND", "There is no event with this id");
          return publicEvent(found);
        },
      },
      trace: {
        handler(ctx) {
          return this.traceOf(ctx, ctx.params.id);
        },
      },
      counts: {
        handler(ctx) {
          return this.ask(ctx, "counts", ctx.params);
        },
      },
      run: {
        handler(ctx) {
          return this.ask(ctx, "run", ctx.params);
        },
      },
      mailReport: {
        handler(ctx) {
          return this.ask(ctx, "mail", ctx.params);
        },
      },
      "saved.list": {
        async handler(ctx) {
          return { data: await this.listQuestions(ctx) };
        },
      },
      "saved.get": {
        handler(ctx) {
          return this.showQuestion(ctx, ctx.params.name);
        },
      },
      "saved.put": {
        handler(ctx) {
          return this.saveQuestion(ctx, ctx.params);
        },
      },
      "saved.remove": {
        handler(ctx) {
          return this.removeQuestion(ctx, ctx.params);
        },
      },
      "saved.results": {
        handler(ctx) {
          return this.answerSaved(ctx, ctx.params);
        },
      },
      "keys.list": {
        async handler(ctx) {
          return { data: await this.listKeys(ctx) };
        },
      },
      "keys.get": {
        handler(ctx) {
          return this.showKey(ctx, ctx.params.id);
        },
      },
      "keys.create": {
        handler(ctx) {
          return this.createKey(ctx, ctx.params);
        },
      },
      "keys.rotate": {
        handler(ctx) {
          return this.rotateKey(ctx, ctx.params);
        },
      },
      "keys.revoke": {
        handler(ctx) {
          return this.revokeKey(ctx, ctx.params.id);
        },
      },
      "keys.known": {
        visibility: "public",
        handler(ctx) {
          return this.knownKeys(ctx.params.version);
        },
      },
      "keys.used": {
        visibility: "public",
        async handler(ctx) {
          await this.store.keys.used(ctx.params.uses);
          return null;
        },
      },
      "schemas.list": {
        async handler(ctx) {
          return { data: await this.listSchemas(ctx) };
        },
      },
      "schemas.get": {
        handler(ctx) {
          return this.showSchema(ctx, ctx.params.type);
        },
      },
      "schemas.versions": {
        async handler(ctx) {
          const { type, ...raw } = ctx.params;
          return { data: await this.showVersions(ctx, type, raw) };
        },
      },
      "schemas.put": {
        handler(ctx) {
          return this.putSchema(ctx, ctx.params);
        },
      },
      "schemas.remove": {
        handler(ctx) {
          return this.removeSchema(ctx, ctx.params.type);
        },
      },
      "schemas.infer": {
        handler(ctx) {
          const { type, ...raw } = ctx.params;
          return this.proposeSchema(ctx, type, raw);
        },
      },
      auditLog: {
        handler(ctx) {
          return this.actsOf(ctx, ctx.params);
        },
      },
      funnel: {
        handler(ctx) {
          return this.ask(ctx, "funnel", ctx.params);
        },
      },
      retention: {
        handler(ctx) {
          return this.ask(ctx, "retention", ctx.params);
        },
      },
      paths: {
        handler(ctx) {
          return this.ask(ctx, "paths", ctx.params);
        },
      },
      "catalog.types": {
        handler(ctx) {
          return this.ask(ctx, "catalogTypes", ctx.params);
        },
      },
      "catalog.properties": {
        handler(ctx) {
          return this.ask(ctx, "catalogProperties", ctx.params);
        },
      },
      "catalog.values": {
        handler(ctx) {
          return this.ask(ctx, "catalogValues", ctx.params);
        },
      },
      story: {
        handler(ctx) {
          return this.storyAnswer(ctx, ctx.params);
        },
      },
      /**
       * Makes an answer, or takes it from the cache. The key changes with every change of the data
       * that the answer depends on.
       */
      answered: {
        // Only this service may call it: its parameters come from a question's reader.
        visibility: "private",
        // Concurrent calls with the same key wait for the first one's answer.
        cache: { keys: ["key"], lock: { enabled: true } },
        async handler(ctx) {
          return { ...(await this.answerTo(ctx.params)), askedBy: ctx.params.askedBy };
        },
      },
      part: {
        visibility: "public",
        handler(ctx) {
          return this.foldPart(ctx);
        },
      },
      stored: {
        visibility: "public",
        handler(ctx) {
          return this.storedAfter(ctx.params);
        },
      },
      seconds: {
        visibility: "public",
        handler(ctx) {
          return this.secondsBefore(ctx);
        },
      },
      outcome: {
        visibility: "public",
        handler(ctx) {
          return outcomeOf(this.store, ctx.meta.project ?? defaultProject, ctx.params);
        },
      },
      health: {
        visibility: "public",
        handler() {
          return storeHealth(this.store);
        },
      },
    },
  });

export default query(loadConfig());
