import type { ProjectId } from "../event/event.ts";

/** The schemas of a type of events, as they are kept. */
export interface KeptSchema {
  readonly project: ProjectId;
  readonly type: string;
  /** How often it was written. */
  readonly revision: number;
  /** The one that holds, JSON; empty where there is none any more. */
  readonly current: string;
  /** All that were, JSON. */
  readonly versions: string;
}

export type CurrentSchema = Pick<KeptSchema, "project" | "type" | "current">;

/** Keeps what events are to look like. Writes are durable when they resolve. */
export interface SchemaStore {
  /**
   * Write a type's schemas in the place of their revision before; revision 1 where there is none.
   * `stale`: another revision is there. `full`: the project has `limit` other types with a current
   * one, and this would be one more. Nothing was written then.
   */
  put(schema: KeptSchema, limit: number): Promise<"kept" | "stale" | "full">;

  /** Also of a type that has none any more. */
  find(project: ProjectId, type: string): Promise<KeptSchema | undefined>;

  /** The current ones of a project, or of all, by project and type (by code unit). */
  current(project?: ProjectId): Promise<readonly CurrentSchema[]>;

  /** A number that grows with each change, whatever the project, by the time it is finished. */
  version(): Promise<number>;
}
