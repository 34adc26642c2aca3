import { RE2JS } from "re2js";
import type { Finding } from "../../errors.ts";
import { isPlainJson, isPlainObject, pointerTo } from "../plain-json.ts";

/** The bounds of one schema, so that checking an event takes a bounded time. */
const schemaBounds = {
  /** Bytes of its JSON. */
  bytes: 32_768,
  /** Levels of its JSON. */
  levels: 32,
  /** The most values in it; a part that is referred to several times counts each time. */
  values: 5_000,
  /** Characters of one pattern, and steps of the machines of all patterns together. */
  patternLength: 512,
  patternSteps: 1_000,
} as const;

/**
 * The formats that are checked, each in a time that grows with the text, whose length is bounded.
 */
export const formats = [
  "date-time",
  "date",
  "time",
  "duration",
  "email",
  "hostname",
  "ipv4",
  "ipv6",
  "uri",
  "uuid",
] as const;

const draft = "https://json-schema.org/draft/2020-12/schema";

/** Keywords, grouped by the kind of value that stands under them. */
export const schemaWords = new Set(
  "additionalProperties contains else if items not propertyNames then unevaluatedItems unevaluatedProperties".split(
    " ",
  ),
);
export const schemaLists = new Set(["allOf", "anyOf", "oneOf", "prefixItems"]);
export const schemaMaps = new Set(["$defs", "dependentSchemas", "patternProperties", "properties"]);
const valueWords = new Set(
  [
    "$comment $ref $schema const default dependentRequired deprecated description enum examples",
    "exclusiveMaximum exclusiveMinimum format maxContains maxItems maxLength maxProperties maximum",
    "minContains minItems minLength minProperties minimum multipleOf pattern readOnly required title",
    "type uniqueItems writeOnly",
  ]
    .join(" ")
    .split(" "),
);

export type Members = Readonly<Record<string, unknown>>;

/**
 * Finds what makes a schema unbounded; the keywords' own rules are checked elsewhere. Pointers
 * start at the schema. It finds nothing where checking an event is bounded: the schema is not
 * large, refers only to itself and never in a circle, and its patterns run in a time that grows
 * with the text alone (RE2).
 */
export function findUnbounded(schema: unknown): Finding[] {
  if (!isPlainObject(schema)) {
    return [{ pointer: "", code: "type", message: "a schema must be a JSON object" }];
  }
  if (!isPlainJson(schema, schemaBounds.levels)) {
    const message = `a schema has at most ${schemaBounds.levels} levels, and numbers within 2^53`;
    return [{ pointer: "", code: "too_deep", message }];
  }
  if (Buffer.byteLength(JSON.stringify(schema)) > schemaBounds.bytes) {
    const message = `a schema has at most ${schemaBounds.bytes} bytes of JSON`;
    return [{ pointer: "", code: "too_large", message }];
  }
  const walk = new Walk(schema as Members);
  walk.schema(schema, "");
  walk.references();
  if (walk.findings.length === 0) walk.measure();
  return walk.findings;
}

class Walk {
  readonly findings: Finding[] = [];
  readonly #root: Members;
  /** The schemas that were looked at: the root and those within it. */
  readonly #schemas = new Set<unknown>();
  readonly #references: { readonly ref: unknown; readonly at: string }[] = [];
  #steps = 0;

  constructor(root: Members) {
    this.#root = root;
  }

  schema(value: unknown, pointer: string): void {
    // The meta-schema finds everything else.
    if (!isPlainObject(value)) return;
    this.#schemas.add(value);
    for (const [word, under] of Object.entries(value)) {
      const at = pointerTo(pointer, word);
      if (schemaWords.has(word)) this.schema(under, at);
      else if (schemaLists.has(word)) this.#each(under, at);
      else if (schemaMaps.has(word)) {
        this.#each(under, at);
        if (word === "patternProperties") this.#patterns(under, at);
        if (word === "properties") this.#names(under, at);
      } else if (valueWords.has(word)) this.#value(word, under, at);
      else {
        this.#find(at, "keyword", "this keyword is not known here");
      }
    }
  }

  /** What stands in `examples` or `const` is no schema, and nothing in it was looked at. */
  references(): void {
    const message =
      "a reference must be a pointer to a schema within this one, such as #/$defs/name";
    for (const { ref, at } of this.#references) {
      const target = typeof ref === "string" ? targetOf(this.#root, ref) : undefined;
      if (typeof target === "boolean" || this.#schemas.has(target)) continue;
      this.#find(at, "reference", message);
    }
  }

  /** Measures the schema with every reference written out. */
  measure(): void {
    const sizes = new Map<string, number | null>();
    const sizeOf = (value: unknown): number => {
      if (!isPlainObject(value)) return plainSize(value);
      let size = 1;
      for (const [word, under] of Object.entries(value)) {
        if (word === "$ref") size += referred(String(under));
        else if (schemaWords.has(word)) size += sizeOf(under);
        else if (schemaLists.has(word) || schemaMaps.has(word)) {
          if (word !== "$defs") size += sizeOfEach(under);
        } else size += plainSize(under);
        if (size > schemaBounds.values) return size;
      }
      return size;
    };
    const sizeOfEach = (under: unknown): number => {
      if (typeof under !== "object" || under === null) return 1;
      let size = 1;
      for (const value of Object.values(under)) {
        size += sizeOf(value);
        if (size > schemaBounds.values) return size;
      }
      return size;
    };
    const referred = (ref: string): number => {
      const known = sizes.get(ref);
      if (known === null) return Infinity;
      if (known !== undefined) return known;
      sizes.set(ref, null);
      const size = sizeOf(targetOf(this.#root, ref));
      sizes.set(ref, size);
      return size;
    };
    const size = sizeOf(this.#root);
    if (size === Infinity) this.#find("", "circle", "its references go in a circle");
    else if (size > schemaBounds.values) {
      const message = `a schema has at most ${schemaBounds.values} values, with references written out`;
      this.#find("", "too_large", message);
    }
  }

  #each(under: unknown, pointer: string): void {
    if (typeof under !== "object" || under === null) return;
    for (const [name, value] of Object.entries(under)) this.schema(value, pointerTo(pointer, name));
  }

  #value(word: string, value: unknown, at: string): void {
    if (word === "$ref") this.#references.push({ ref: value, at });
    if (word === "$schema" && value !== draft) {
      this.#find(at, "draft", `the draft is ${draft}`);
    }
    if (word === "pattern") this.#pattern(value, at);
    if (word === "format" && !(formats as readonly unknown[]).includes(value)) {
      this.#find(at, "format", `the formats are ${formats.join(", ")}`);
    }
  }

  #patterns(under: unknown, at: string): void {
    if (typeof under !== "object" || under === null) return;
    for (const pattern of Object.keys(under)) this.#pattern(pattern, pointerTo(at, pattern));
  }

  /** The library that checks events passes over a property of this name. */
  #names(under: unknown, at: string): void {
    const name = "__proto__";
    if (typeof under !== "object" || under === null || !Object.hasOwn(under, name)) return;
    const message = `a property named ${name} is described by patternProperties: ^${name}$`;
    this.#find(pointerTo(at, name), "name", message);
  }

  #pattern(pattern: unknown, at: string): void {
    if (typeof pattern !== "string") return;
    if (pattern.length > schemaBounds.patternLength) {
      const message = `a pattern has at most ${schemaBounds.patternLength} characters`;
      this.#find(at, "too_large", message);
      return;
    }
    try {
      this.#steps += RE2JS.compile(pattern).programSize();
    } catch {
      const message =
        "a pattern must be a regular expression of RE2: no look-around, no references";
      this.#find(at, "pattern", message);
      return;
    }
    if (this.#steps <= schemaBounds.patternSteps) return;
    this.#find(at, "too_large", "this pattern, or all together, are too large");
  }

  #find(pointer: string, code: string, message: string): void {
    if (this.findings.length < 20) this.findings.push({ pointer, code, message });
  }
}

/** The target of a reference within a schema; `undefined` where there is none. */
export function targetOf(root: Members, ref: string): unknown {
  if (ref !== "#" && !ref.startsWith("#/")) return undefined;
  let value: unknown = root;
  for (const part of ref.split("/").slice(1)) {
    const name = unescaped(part);
    if (typeof value !== "object" || value === null || !Object.hasOwn(value, name))
      return undefined;
    value = (value as Members)[name];
  }
  return value;
}

/** The number of values in one that is no schema. */
export function plainSize(value: unknown): number {
  if (typeof value !== "object" || value === null) return 1;
  return Object.values(value).reduce<number>((size, inner) => size + plainSize(inner), 1);
}

/** Decodes a segment of a pointer in a URI's fragment (RFC 6901, 6). */
function unescaped(part: string): string {
  try {
    return decodeURIComponent(part).replaceAll("~1", "/").replaceAll("~0", "~");
  } catch {
    return part;
  }
}
