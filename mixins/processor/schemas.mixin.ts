import { Ticker } from "../../lib/concurrency/ticker.ts";
import { projectOfBatch } from "../../lib/event/batch-message.ts";
import type { ProjectId } from "../../lib/event/event.ts";
import {
  schemasOfProject,
  type SchemasOfProject,
  type SchemaVersion,
  type TypeSchema,
  type Violations,
} from "../../lib/event/schemas/schema.ts";
import { defineMixin } from "../../lib/moleculer.ts";
import type { Storing } from "../store.mixin.ts";

/** How often to look for changed schemas; `schemas.changed` announces a change earlier. */
const lookEveryMs = 1_500;

/**
 * All schemas are read at least this often: the announcement of a change may be lost after the
 * change was stored.
 */
const wholeEveryMs = 60_000;

/** Schemas that were read longer ago than this are read again before use. */
const trustedMs = 10_000;

/** The number of types whose violations get metrics of their own. */
const labelledTypes = 100;

export interface Judging {
  schemasFor(project: ProjectId | undefined): Promise<SchemasOfProject | undefined>;
}

interface State {
  lookingForSchemas: Ticker | null;
  schemas: ReadonlyMap<ProjectId, SchemasOfProject>;
  schemasVersion: number | undefined;
  /** When the schemas were last looked for, and when all were last read. */
  schemasReadAt: number;
  schemasWholeAt: number;
  brokenTypes: Set<string>;
}

/**
 * Gives a service `this.schemasFor(project)`: the project's schemas as of a few seconds ago, and
 * `this.reportViolations`.
 */
export function SchemaBookMixin() {
  return defineMixin<{ needs: Storing; state: State }>()({
    methods: {
      async lookForSchemas(): Promise<void> {
        const requestedAt = performance.now();
        // Read before the schemas: a change made meanwhile is in them, or in the next version.
        const version = await this.store.schemas.version();
        const isWholeDue = requestedAt - this.schemasWholeAt >= wholeEveryMs;
        if (version !== this.schemasVersion || isWholeDue) {
          const byProject = Map.groupBy(await this.store.schemas.current(), (one) => one.project);
          this.schemas = new Map(
            [...byProject].map(([project, kept]) => [
              project,
              schemasOfProject(
                project,
                kept.map(({ type, current }) => typeSchema(type, current)),
              ),
            ]),
          );
          this.schemasVersion = version;
          this.schemasWholeAt = requestedAt;
        }
        this.schemasReadAt = requestedAt;
        this.metrics.set("analytics_quarantine_events", await this.store.quarantine.count());
      },

      /** @throws ServiceError STORE_UNAVAILABLE */
      async schemasFor(project: ProjectId | undefined): Promise<SchemasOfProject | undefined> {
        if (performance.now() - this.schemasReadAt > trustedMs) await this.lookForSchemas();
        return project === undefined ? undefined : this.schemas.get(project);
      },

      schemasOfBatch(body: Uint8Array): Promise<SchemasOfProject | undefined> {
        return this.schemasFor(projectOfBatch(body));
      },

      reportViolations(batch: string, violations: readonly Violations[]): void {
        for (const { type, mode, events, version } of violations) {
          const isLabelled = this.brokenTypes.size < labelledTypes || this.brokenTypes.has(type);
          if (isLabelled) this.brokenTypes.add(type);
          const labels = { mode, type: isLabelled ? type : "(other)" };
          this.metrics.increment("analytics_schema_violations_total", labels, events);
          if (mode !== "warn") continue;
          this.logger.warn({ batch, type, version, events }, "events break their schema");
        }
      },
    },
    events: {
      "schemas.changed"() {
        this.lookingForSchemas?.wake();
      },
    },
    created() {
      this.lookingForSchemas = null;
      this.schemas = new Map();
      this.schemasVersion = undefined;
      this.schemasReadAt = -Infinity;
      this.schemasWholeAt = -Infinity;
      this.brokenTypes = new Set();
    },
    started() {
      this.lookingForSchemas = new Ticker(
        () => this.lookForSchemas(),
        { everyMs: lookEveryMs, restFactor: 0 },
        // While the store is away no batch is processed, and later batches read the schemas
        // themselves.
        (error) => this.logger.debug({ err: error }, "schemas cannot be looked up"),
      );
    },
    async stopped() {
      await this.lookingForSchemas?.stop();
    },
  });
}

function typeSchema(type: string, current: string): TypeSchema {
  const { version, mode, schema = {} } = JSON.parse(current) as SchemaVersion;
  return { type, version, mode, schema };
}
