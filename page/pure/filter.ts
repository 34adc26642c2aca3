/** Filters as the address writes them, as the API takes them, and in words. */

export const operators = [
  ...(["is", "is_not", "contains", "starts_with", "exists"] as const),
  ...(["gt", "gte", "lt", "lte", "shown_as"] as const),
] as const;
export type Operator = (typeof operators)[number];

/** One condition. Values are texts; `n:10`, `b:true` and `s:10` mean that kind alone. */
export interface Filter {
  readonly op: Operator;
  readonly property: string;
  readonly values: readonly string[];
}

/** A filter in the API's form, in a body. */
export type BodyFilter = readonly [string, ...unknown[]];

const missing = "(none)";

/** Reads `is,data.plan,pro,free`; `undefined` for a text that is no filter. */
export function readFilter(text: string): Filter | undefined {
  const [op = "", property = "", ...values] = splitParts(text);
  if (!(operators as readonly string[]).includes(op) || property === "") return undefined;
  if (values.length === 0) return undefined;
  return { op: op as Operator, property, values };
}

/** Splits at commas; a comma within a part is percent-encoded once more. */
function splitParts(text: string): readonly string[] {
  return text.split(",").map((part) => {
    try {
      return decodeURIComponent(part);
    } catch {
      return part;
    }
  });
}

export function writeFilter({ op, property, values }: Filter): string {
  return [op, property, ...values]
    .map((part) => part.replace(/[%,;]/g, encodeURIComponent))
    .join(",");
}

/** A step of a funnel: `email.opened;is,context.machine,false`. */
export interface Step {
  readonly type: string;
  readonly filters: readonly Filter[];
}

/** Without one of its filters a step would select other events: it is read whole or not at all. */
export function readStep(text: string): Step | undefined {
  const [first = "", ...rest] = text.split(";");
  const [type = ""] = splitParts(first);
  const filters = rest.map(readFilter).filter((filter) => filter !== undefined);
  return type === "" || filters.length < rest.length ? undefined : { type, filters };
}

export function writeStep({ type, filters }: Step): string {
  return [type.replace(/[%,;]/g, encodeURIComponent), ...filters.map(writeFilter)].join(";");
}

/** The filter of a row of an answer, by the row's text. */
export function filterOfRow(property: string, shown: string): Filter {
  const isSpecial = shown === missing || shown === "(other)" || shown.startsWith("\\(");
  return { op: isSpecial ? "shown_as" : "is", property, values: [shown] };
}

/**
 * A catalogue's value as a filter's. `alone`: values of other kinds have the same text, and are not
 * meant.
 */
export function filterValue(
  shown: string,
  kind: "text" | "number" | "boolean",
  alone: boolean,
): string {
  const isSaid = /^\\+\((?:none|other)\)$/.test(shown);
  const value = isSaid ? shown.slice(1) : shown;
  const isMarked = kind === "text" && /^[nsb]:/.test(value);
  const mark = { text: "s", number: "n", boolean: "b" }[kind];
  return alone || isMarked ? `${mark}:${value}` : value;
}

/** The values of the catalogue that have the same text as another one, of another kind. */
export function alikeValues(values: readonly { readonly value: string }[]): ReadonlySet<string> {
  const seen = new Set<string>();
  return new Set(
    values.map(({ value }) => value).filter((value) => seen.size === seen.add(value).size),
  );
}

function spelled(value: string): readonly unknown[] {
  if (value.startsWith("s:")) return [value.slice(2)];
  if (value.startsWith("n:")) return [Number(value.slice(2))];
  if (value.startsWith("b:")) return [value.slice(2) === "true"];
  if (value === "true" || value === "false") return [value, value === "true"];
  const isNumber = value.trim() !== "" && Number.isFinite(Number(value));
  return isNumber ? [value, Number(value)] : [value];
}

/** One filter in a body's form. */
export function bodyFilter({ op, property, values }: Filter): BodyFilter {
  switch (op) {
    case "is":
    case "is_not":
      return [op, property, values.flatMap(spelled)];
    case "shown_as":
      return [op, property, values];
    case "exists":
      return [op, property, values[0] === "true"];
    case "gt":
    case "gte":
    case "lt":
    case "lte":
      return each(
        op,
        property,
        values.map((value) => spelled(value).at(-1)),
      );
    default:
      return each(op, property, values);
  }
}

function each(op: string, property: string, values: readonly unknown[]): BodyFilter {
  if (values.length === 1) return [op, property, values[0]];
  return ["or", ...values.map((value) => [op, property, value])];
}

/** All filters, and events of these types where some are named; `undefined` without any filter. */
export function bodyFilters(
  filters: readonly Filter[],
  types: readonly string[] = [],
  more: readonly BodyFilter[] = [],
): BodyFilter | undefined {
  const all = [
    ...(types.length > 0 ? [["is", "type", types] as const] : []),
    ...filters.map(bodyFilter),
    ...more,
  ];
  if (all.length === 0) return undefined;
  return all.length === 1 ? all[0] : ["and", ...all];
}

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
  if (values.some((one) => typeof one === "object" || one === undefined)) return undefined;
  const isOfKinds = op === "is" || op === "is_not";
  return {
    op: op as Operator,
    property,
    values: isOfKinds ? writtenValues(values) : values.map(String),
  };
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

/** Writes the values of a body as texts that mean these kinds and no others. */
function writtenValues(values: readonly unknown[]): readonly string[] {
  return values.flatMap((value) => {
    const text = String(value);
    const isWhole = spelled(text).every((one) => values.includes(one));
    if (typeof value !== "string") {
      return isWhole ? [] : [`${typeof value === "number" ? "n" : "b"}:${text}`];
    }
    return isWhole && !/^[nsb]:/.test(text) ? [text] : [`s:${text}`];
  });
}

/**
 * Filters as parameters of the list. A parameter's text also means the number that it spells;
 * `shown_as` means exactly the rows of that text, and conditions that only one kind can meet select
 * the kind.
 */
export function listParameters(filters: readonly Filter[]): readonly (readonly [string, string])[] {
  return filters.flatMap(({ op, property, values }) =>
    values.flatMap((value): readonly (readonly [string, string])[] => {
      if (op === "is" && value.startsWith("n:")) {
        return [
          [`${property}[gte]`, value.slice(2)],
          [`${property}[lte]`, value.slice(2)],
        ];
      }
      if (op === "is" && value.startsWith("s:")) {
        return [
          [`${property}[shown_as]`, value.slice(2)],
          [`${property}[starts_with]`, value.slice(2)],
        ];
      }
      const plain = value.replace(/^[nsb]:/, "");
      return [[op === "is" ? property : `${property}[${op}]`, plain]];
    }),
  );
}

const words: Readonly<Record<Operator, string>> = {
  is: "is",
  is_not: "is not",
  contains: "contains",
  starts_with: "starts with",
  exists: "is set",
  gt: ">",
  gte: "≥",
  lt: "<",
  lte: "≤",
  shown_as: "is",
};

export function operatorName(op: Operator): string {
  return words[op];
}

const names: ReadonlyMap<string, string> = new Map(
  Object.entries({
    type: "type",
    source: "source",
    correlationId: "mail",
    "metadata.userId": "user",
    "metadata.campaignId": "campaign",
    "metadata.templateId": "template",
    "context.emailProvider": "mailbox provider",
    "context.machine": "opened by a machine",
    "context.bot": "bot",
    "context.device": "device",
    "context.country": "country",
    "context.browser": "browser",
    "context.os": "system",
  }),
);

/** A property in people's words; its path where there is no word for it. */
export function propertyName(path: string): string {
  return names.get(path) ?? path.replace(/^(data|metadata|context)\./, "");
}

/** The same as a table's head: words begin with a capital, a path stays as it is. */
export function propertyHead(path: string): string {
  const name = propertyName(path);
  return path.endsWith(`.${name}`) ? name : name.slice(0, 1).toUpperCase() + name.slice(1);
}

/** A row's value in words: a missing one is "not set". */
export function valueName(shown: string): string {
  if (shown === missing) return "not set";
  return shown.replace(/^[nsb]:/, "");
}

/** `campaign is spring or summer`. */
export function filterInWords({ op, property, values }: Filter): string {
  const name = propertyName(property);
  if (op === "exists") return `${name} is ${values[0] === "true" ? "set" : "not set"}`;
  return `${name} ${words[op]} ${values.map(valueName).join(" or ")}`;
}
