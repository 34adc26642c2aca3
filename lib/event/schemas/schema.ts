import { hash } from "node:crypto";
import type { Finding } from "../../errors.ts";
import type { JsonObject, ProjectId } from "../event.ts";

/**
 * What happens to an event that breaks its type's schema: `observe` counts it, `warn` also logs it,
 * `enforce` puts it in quarantine.
 */
export const schemaModes = ["observe", "warn", "enforce"] as const;
export type SchemaMode = (typeof schemaModes)[number];

/** The schema of a type, from an instant on. */
export interface SchemaVersion {
  /** Counts 1, 2, ... for each type. */
  readonly version: number;
  readonly mode: SchemaMode;
  /** JSON Schema, draft 2020-12; absent where the schema was removed. */
  readonly schema?: JsonObject;
  /** Epoch milliseconds. */
  readonly createdAt: number;
}

/** The schema of a type as events are checked by it. */
export interface TypeSchema extends Omit<SchemaVersion, "schema" | "createdAt"> {
  readonly type: string;
  readonly schema: JsonObject;
}

/** How many events of a batch broke the schema of their type. */
export interface Violations {
  readonly type: string;
  readonly mode: SchemaMode;
  readonly version: number;
  readonly events: number;
}

/** A project's schemas on their way to a thread, in memory that both threads share. */
export interface SchemasOfProject {
  readonly project: ProjectId;
  /** Names the content: other schemas have another key. */
  readonly key: string;
  /** JSON of a list of `TypeSchema`. */
  readonly bytes: SharedArrayBuffer;
}

export function schemasOfProject(
  project: ProjectId,
  schemas: readonly TypeSchema[],
): SchemasOfProject {
  const json = new TextEncoder().encode(JSON.stringify(schemas));
  const key = hash("sha256", json);
  const bytes = new SharedArrayBuffer(json.byteLength);
  new Uint8Array(bytes).set(json);
  return { project, key, bytes };
}

/** The verdict on an event that breaks its schema. */
export interface Verdict extends Pick<TypeSchema, "mode" | "version"> {
  readonly findings: readonly Finding[];
}
