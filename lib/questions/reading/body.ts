import { ServiceError } from "../../errors.ts";
import { relativeRangeSchema } from "./relative-range.ts";
import type { OpenRange } from "../../event/filter.ts";
import type { JsonSchema } from "../../schema/rule.ts";
import {
  checkOrder,
  instant,
  type Values,
  type Field,
  type Fields,
  type Findings,
  type Place,
  type Raw,
} from "./field.ts";

/**
 * Reads the body of a question: an object with known parts only.
 * @param finish makes the question from its parts, and adds a finding for each fault that concerns
 *   several of them
 * @throws ServiceError VALIDATION with all findings, their pointers into the body (RFC 6901)
 */
export function readBody<F extends Fields, T>(
  body: unknown,
  fields: F,
  finish: (values: Values<F>, findings: Findings, raw: Raw) => T,
): T {
  const findings: Findings = [];
  const raw = checkObject(body, "", fields, findings) ?? {};
  const question = finish(readFields(raw, "", fields, findings), findings, raw);
  if (findings.length > 0) throw new ServiceError("VALIDATION", undefined, { errors: findings });
  return question;
}

/** Describes the body of a question. */
export function bodySchemaOf(fields: Fields): JsonSchema {
  const names = Object.keys(fields).filter((name) => fields[name]!.required === true);
  return {
    type: "object",
    properties: Object.fromEntries(
      Object.entries(fields).map(([name, { schema }]) => [name, schema]),
    ),
    ...(names.length > 0 && { required: names }),
    additionalProperties: false,
  };
}

/**
 * A part of a body that is an object with known parts only; `undefined` where it is absent or
 * wrong.
 */
export function object<F extends Fields>(fields: F): Field<Values<F> | undefined> {
  return {
    schema: bodySchemaOf(fields),
    read(value, { pointer }, findings) {
      if (value === undefined) return undefined;
      const raw = checkObject(value, pointer, fields, findings);
      return raw && readFields(raw, pointer, fields, findings);
    },
  };
}

const ends = object({ from: instant, to: instant });
const last = { type: "object", properties: { last: { type: "string", examples: ["7d"] } } };

/**
 * `"range": {"from", "to"}`: both optional, RFC 3339 or epoch milliseconds. `readWithRange` has
 * already replaced a relative range by these.
 */
export const range: Field<OpenRange> = {
  schema: { anyOf: [ends.schema, last, relativeRangeSchema] },
  read(value, at, findings) {
    const { from, to } = ends.read(value, at, findings) ?? {};
    checkOrder({ from, to }, { pointer: `${at.pointer}/to` }, findings);
    return { from, to };
  },
};

function readFields<F extends Fields>(
  raw: Raw,
  pointer: string,
  fields: F,
  findings: Findings,
): Values<F> {
  const read = ([name, field]: [string, Field<unknown>]) => {
    const at: Place = { pointer: `${pointer}/${name}`, name };
    return [name, field.read(raw[name], at, findings)] as const;
  };
  return Object.fromEntries(Object.entries(fields).map(read)) as Values<F>;
}

/** Reads an object with known keys only; `undefined`, with a finding, where it is not one. */
function checkObject(
  value: unknown,
  pointer: string,
  fields: Fields,
  findings: Findings,
): Raw | undefined {
  const known = Object.keys(fields);
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    const message = `this must be an object with ${known.join(", ")}`;
    findings.push({ pointer, code: "object", message });
    return undefined;
  }
  for (const key of Object.keys(value)) {
    if (known.includes(key)) continue;
    const message = `there is nothing of this name here; known are ${known.join(", ")}`;
    findings.push({ pointer: `${pointer}/${escaped(key)}`, code: "unknown_field", message });
  }
  return value as Raw;
}

/** Escapes a key as a segment of a pointer (RFC 6901, 3). */
function escaped(key: string): string {
  return key.replaceAll("~", "~0").replaceAll("/", "~1");
}
