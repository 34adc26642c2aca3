import type { Finding } from "../errors.ts";
import type { MetaRange } from "../questions/answer-meta.ts";
import type { PageShown } from "../questions/lists/list.ts";
import type { JsonSchema } from "../schema/rule.ts";

/** The description of a type's values: the compiler compares the description with the type. */
export interface Shape<T> {
  readonly schema: JsonSchema;
  readonly optional?: boolean;
  /** Never set: it carries the type. */
  readonly of?: T;
}

type Parts<T> = {
  readonly [Name in keyof T]-?: undefined extends T[Name]
    ? Shape<Exclude<T[Name], undefined>> & { readonly optional: true }
    : Shape<T[Name]>;
};

/** Marks a part that may be absent. */
export function maybe<T>(shape: Shape<T>): Shape<T> & { readonly optional: true } {
  return { ...shape, optional: true };
}

/** Describes an object: every part of the type, and no other. */
export function shape<T extends object>(parts: Parts<T>): Shape<T> {
  const entries = Object.entries<Shape<unknown>>(parts as Readonly<Record<string, Shape<unknown>>>);
  const required = entries.filter(([, part]) => part.optional !== true).map(([name]) => name);
  return {
    schema: {
      type: "object",
      properties: Object.fromEntries(entries.map(([name, part]) => [name, part.schema])),
      ...(required.length > 0 && { required }),
      additionalProperties: false,
    },
  };
}

/** Gives a description a name, under the components of the document. */
export function named<T>(name: string): Shape<T> {
  return { schema: { $ref: `#/components/schemas/${name}` } };
}

export const string: Shape<string> = { schema: { type: "string" } };
export const number: Shape<number> = { schema: { type: "number" } };
export const count: Shape<number> = { schema: { type: "integer", minimum: 0 } };
export const boolean: Shape<boolean> = { schema: { type: "boolean" } };
export const instant: Shape<string> = { schema: { type: "string", format: "date-time" } };
/** Any JSON. */
const any: Shape<never> = { schema: {} };
/** An object of any names. */
export const object: Shape<never> = { schema: { type: "object" } };

export function oneOf<const T extends string>(...values: readonly T[]): Shape<T> {
  return { schema: { enum: values } };
}

export function list<T>(item: Shape<T>): Shape<readonly T[]> {
  return { schema: { type: "array", items: item.schema } };
}

export function orNull<T>(shape: Shape<T>): Shape<T | null> {
  return { schema: { anyOf: [shape.schema, { type: "null" }] } };
}

// Parts of several answers.

export const range = shape<MetaRange>({ from: instant, to: instant });

/** The sender's fields of an event. */
export const sentEvent = {
  id: string,
  type: string,
  data: maybe(any),
  timestamp: instant,
  source: string,
  correlationId: maybe(string),
  metadata: maybe(object),
};

export const page = shape<PageShown>({
  limit: count,
  nextCursor: orNull(string),
  endedBy: maybe(oneOf("bytes", "time")),
});

export const finding = shape<Finding>({ pointer: string, code: string, message: string });
