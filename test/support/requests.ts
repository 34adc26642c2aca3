import fc from "fast-check";
import { jsonValues } from "./json-values.ts";
import { document } from "./openapi.ts";

/** Of JSON Schema, the words that the description uses. */
interface JsonSchema {
  readonly $ref?: string;
  readonly type?: string | readonly string[];
  readonly enum?: readonly unknown[];
  readonly anyOf?: readonly JsonSchema[];
  readonly examples?: readonly unknown[];
  readonly format?: string;
  readonly pattern?: string;
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly minItems?: number;
  readonly maxItems?: number;
  readonly uniqueItems?: boolean;
  readonly items?: JsonSchema | boolean;
  readonly prefixItems?: readonly JsonSchema[];
  readonly properties?: Readonly<Record<string, JsonSchema>>;
  readonly patternProperties?: Readonly<Record<string, JsonSchema>>;
  readonly required?: readonly string[];
}

interface Parameter {
  readonly name: string;
  readonly in: "path" | "query" | "header";
  readonly required?: boolean;
  readonly example?: unknown;
  readonly schema: JsonSchema;
}

export interface DescribedOperation {
  readonly method: string;
  readonly path: string;
  readonly parameters: readonly Parameter[];
  readonly bodies: Readonly<
    Record<string, { readonly schema: JsonSchema; readonly example?: unknown }>
  >;
}

export interface MadeRequest {
  /** Path and search. */
  readonly address: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string;
  /** Whether every part was made to fit the description. */
  readonly fits: boolean;
}

/** All operations of the description, in its order. */
export const operations: readonly DescribedOperation[] = Object.entries(document.paths).flatMap(
  ([path, methods]) =>
    Object.entries(methods).map(([method, about]) => {
      const { parameters = [], requestBody } = about as unknown as {
        readonly parameters?: readonly Parameter[];
        readonly requestBody?: { readonly content: DescribedOperation["bodies"] };
      };
      return { method: method.toUpperCase(), path, parameters, bodies: requestBody?.content ?? {} };
    }),
);

/** Values of the path's parts, by the part's name, that name something. */
export type Known = Readonly<Record<string, readonly string[]>>;

/** Requests of an operation: half of them fit its description, of the others some part does not. */
export function requestsOf(operation: DescribedOperation, known: Known): fc.Arbitrary<MadeRequest> {
  return fc.oneof(made(operation, known, true), made(operation, known, false));
}

function made(
  { path, parameters, bodies }: DescribedOperation,
  known: Known,
  fits: boolean,
): fc.Arbitrary<MadeRequest> {
  const parts = parameters.map((parameter) => {
    const part = partOf(parameter, fits);
    const names = parameter.in === "path" ? (known[parameter.name] ?? []) : [];
    return names.length === 0 ? part : fc.oneof(part, fc.tuple(fc.constantFrom(...names)));
  });
  return fc
    .record({ parts: fc.tuple(...parts), body: bodyOf(bodies, fits) })
    .map(({ parts: values, body }) => {
      let address = path;
      const search = new URLSearchParams();
      const headers: Record<string, string> = { ...body?.headers };
      parameters.forEach(({ name, in: place }, index) => {
        for (const value of values[index]!) {
          const text = textOf(value);
          if (place === "path") address = address.replace(`{${name}}`, encoded(text));
          else if (place === "header") headers[name] = headerOf(text);
          else if (isRecord(value)) {
            for (const [key, each] of Object.entries(value)) search.append(key, textOf(each));
          } else search.append(name, text);
        }
      });
      const asked = search.size > 0 ? `?${search}` : "";
      return { address: address + asked, headers, ...(body && { body: body.text }), fits };
    });
}

/** The values of a parameter: none, one or, where they need not fit, two. */
function partOf(
  { in: place, required, example, schema }: Parameter,
  fits: boolean,
): fc.Arbitrary<readonly unknown[]> {
  const fitting = valueOf(example === undefined ? schema : { ...schema, examples: [example] });
  const value = fits ? fitting : fc.oneof(fitting, hostileText, fitting.chain(changed));
  if (required || place === "path") return fc.tuple(value);
  const one = fc.tuple(value) as fc.Arbitrary<readonly unknown[]>;
  // Few at a time, or nearly all requests fail by the first two that exclude each other.
  return fc.oneof(
    { weight: 5, arbitrary: fc.constant<readonly unknown[]>([]) },
    { weight: 2, arbitrary: one },
    ...(fits ? [] : [{ weight: 1, arbitrary: fc.tuple(value, value) }]),
  );
}

interface MadeBody {
  readonly headers: Readonly<Record<string, string>>;
  readonly text: string;
}

function bodyOf(
  bodies: DescribedOperation["bodies"],
  fits: boolean,
): fc.Arbitrary<MadeBody | undefined> {
  const types = Object.entries(bodies);
  if (types.length === 0) return fc.constant(undefined);
  return fc.oneof(
    ...types.map(([type, { schema: described, example }]) => {
      // A description cannot say what the lines of a text are.
      const schema = isLines(type) ? lines : described;
      const fitting = valueOf(example === undefined ? schema : { ...schema, examples: [example] });
      const value = fits ? fitting : fc.oneof(fitting, anyJson, fitting.chain(changed));
      const text = value.map((each) => written(type, each));
      const sent = fits ? text : fc.oneof({ weight: 8, arbitrary: text }, brokenText(text));
      const named = fits
        ? fc.constant(type)
        : fc.oneof({ weight: 8, arbitrary: fc.constant(type) }, fc.constantFrom(...otherTypes));
      return fc
        .record({ text: sent, named })
        .map(({ text: body, named: name }): MadeBody | undefined => ({
          headers: name === "" ? {} : { "Content-Type": name },
          text: body,
        }));
    }),
  );
}

const otherTypes = ["", "text/plain", "application/xml", "application/json; charset=utf-7", "a"];

const lines: JsonSchema = {
  type: "array",
  items: { $ref: "#/components/schemas/Event" },
};

function isLines(type: string): boolean {
  return type === "application/x-ndjson";
}

function written(type: string, value: unknown): string {
  if (!isLines(type) || !Array.isArray(value)) return JSON.stringify(value) ?? "";
  return value.map((each) => JSON.stringify(each)).join("\n");
}

function brokenText(text: fc.Arbitrary<string>) {
  const cut = fc
    .tuple(text, fc.nat())
    .map(([whole, at]) => whole.slice(0, at % (whole.length + 1)));
  return { weight: 1, arbitrary: fc.oneof(cut, fc.string({ unit: "binary" })) };
}

/** Values that a schema describes, its examples often among them. */
function valueOf(schema: JsonSchema): fc.Arbitrary<unknown> {
  const { $ref, examples } = schema;
  if ($ref !== undefined) return valueOf(referred($ref));
  const described = describedBy(schema);
  if (examples === undefined || examples.length === 0) return described;
  return fc.oneof(described, fc.constantFrom(...examples));
}

function referred(pointer: string): JsonSchema {
  return pointer
    .slice(2)
    .split("/")
    .reduce<unknown>((at, part) => (at as Record<string, unknown>)[part], document) as JsonSchema;
}

function describedBy(schema: JsonSchema): fc.Arbitrary<unknown> {
  const { anyOf, type } = schema;
  if (schema.enum !== undefined) return fc.constantFrom(...schema.enum);
  if (anyOf !== undefined) {
    const { anyOf: _, ...rest } = schema;
    return fc.oneof(...anyOf.map((each) => valueOf({ ...rest, examples: [], ...each })));
  }
  if (Array.isArray(type)) {
    return fc.oneof(...type.map((each: string) => describedBy({ ...schema, type: each })));
  }
  switch (type) {
    case "string":
      return textsOf(schema);
    case "integer":
      return integersOf(schema);
    case "number":
      return fc.double({
        min: schema.minimum ?? -1e9,
        max: schema.maximum ?? 1e9,
        noNaN: true,
      });
    case "boolean":
      return fc.boolean();
    case "null":
      return fc.constant(null);
    case "array":
      return listsOf(schema);
    case "object":
      return recordsOf(schema);
    default:
      return plainJson;
  }
}

/** Where there are no bounds it may be an instant. */
function integersOf({ minimum = -1_000, maximum }: JsonSchema) {
  const small = fc.integer({ min: minimum, max: maximum ?? 1_000_000 });
  const instant = fc.integer({ min: 946_684_800_000, max: 1_767_225_600_000 });
  return maximum === undefined ? fc.oneof(small, instant, instant, instant) : small;
}

const letters = "abzAZ09._:@/+-";
const words = fc.string({ unit: fc.constantFrom(..."aßéжक्ظ漢9._-"), minLength: 1, maxLength: 12 });

function textsOf({ format, pattern, minLength = 0, maxLength = 40 }: JsonSchema) {
  if (format === "date-time") {
    return fc
      .date({ min: new Date("1999-01-01"), max: new Date("2026-01-01"), noInvalidDate: true })
      .map((date) => date.toISOString());
  }
  const lengths = { minLength, maxLength: Math.min(maxLength, 200) };
  if (pattern === undefined) {
    return fc.oneof(fc.string(lengths), fc.string({ ...lengths, unit: "grapheme" }));
  }
  const form = new RegExp(pattern, "u");
  const plain = fc.string({ unit: fc.constantFrom(...letters), minLength: 1, maxLength: 128 });
  const several = fc.array(words, { minLength: 1, maxLength: 4 }).map((some) => some.join(" "));
  const span = fc.tuple(fc.integer({ min: 1, max: 99_999 }), fc.constantFrom(..."smhd"));
  const candidates = [plain, several, span.map((some) => some.join("")), fc.constant("today")];
  const fitting = candidates.filter((each) => fc.sample(each, 50).some((text) => form.test(text)));
  return fc.oneof(...fitting).filter((text) => form.test(text));
}

function listsOf({ items, prefixItems, minItems = 0, maxItems = 4, uniqueItems }: JsonSchema) {
  if (prefixItems !== undefined) return fc.tuple(...prefixItems.map(valueOf));
  const item = typeof items === "object" ? valueOf(items) : plainJson;
  const lengths = { minLength: minItems, maxLength: Math.max(minItems, Math.min(maxItems, 4)) };
  return uniqueItems
    ? fc.uniqueArray(item, { ...lengths, selector: (value) => JSON.stringify(value) })
    : fc.array(item, lengths);
}

function recordsOf({ properties = {}, patternProperties = {}, required = [] }: JsonSchema) {
  const named = fc.record(
    Object.fromEntries(Object.entries(properties).map(([key, each]) => [key, valueOf(each)])),
    { requiredKeys: required as never[] },
  );
  const formed = Object.entries(patternProperties).map(([pattern, each]) =>
    fc.dictionary(fc.oneof(pathTo(pattern), textsOf({ pattern: "." })), valueOf(each), {
      maxKeys: 2,
    }),
  );
  return fc
    .tuple(named, ...formed)
    .map((parts) => Object.assign({}, ...(parts as object[])) as object);
}

/** Names that such a pattern is for: paths to properties. */
function pathTo(pattern: string): fc.Arbitrary<string> {
  const form = new RegExp(pattern, "u");
  const paths = ["data.plan", "metadata.userId", "context.country", "type", "source", "data.a.b"];
  const fitting = paths.filter((path) => form.test(path));
  return fc.constantFrom(...(fitting.length > 0 ? fitting : paths));
}

const hostileText = fc.oneof(
  fc.string({ unit: "binary" }),
  fc.constantFrom(
    "",
    " ",
    "null",
    "NaN",
    "-1",
    "1e400",
    "0x10",
    "'\"`",
    "%00",
    "\0",
    "../..",
    "__proto__",
  ),
  fc.constantFrom("\ud800", "a".repeat(3_000), "[", "{}", "$where", "9007199254740993", "\u202e"),
);

const plainJson = jsonValues(2);

const anyJson = fc.oneof(
  fc.jsonValue({ maxDepth: 3 }),
  hostileText,
  fc.constantFrom(1e308, -0, 2 ** 53, {}, [], { __proto__: null, constructor: 1 }),
);

/** A value with one place changed: another value, a property more or one less. */
function changed(value: unknown): fc.Arbitrary<unknown> {
  if (typeof value !== "object" || value === null || Object.keys(value).length === 0)
    return anyJson;
  const keys = Object.keys(value);
  const within = fc
    .constantFrom(...keys)
    .chain((key) =>
      changed((value as Record<string, unknown>)[key]).map((other) => replaced(value, key, other)),
    );
  const without = fc.constantFrom(...keys).map((key): unknown => {
    if (Array.isArray(value)) return value.filter((_, index) => String(index) !== key);
    return Object.fromEntries(Object.entries(value).filter(([name]) => name !== key));
  });
  const more = fc.tuple(hostileText, anyJson).map(([key, other]) => replaced(value, key, other));
  return fc.oneof({ weight: 4, arbitrary: within }, without, more, anyJson);
}

function replaced(value: object, key: string, other: unknown): unknown {
  if (Array.isArray(value)) {
    const copy = [...(value as unknown[])];
    copy[Number.isInteger(Number(key)) ? Number(key) % (copy.length + 1) : copy.length] = other;
    return copy;
  }
  return Object.fromEntries([...Object.entries(value), [key, other]]);
}

/** Lists in an address are divided by commas. */
function textOf(value: unknown): string {
  if (Array.isArray(value)) return value.map(textOf).join(",");
  return typeof value === "string" ? value : (JSON.stringify(value) ?? "");
}

function encoded(text: string): string {
  const safe = encodeURIComponent(text.toWellFormed());
  // A client resolves these before it sends them.
  return safe === "" || safe === "." || safe === ".." ? "%2E%2E%2E" : safe;
}

/** What `fetch` sends as a header's value. */
function headerOf(text: string): string {
  return text.replaceAll(/[^\t\x20-\x7e\x80-\xff]/g, "?").trim();
}

function isRecord(value: unknown): value is object {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
