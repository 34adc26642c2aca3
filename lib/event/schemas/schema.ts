import type { JsonObject } from "../event.ts";

/**
 * What becomes of an event that breaks its type's schema: it is counted as such (`observe`), told
 * to operators besides (`warn`), or kept apart (`enforce`).
 */
export const schemaModes = ["observe", "warn", "enforce"] as const;
export type SchemaMode = (typeof schemaModes)[number];

/** What events of a type are to look like, from an instant on. */
export interface SchemaVersion {
  /** 1, 2, ... of a type. */
  readonly version: number;
  readonly mode: SchemaMode;
  /** JSON Schema, draft 2020-12; absent where the schema was removed. */
  readonly schema?: JsonObject;
  /** Epoch milliseconds. */
  readonly createdAt: number;
}

/** The schema of a type as it is checked. */
export interface TypeSchema extends Omit<SchemaVersion, "schema" | "createdAt"> {
  readonly type: string;
  readonly schema: JsonObject;
}

/** How often events of a batch broke the schema of their type. */
export interface Violations {
  readonly type: string;
  readonly mode: SchemaMode;
  readonly version: number;
  readonly events: number;
}
