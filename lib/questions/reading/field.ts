import { type Finding, ServiceError } from "../../errors.ts";
import { maxEventBytes } from "../../event/limits.ts";
import { isZone } from "../../counting/calendar.ts";
import { parseInstant } from "../../event/instant.ts";
import { compileRule, jsonSchemaOf, type JsonSchema, type Rule } from "../../schema/rule.ts";

/** Parameters as they came: all texts in a query string, typed values from another node. */
export type Raw = Readonly<Record<string, unknown>>;
export type Findings = Finding[];

/** The place of a value. */
export interface Place {
  /** For findings: a parameter's name, or a pointer into a body (RFC 6901). */
  readonly pointer: string;
  /** The field's name in messages. */
  readonly name: string;
}

/** One part of a question: how it is checked and read, and how it is described to clients. */
export interface Field<T> {
  readonly schema: JsonSchema;
  /** True where a question without this part is refused. */
  readonly required?: boolean;
  /** The value of the part. A wrong one adds a finding, and the result must not be used. */
  read(value: unknown, at: Place, findings: Findings): T;
}

/** The parts of a question by name. */
export type Fields = Readonly<Record<string, Field<unknown>>>;

/** The values of a question's parts. */
export type Values<F extends Fields> = {
  readonly [Name in keyof F]: F[Name] extends Field<infer T> ? T : never;
};

/** The description of one kind of field. */
interface Form<T> {
  /** Checks the value after `spelled`; describes the field. */
  readonly rule: Rule;
  /** Converts a text of a URL into the value that it spells. */
  readonly spelled?: (value: unknown) => unknown;
  /**
   * Converts a value that keeps the rule; `undefined` where it is wrong in a way that no rule can
   * express.
   */
  readonly meaning?: (value: never) => T | undefined;
  readonly code: string;
  readonly message: (name: string, given: unknown) => string;
  /** Replaces the description that follows from the rule. */
  readonly schema?: JsonSchema;
}

/** A field that a rule of fastest-validator checks. An absent one is `otherwise`. */
export function fieldOf<T>(form: Form<T>): Field<T | undefined>;
export function fieldOf<T>(form: Form<T>, otherwise: T): Field<T>;
export function fieldOf<T>(form: Form<T>, otherwise?: T): Field<T | undefined> {
  const { rule, spelled = (value: unknown) => value, meaning, code, message } = form;
  const check = compileRule(rule);
  const schema = form.schema ?? jsonSchemaOf(rule);
  return {
    schema: otherwise === undefined ? schema : { ...schema, default: otherwise },
    read(value, { pointer, name }, findings) {
      if (value === undefined) return otherwise;
      const given = spelled(value);
      const read = check(given) === true ? meantBy(given) : undefined;
      if (read !== undefined) return read;
      findings.push({ pointer, code, message: message(name, value) });
      return otherwise;
    },
  };

  function meantBy(given: unknown): T | undefined {
    return meaning === undefined ? (given as T) : meaning(given as never);
  }
}

/** A field that a question must have. */
export function required<T>(field: Field<T>, message: string): Field<T> {
  return {
    schema: field.schema,
    required: true,
    read(value, at, findings) {
      if (value === undefined) findings.push({ pointer: at.pointer, code: "required", message });
      return field.read(value, at, findings);
    },
  };
}

/** A field that a question must have: an absent one is wrong as `null` is. */
export function needed<T>(field: Field<T>): Field<T> {
  return {
    schema: field.schema,
    required: true,
    read: (value = null, at, findings) => field.read(value, at, findings),
  };
}

/** A field with a sentence for clients, and examples. */
export function described<T>(
  field: Field<T>,
  description: string,
  ...examples: unknown[]
): Field<T> {
  const annotations = { description, ...(examples.length > 0 && { examples }) };
  return { ...field, schema: { ...field.schema, ...annotations } };
}

/** A field that is read later, once the other parts of the question are known. */
export function later(schema: JsonSchema): Field<unknown> {
  return { schema, read: (value) => value };
}

const maxListItems = 100;
/** In code units: a source has up to 512 characters. */
const maxTextLength = 1_024;
const shortText = { type: "string", min: 1, max: maxTextLength };

/** A text without half of a surrogate pair, which no event holds. */
function textUpTo(maxLength: number): Field<string | undefined> {
  return fieldOf({
    rule: { type: "string", min: 1, max: maxLength },
    meaning: (value: string) => (value.isWellFormed() ? value : undefined),
    code: "text",
    message: (name, given) =>
      Array.isArray(given)
        ? `${name} takes one value, not several`
        : `${name} must be a text of 1 to ${maxLength} characters`,
  });
}

export const text = textUpTo(maxTextLength);

/** The name of a user, as long as an event can have it. */
export const user = textUpTo(maxEventBytes);

/**
 * Several texts, each once: a repeated parameter, or an array.
 * @param split splits a text that lists several; absent: it is one text
 */
export function texts(
  split: (text: string) => readonly string[] = (value) => [value],
): Field<readonly string[] | undefined> {
  return fieldOf({
    rule: { type: "array", min: 1, max: maxListItems, items: shortText },
    spelled: (value) =>
      [value]
        .flat()
        .flatMap((item): readonly unknown[] => (typeof item === "string" ? split(item) : [item])),
    meaning: (items: readonly string[]) =>
      items.every((item) => item.isWellFormed()) ? [...new Set(items)] : undefined,
    code: "list",
    message: (name) =>
      `${name} must be 1 to ${maxListItems} texts of 1 to ${maxTextLength} characters`,
  });
}

/** RFC 3339 or epoch milliseconds, also as digits in a text. */
export const instant: Field<number | undefined> = fieldOf({
  rule: { type: "multi", rules: [{ type: "string" }, { type: "number", integer: true }] },
  spelled: (value) => (typeof value === "string" && /^-?\d+$/.test(value) ? Number(value) : value),
  meaning: parseInstant,
  code: "instant",
  message: (name) =>
    `${name} must be RFC 3339, such as 2026-01-31T00:00:00Z (in a URL a + is written %2B), or epoch milliseconds`,
  schema: { anyOf: [{ type: "string", format: "date-time" }, { type: "integer" }] },
});

/** A field whose value is one of some texts. */
export function choice<T extends string>(allowed: readonly T[]): Field<T | undefined>;
export function choice<T extends string>(allowed: readonly T[], otherwise: T): Field<T>;
export function choice<T extends string>(
  allowed: readonly T[],
  otherwise?: T,
): Field<T | undefined> {
  const form = {
    rule: { type: "enum", values: allowed },
    code: "choice",
    message: (name: string) => `${name} must be one of ${allowed.join(", ")}`,
  };
  return otherwise === undefined ? fieldOf<T>(form) : fieldOf<T>(form, otherwise);
}

/** A whole number within bounds, also as digits in a text. */
export function whole(bounds: { min: number; max: number }): Field<number | undefined>;
export function whole(bounds: { min: number; max: number; otherwise: number }): Field<number>;
export function whole({
  min,
  max,
  otherwise,
}: {
  readonly min: number;
  readonly max: number;
  readonly otherwise?: number;
}): Field<number | undefined> {
  const form = {
    rule: { type: "number", integer: true, min, max },
    spelled: (value: unknown) =>
      typeof value === "string" && /^\d{1,15}$/.test(value) ? Number(value) : value,
    code: "integer",
    message: (name: string) => `${name} must be a whole number from ${min} to ${max}`,
  };
  return otherwise === undefined ? fieldOf<number>(form) : fieldOf<number>(form, otherwise);
}

const isFlag = {
  rule: { type: "boolean" },
  code: "boolean",
  message: (name: string) => `${name} is true or false`,
};

/** True or false as JSON has them; a text is wrong. */
export function flag(): Field<boolean | undefined>;
export function flag(otherwise: boolean): Field<boolean>;
export function flag(otherwise?: boolean): Field<boolean | undefined> {
  return otherwise === undefined ? fieldOf<boolean>(isFlag) : fieldOf<boolean>(isFlag, otherwise);
}

/** An IANA name; UTC where it is absent. */
export const timezone: Field<string> = {
  schema: { ...text.schema, default: "UTC", examples: ["Europe/Berlin"] },
  read(value, at, findings) {
    const name = text.read(value, at, findings) ?? "UTC";
    if (isZone(name)) return name;
    const message = "timezone must be an IANA zone, such as Europe/Berlin";
    findings.push({ pointer: at.pointer, code: "zone", message });
    return "UTC";
  },
};

/**
 * Checks two instants: a range must end after its start.
 * @param to the place of the end
 */
export function checkOrder(
  { from, to }: { readonly from?: number; readonly to?: number },
  { pointer }: Pick<Place, "pointer">,
  findings: Findings,
): void {
  if (from === undefined || to === undefined || from < to) return;
  findings.push({ pointer, code: "range", message: "to must be later than from" });
}

/** Parameters whose names follow a pattern. */
export interface Open {
  isKnown(name: string): boolean;
  /** The names of all parameters in error texts, also those of `Fields`. */
  readonly names: readonly string[];
}

/**
 * Reads the parameters of a question. An unknown one is refused, never ignored.
 * @param finish makes the question from its parts, and adds a finding for each fault that concerns
 *   several of them
 * @param open parameters that `finish` reads itself
 * @throws ServiceError VALIDATION naming each parameter that is wrong and what is allowed
 */
export function readParameters<F extends Fields, T>(
  raw: Raw,
  fields: F,
  finish: (values: Values<F>, findings: Findings, raw: Raw) => T,
  open?: Open,
): T {
  const findings: Findings = [];
  refuseUnknown(raw, fields, findings, open);
  const question = finish(valuesOf(raw, fields, findings), findings, raw);
  if (findings.length > 0) throw new ServiceError("VALIDATION", undefined, { errors: findings });
  return question;
}

/** Reads the parameters of these names. */
export function valuesOf<F extends Fields>(raw: Raw, fields: F, findings: Findings): Values<F> {
  return Object.fromEntries(
    Object.entries(fields).map(([name, field]) => [
      name,
      field.read(raw[name], { pointer: name, name }, findings),
    ]),
  ) as Values<F>;
}

function refuseUnknown(raw: Raw, fields: Fields, findings: Findings, open?: Open): void {
  const names = open?.names ?? Object.keys(fields);
  for (const name of Object.keys(raw)) {
    if (Object.hasOwn(fields, name) || open?.isKnown(name)) continue;
    findings.push({
      pointer: name,
      code: "unknown_parameter",
      message: `there is no parameter of this name; known are ${names.join(", ")}`,
    });
  }
}
