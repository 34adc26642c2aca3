import { isOrder, operators, type Filter, type Operator } from "./filter.ts";
import { isPlain, marked, operand, spelledBy, type Scalar } from "./filter-value.ts";

/**
 * Reads the filters of a body, without types; `undefined` for filters that nest deeper than the
 * page can show.
 */
export function filtersOfBody(body: unknown): readonly Filter[] | undefined {
  if (body === undefined) return [];
  if (!Array.isArray(body)) return undefined;
  const [op, ...parts] = body as readonly unknown[];
  const found = (op === "and" ? parts : [body]).map(filterOfBody);
  return found.every((filter) => filter !== undefined) ? found : undefined;
}

function filterOfBody(body: unknown): Filter | undefined {
  if (!Array.isArray(body)) return undefined;
  const [op, ...parts] = body as readonly unknown[];
  if (op === "or") return oneOfAlternatives(parts.map(filterOfBody));
  const [property, value] = parts;
  if (!(operators as readonly unknown[]).includes(op) || typeof property !== "string")
    return undefined;
  const values = (Array.isArray(value) ? value : [value]) as readonly unknown[];
  if (!values.every(isScalar)) return undefined;
  const texts = textsOf(op as Operator, values);
  return texts && { op: op as Operator, property, values: texts };
}

function isScalar(value: unknown): value is Scalar {
  return value === null || ["string", "number", "boolean"].includes(typeof value);
}

function textsOf(op: Operator, values: readonly Scalar[]): readonly string[] | undefined {
  if (op === "is" || op === "is_not") return writtenValues(values);
  return values.map(isOrder(op) ? writtenOperand : String);
}

function oneOfAlternatives(filters: readonly (Filter | undefined)[]): Filter | undefined {
  const [first] = filters;
  if (first === undefined) return undefined;
  const values: string[] = [];
  for (const filter of filters) {
    if (filter?.op !== first.op || filter.property !== first.property) return undefined;
    values.push(...filter.values);
  }
  return { ...first, values };
}

/**
 * Writes values of a body as texts that mean these and no others; `undefined` where a value has no
 * such text: a null that does not stand beside its text.
 */
function writtenValues(values: readonly Scalar[]): readonly string[] | undefined {
  const texts: string[] = [];
  for (const value of values) {
    const text = String(value);
    const isWhole = isPlain(text) && spelledBy(text).every((one) => values.includes(one));
    if (isWhole && typeof value === "string") texts.push(text);
    if (isWhole) continue;
    if (value === null) return undefined;
    texts.push(marked(value));
  }
  return texts;
}

/** Writes what an order compares with. */
function writtenOperand(value: Scalar): string {
  const text = String(value);
  return operand(text) === value ? text : marked(text);
}
