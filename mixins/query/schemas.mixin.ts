import { ServiceError } from "../../lib/errors.ts";
import { defaultProject, type ProjectId } from "../../lib/event/event.ts";
import { inferSchema } from "../../lib/event/schemas/infer.ts";
import type { SchemaVersion } from "../../lib/event/schemas/schema.ts";
import { defineMixin } from "../../lib/moleculer.ts";
import type { ActKind } from "../../lib/questions/audit-log.ts";
import type { Raw } from "../../lib/questions/reading/field.ts";
import {
  readInferParameters,
  readSchemaBody,
  readType,
  readVersionsParameters,
  type ProposedSchema,
  type ShownSchema,
  type ShownVersion,
} from "../../lib/questions/schemas.ts";
import type { KeptSchema } from "../../lib/store/schemas.ts";
import type { ActContext, Administering } from "../acts.mixin.ts";
import type { Answering, Caller } from "./answers.mixin.ts";

/** The most types of a project that have a schema. */
const maxTypes = 200;

/** The most versions of a schema that are kept. */
const maxVersions = 50;

/** How often a write is tried at most while others write the same schema. */
const tries = 10;

/** Gives a service the methods to save the schemas of a project, and to propose a schema. */
export function SchemasMixin() {
  return defineMixin<{ needs: Answering & Administering }>()({
    methods: {
      async listSchemas({ meta }: ActContext): Promise<readonly ShownSchema[]> {
        const all = await this.store.schemas.current(meta.project ?? defaultProject);
        return all.map(({ type, current }) => shownSchema(type, current));
      },

      async showSchema({ meta }: ActContext, type: string): Promise<ShownSchema> {
        const kept = await this.store.schemas.find(meta.project ?? defaultProject, type);
        if (kept === undefined || kept.current === "") throw noSchema();
        return shownSchema(type, kept.current);
      },

      async showVersions(
        { meta }: ActContext,
        type: string,
        raw: Raw,
      ): Promise<readonly ShownVersion[]> {
        const { limit } = readVersionsParameters(raw);
        const kept = await this.store.schemas.find(meta.project ?? defaultProject, type);
        if (kept === undefined) throw noSchema();
        return versionsOf(kept)
          .slice(0, limit)
          .map(({ version, mode, schema, createdAt }) => ({
            type,
            version,
            mode: schema === undefined ? null : mode,
            schema: schema ?? null,
            createdAt: new Date(createdAt).toISOString(),
          }));
      },

      async putSchema(
        ctx: ActContext,
        { type, body }: { readonly type: string; readonly body: unknown },
      ): Promise<{ readonly created: boolean; readonly saved: ShownSchema }> {
        readType(type);
        const { findingsOfSchema } = await import("../../lib/event/schemas/check.ts");
        const { mode, schema } = readSchemaBody(body, findingsOfSchema);
        const next = { mode, schema, createdAt: Date.now() };
        const { kept, before } = await this.writeSchema(ctx, type, "schemas.put", next);
        const created = before === undefined || before.current === "";
        return { created, saved: shownSchema(type, kept.current) };
      },

      async removeSchema(ctx: ActContext, type: string): Promise<{ readonly removed: string }> {
        await this.showSchema(ctx, type);
        const next = { mode: "observe", createdAt: Date.now() } as const;
        await this.writeSchema(ctx, type, "schemas.remove", next);
        return { removed: type };
      },

      /** When two callers write at once, both versions are saved, one after the other. */
      async writeSchema(
        ctx: ActContext,
        type: string,
        what: ActKind,
        next: Omit<SchemaVersion, "version">,
      ): Promise<{ readonly kept: KeptSchema; readonly before: KeptSchema | undefined }> {
        const project = ctx.meta.project ?? defaultProject;
        const details = what === "schemas.put" ? { mode: next.mode } : {};
        const written = await this.administered(ctx, { what, target: type, details }, async () => {
          for (let time = 0; time < tries; time++) {
            const before = await this.store.schemas.find(project, type);
            const kept = nextOf(before, { project, type }, next);
            const outcome = await this.store.schemas.put(kept, maxTypes);
            if (outcome === "kept") return { kept, before };
            if (outcome === "full") {
              const message = `A project may have schemas of ${maxTypes} types: remove one first`;
              throw new ServiceError("TOO_MANY_SCHEMAS", message);
            }
          }
          throw new ServiceError("OVERLOADED", "Others write this schema all the time");
        });
        // A lost one costs some seconds: processors ask by themselves.
        void this.broker.broadcast("schemas.changed", {}, ["processor"]);
        return written;
      },

      /**
       * Proposes a schema from what the newest events of a type have in common. Nothing is saved.
       */
      async proposeSchema(ctx: Caller, type: string, raw: Raw): Promise<ProposedSchema> {
        const { events: limit } = readInferParameters(raw);
        const project = ctx.meta.project ?? defaultProject;
        const query = { project, types: [readType(type)], order: "desc", limit } as const;
        const { events } = await this.forCaller(ctx, (signal) =>
          this.readsOf(project, signal).page(query),
        );
        if (events.length === 0) {
          throw new ServiceError("NOT_FOUND", "No event of this type is stored");
        }
        const at = (index: number) => new Date(events.at(index)!.timestamp).toISOString();
        return {
          type,
          schema: inferSchema(events),
          basedOn: { events: events.length, oldest: at(-1), newest: at(0) },
        };
      },
    },
  });
}

function nextOf(
  before: KeptSchema | undefined,
  { project, type }: { readonly project: ProjectId; readonly type: string },
  next: Omit<SchemaVersion, "version">,
): KeptSchema {
  const revision = (before?.revision ?? 0) + 1;
  const version: SchemaVersion = { version: revision, ...next };
  const versions = [version, ...(before === undefined ? [] : versionsOf(before))];
  return {
    project,
    type,
    revision,
    current: version.schema === undefined ? "" : JSON.stringify(version),
    versions: JSON.stringify(versions.slice(0, maxVersions)),
  };
}

function versionsOf({ versions }: KeptSchema): readonly SchemaVersion[] {
  return JSON.parse(versions) as SchemaVersion[];
}

function shownSchema(type: string, current: string): ShownSchema {
  const { version, mode, schema = {}, createdAt } = JSON.parse(current) as SchemaVersion;
  return { type, version, mode, schema, createdAt: new Date(createdAt).toISOString() };
}

function noSchema(): ServiceError {
  return new ServiceError("NOT_FOUND", "There is no schema of this type");
}
