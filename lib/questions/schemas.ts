import type { Finding } from "../errors.ts";
import type { JsonObject } from "../event/event.ts";
import { isEventType } from "../event/event-schema.ts";
import { schemaModes, type SchemaMode } from "../event/schemas/schema.ts";
import { readBody } from "./reading/body.ts";
import {
  choice,
  described,
  later,
  needed,
  whole,
  type Raw,
  readParameters,
} from "./reading/field.ts";
import { ServiceError } from "../errors.ts";

/** A type's schema as the API shows it. */
export interface ShownSchema {
  readonly type: string;
  readonly version: number;
  readonly mode: SchemaMode;
  readonly schema: JsonObject;
  /** RFC 3339. */
  readonly createdAt: string;
}

/** A version of a schema; a version without a schema records its removal. */
export type ShownVersion = Pick<ShownSchema, "type" | "version" | "createdAt"> & {
  readonly mode: SchemaMode | null;
  readonly schema: JsonObject | null;
};

/** A schema that stored events keep, and the events that it was inferred from. */
export interface ProposedSchema {
  readonly type: string;
  readonly schema: JsonObject;
  readonly basedOn: {
    /** The number of these events: the newest ones. */
    readonly events: number;
    /** RFC 3339: the oldest and the newest timestamp. */
    readonly oldest: string | null;
    readonly newest: string | null;
  };
}

export const schemaBody = {
  mode: needed(
    described(
      choice(schemaModes),
      "What becomes of an event that breaks it: it is counted, told besides, or kept apart",
    ),
  ),
  schema: needed(
    described(
      later({ type: "object" }),
      "JSON Schema, draft 2020-12, of the event: its type, source, correlationId, data, metadata",
      { properties: { data: { type: "object", required: ["amount"] } }, required: ["data"] },
    ),
  ),
};

export const inferParameters = {
  events: described(
    whole({ min: 1, max: 2_000, otherwise: 1_000 }),
    "How many of the newest events are looked at, at most",
  ),
};

export const versionsParameters = { limit: whole({ min: 1, max: 50, otherwise: 50 }) };

/**
 * @param findingsOf lists what is wrong with the schema itself; pointers start there
 * @throws ServiceError VALIDATION with all findings, their pointers into the body
 */
export function readSchemaBody(
  body: unknown,
  findingsOf: (schema: unknown) => readonly Finding[],
): { readonly mode: SchemaMode; readonly schema: JsonObject } {
  return readBody(body, schemaBody, ({ mode = "observe", schema }, findings) => {
    for (const { pointer, code, message } of findingsOf(schema)) {
      findings.push({ pointer: `/schema${pointer}`, code, message });
    }
    return { mode, schema: schema as JsonObject };
  });
}

/** @throws ServiceError VALIDATION */
export function readInferParameters(raw: Raw): { readonly events: number } {
  return readParameters(raw, inferParameters, ({ events }) => ({ events }));
}

/** @throws ServiceError VALIDATION */
export function readVersionsParameters(raw: Raw): { readonly limit: number } {
  return readParameters(raw, versionsParameters, ({ limit }) => ({ limit }));
}

/** @throws ServiceError VALIDATION where events cannot have this type */
export function readType(type: string): string {
  if (isEventType(type)) return type;
  const message = "this is no type that an event can have";
  const errors = [{ pointer: "type", code: "type", message }];
  throw new ServiceError("VALIDATION", undefined, { errors });
}
