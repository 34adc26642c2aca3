import type { ProjectId } from "../event/event.ts";

/** The stored schemas of one type of events. */
export interface KeptSchema {
  readonly project: ProjectId;
  readonly type: string;
  /** How often they were written. */
  readonly revision: number;
  /** The current schema, JSON; empty where there is none any more. */
  readonly current: string;
  /** All versions, JSON. */
  readonly versions: string;
}

export type CurrentSchema = Pick<KeptSchema, "project" | "type" | "current">;

/** Keeps the schemas of event types. Writes are durable when they resolve. */
export interface SchemaStore {
  /**
   * Writes a type's schemas in place of their previous revision; the first revision is 1. `stale`:
   * another revision is stored. `full`: `limit` other types of the project already have a current
   * schema. Nothing is written then.
   */
  put(schema: KeptSchema, limit: number): Promise<"kept" | "stale" | "full">;

  /** Finds a type's schemas, even if none is current any more. */
  find(project: ProjectId, type: string): Promise<KeptSchema | undefined>;

  /** The current schemas of a project, or of all, by project and type (by code unit). */
  current(project?: ProjectId): Promise<readonly CurrentSchema[]>;

  /** A number that grows with each change, of any project, by the time the change is finished. */
  version(): Promise<number>;
}
