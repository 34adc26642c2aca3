import {
  Ajv2020,
  type AnySchemaObject,
  type ErrorObject,
  type ValidateFunction,
} from "ajv/dist/2020.js";
import { fullFormats } from "ajv-formats/dist/formats.js";
import { RE2JS } from "re2js";
import type { Finding } from "../../errors.ts";
import type { AcceptedEvent, JsonObject } from "../event.ts";
import { maxFindings } from "../limits.ts";
import { pointerTo } from "../plain-json.ts";
import { findUnbounded, formats } from "./bounds.ts";
import { metered, spend, withinWork, workKeyword, workOn, type Work } from "./work.ts";

/** The part of an event that a schema describes: what its sender wrote, by the same names. */
export type Described = Pick<AcceptedEvent, "type" | "source"> &
  Partial<Pick<AcceptedEvent, "correlationId" | "data" | "metadata">>;

/** For events of more JSON than this only the first finding is reported. */
const allFindingsBytes = 16_384;

/** The longest text that a format is checked on. */
const maxFormatLength = 2_048;

/** The work of a format, and of a step of a pattern, for each character. */
const characterWork = { format: 0.3, step: 0.25 } as const;

/** The work of each value within a list whose items must be unique. */
const uniqueWork = 2;

/** RE2 needs a time that grows with the text and the steps of its machine alone. */
function linearRegExp(pattern: string) {
  const compiled = RE2JS.compile(pattern);
  const steps = compiled.programSize();
  const test = (text: string): boolean => {
    spend(characterWork.step * steps * text.length);
    return compiled.test(text);
  };
  // The library takes two patterns with the same text for the same pattern.
  return { test, toString: () => pattern };
}
linearRegExp.code = "linearRegExp";

function ajvWith(allErrors: boolean): Ajv2020 {
  const ajv = new Ajv2020({
    allErrors,
    strict: true,
    strictTypes: false,
    strictTuples: false,
    strictRequired: false,
    // A name such as `constructor` counts as a property only where the event has it.
    ownProperties: true,
    // Each part that is referred to becomes a function, so that the compiled code is no larger than
    // the schema.
    inlineRefs: false,
    // Else what is compiled keeps the library's object, for keywords of our own.
    passContext: true,
    meta: false,
    validateSchema: false,
    addUsedSchema: false,
    logger: false,
    code: { regExp: linearRegExp },
  });
  for (const name of formats) {
    const { validate = fullFormats[name] } = fullFormats[name] as { validate?: unknown };
    ajv.addFormat(name, (text: string) => {
      spend(characterWork.format * text.length);
      return text.length <= maxFormatLength && meets(validate, text);
    });
  }
  ajv.addKeyword({
    keyword: workKeyword,
    schemaType: "object",
    // What the schema applies to the same value comes after it, also where that fails.
    before: "$ref",
    compile: (work: Work) => (value: unknown) => {
      spend(workOn(value, work));
      return true;
    },
  });
  // The library's own check compares each item with each other one.
  ajv.removeKeyword("uniqueItems");
  ajv.addKeyword({
    keyword: "uniqueItems",
    type: "array",
    schemaType: "boolean",
    error: { message: "must not have equal items" },
    compile: (isOn: boolean) => (items: readonly unknown[]) =>
      !isOn || new Set(items.map(canonical)).size === items.length,
  });
  return ajv;
}

function meets(format: unknown, text: string): boolean {
  return format instanceof RegExp || typeof (format as RegExp).test === "function"
    ? (format as RegExp).test(text)
    : (format as (text: string) => boolean)(text);
}

/** A text that is equal for equal values. */
function canonical(value: unknown): string {
  return JSON.stringify(value, (_, inner: unknown) => {
    spend(uniqueWork);
    return typeof inner === "object" && inner !== null && !Array.isArray(inner)
      ? { members: Object.entries(inner).toSorted(([a], [b]) => (a < b ? -1 : 1)) }
      : inner;
  });
}

/** Made when first needed: it takes some milliseconds. */
let metaAjv: Ajv2020 | undefined;

/**
 * Lists what is wrong with a schema; empty where events can be checked by it. Pointers start at the
 * schema.
 */
export function findingsOfSchema(schema: unknown): readonly Finding[] {
  const unbounded = findUnbounded(schema);
  if (unbounded.length > 0) return unbounded;
  const meta = (metaAjv ??= new Ajv2020({ allErrors: true, strict: false, logger: false }));
  if (meta.validateSchema(schema as AnySchemaObject) !== true) {
    return (meta.errors ?? []).slice(0, maxFindings).map(findingOf);
  }
  try {
    compiledBy("first", schema as JsonObject);
    return [];
  } catch (error) {
    const reason = error instanceof Error ? error.message : "";
    return [{ pointer: "", code: "schema", message: `the schema cannot be used: ${reason}` }];
  }
}

/** The finding about an event that is not checked. */
const tooCostly: Finding = {
  pointer: "",
  code: "too_costly",
  message: "the event is too large for a schema with so many conditions on each of its values",
};

/** Lists how an event breaks its schema; empty where it does not. */
export type SchemaCheck = (event: Described) => readonly Finding[];

/** @param schema one for which `findingsOfSchema` finds nothing */
export function compileSchema(schema: JsonObject): SchemaCheck {
  const keeps = compiledBy("first", schema);
  let all: ValidateFunction | undefined;
  return (event) => {
    const described = describedPart(event);
    const isKept = withinWork(() => keeps(described));
    if (isKept === undefined) return [tooCostly];
    if (isKept) return [];
    const first = keeps.errors ?? [];
    if (JSON.stringify(described).length > allFindingsBytes) return distinct(first);
    const every = (all ??= compiledBy("every", schema));
    const isWhole = withinWork(() => every(described)) !== undefined;
    return distinct((isWhole ? every.errors : null) ?? first);
  };
}

/** Ajv keeps all that it ever compiled; what it compiled does not need it any more. */
function compiledBy(which: "first" | "every", schema: JsonObject): ValidateFunction {
  return ajvWith(which === "every").compile(metered(schema) as AnySchemaObject);
}

function describedPart({ type, source, correlationId, data, metadata }: Described): Described {
  return {
    type,
    source,
    ...(correlationId !== undefined && { correlationId }),
    ...(data !== undefined && { data }),
    ...(metadata !== undefined && { metadata }),
  };
}

function distinct(errors: readonly ErrorObject[]): readonly Finding[] {
  const findings = new Map<string, Finding>();
  for (const error of errors) {
    const finding = findingOf(error);
    findings.set(`${finding.pointer} ${finding.code}`, finding);
    if (findings.size === maxFindings) break;
  }
  return [...findings.values()];
}

/** A property that must not be there, or that is missing, is reported at its own place. */
function findingOf({ instancePath, keyword, params, message }: ErrorObject): Finding {
  const { missingProperty, additionalProperty, unevaluatedProperty } = params as Readonly<
    Record<string, unknown>
  >;
  const name = missingProperty ?? additionalProperty ?? unevaluatedProperty;
  return {
    pointer: typeof name === "string" ? pointerTo(instancePath, name) : instancePath,
    code: keyword,
    message: message ?? "the schema is not kept",
  };
}
