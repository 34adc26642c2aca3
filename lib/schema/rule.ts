import FastestValidator, { type ValidationRuleObject } from "fastest-validator";

/** JSON Schema (2020-12), as OpenAPI 3.1 takes it. */
export type JsonSchema = Readonly<Record<string, unknown>>;

/**
 * A rule of fastest-validator, as plain data: it checks values, and `jsonSchemaOf` describes it.
 */
export type Rule = Readonly<ValidationRuleObject>;

/**
 * A rule that a part of a value breaks: the part's path (`metadata.userId`; none for the whole) and
 * the rule.
 */
export interface BrokenRule {
  readonly field?: string;
  readonly type: string;
  readonly actual?: unknown;
}

/** The package's types describe an ES module, but the import is the class itself. */
const Validator = FastestValidator as unknown as typeof FastestValidator.default;

type Check = (value: unknown) => true | readonly BrokenRule[];

let validator: InstanceType<typeof Validator> | undefined;

/**
 * A validator whose own messages are empty: filling them in turns values into strings, which throws
 * for `{"toString":1}` and for a deeply nested array.
 */
function quietValidator() {
  const quiet = Object.keys(new Validator().messages).map((rule) => [rule, ""] as const);
  return new Validator({ considerNullAsAValue: false, messages: Object.fromEntries(quiet) });
}

/**
 * The check of a rule. `null` counts as absent: an optional part may be `null`, any other may not.
 * The rule is compiled by the first value: threads load many rules that they never check.
 */
export function compileRule(rule: Rule): Check {
  let check: Check | undefined;
  return (value) => (check ??= compiled(rule))(value);
}

function compiled(rule: Rule): Check {
  validator ??= quietValidator();
  return validator.compile({ ...structuredClone(rule), $$root: true }) as Check;
}

/**
 * Describes a rule as JSON Schema. Optional parts of an object may also be `null` where `nullable`
 * says so.
 */
export function jsonSchemaOf(rule: Rule, nullable = false): JsonSchema {
  switch (rule.type) {
    case "string": {
      const { format, min, max, pattern, enum: values } = rule as StringRule;
      const lengths = { minLength: min, maxLength: max };
      return defined({ type: "string", format, ...lengths, pattern, enum: values });
    }
    case "number": {
      const { integer, min, max } = rule as NumberRule;
      return defined({ type: integer ? "integer" : "number", minimum: min, maximum: max });
    }
    case "boolean":
      return { type: "boolean" };
    case "enum":
      return { enum: rule["values"] as unknown };
    case "array": {
      const { min, max, unique, items } = rule as ArrayRule;
      const described = items && { items: jsonSchemaOf(items, nullable) };
      const uniqueItems = unique === true || undefined;
      return defined({ type: "array", minItems: min, maxItems: max, uniqueItems, ...described });
    }
    case "object":
      return objectSchemaOf(rule, nullable);
    case "multi":
      return {
        anyOf: (rule["rules"] as readonly Rule[]).map((each) => jsonSchemaOf(each, nullable)),
      };
    case "any":
      return {};
    default:
      throw new Error(`There is no JSON Schema for a rule of type ${rule.type}`);
  }
}

function objectSchemaOf(rule: Rule, nullable: boolean): JsonSchema {
  const parts = Object.entries((rule["properties"] ?? {}) as Readonly<Record<string, Rule>>);
  const required = parts.filter(([, part]) => part.optional !== true).map(([name]) => name);
  return defined({
    type: "object",
    properties: Object.fromEntries(
      parts.map(([name, part]) => {
        const schema = jsonSchemaOf(part, nullable);
        return [name, nullable && part.optional === true ? orNull(schema) : schema];
      }),
    ),
    required: required.length > 0 ? required : undefined,
    additionalProperties: rule["strict"] === true ? false : undefined,
  });
}

function orNull(schema: JsonSchema): JsonSchema {
  if (Object.keys(schema).length === 0) return schema;
  const of = Array.isArray(schema["anyOf"]) ? (schema["anyOf"] as JsonSchema[]) : [schema];
  return { anyOf: [...of, { type: "null" }] };
}

function defined(schema: JsonSchema): JsonSchema {
  return Object.fromEntries(Object.entries(schema).filter(([, value]) => value !== undefined));
}

interface StringRule {
  /** Only described, not checked: what reads the text checks it. */
  readonly format?: string;
  readonly min?: number;
  readonly max?: number;
  readonly pattern?: string;
  readonly enum?: readonly string[];
}

interface NumberRule {
  readonly integer?: boolean;
  readonly min?: number;
  readonly max?: number;
}

interface ArrayRule {
  readonly min?: number;
  readonly max?: number;
  readonly unique?: boolean;
  readonly items?: Rule;
}
