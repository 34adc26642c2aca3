import { faultIn, pointerTo, staysSame } from "../exact-json.ts";
import { UsageError } from "../exit-codes.ts";
import { derivedId, type Defaults, type EventReader, type EventReading } from "./event-text.ts";

/**
 * Splits a record into fields (RFC 4180). Quotes within a field that does not begin with one are
 * ordinary characters.
 * @returns `undefined` where a quote is left open, or something follows a closed one
 */
export function fieldsOf(record: string, delimiter: string): readonly string[] | undefined {
  const fields: string[] = [];
  let at = 0;
  for (;;) {
    if (record[at] === '"') {
      const end = closingQuote(record, at + 1);
      if (end < 0) return undefined;
      fields.push(record.slice(at + 1, end).replaceAll('""', '"'));
      at = end + 1;
      if (at < record.length && !record.startsWith(delimiter, at)) return undefined;
    } else {
      const end = record.indexOf(delimiter, at);
      fields.push(record.slice(at, end < 0 ? record.length : end));
      at = end < 0 ? record.length : end;
    }
    if (at === record.length) return fields;
    at += delimiter.length;
  }
}

function closingQuote(record: string, from: number): number {
  for (let at = record.indexOf('"', from); at >= 0; at = record.indexOf('"', at + 2)) {
    if (record[at + 1] !== '"') return at;
  }
  return -1;
}

const kinds = ["text", "number", "boolean", "json", "seconds"] as const;
type Kind = (typeof kinds)[number];

/** The target of a column: the path of a field of the event, and the kind of its text. */
export interface Target {
  readonly path: readonly string[];
  readonly kind: Kind;
}

const ownFields = ["id", "type", "timestamp", "source", "correlationId"];
const objects = ["data", "metadata"];
const onlyStored = ["receivedAt", "project", "context"];

/**
 * Reads `--map FIELD=COLUMN[:KIND]`, such as `metadata.userId=user` or `data.amount=price:number`.
 * @throws UsageError
 */
export function readMapping(texts: readonly string[]): ReadonlyMap<string, Target> {
  const mapping = new Map<string, Target>();
  for (const text of texts) {
    const [, field, column, kind = "text"] = /^([^=]+)=(.+?)(?::([a-z]+))?$/.exec(text) ?? [];
    if (field === undefined || column === undefined) {
      throw new UsageError(`--map ${text}: it is FIELD=COLUMN or FIELD=COLUMN:KIND`);
    }
    const known = kinds.find((one) => one === kind);
    if (known === undefined) {
      throw new UsageError(`--map ${text}: a kind is one of ${kinds.join(", ")}`);
    }
    const path = field.split(".");
    const isOwn = path.length === 1 && ownFields.includes(field);
    if (!isOwn && (!objects.includes(path[0]!) || path.includes(""))) {
      const fields = `${ownFields.join(", ")}, data.NAME or metadata.NAME`;
      throw new UsageError(`--map ${text}: a field is one of ${fields}`);
    }
    if (mapping.has(column)) throw new UsageError(`--map ${text}: the column has a field already`);
    mapping.set(column, { path, kind: known });
  }
  return mapping;
}

/** The target of a column without a mapping: the field of its name, else `data`. */
function usualTarget(column: string): Target {
  if (ownFields.includes(column)) return { path: [column], kind: "text" };
  if (objects.includes(column)) return { path: [column], kind: "json" };
  const path = column.split(".");
  const isPath = path.length > 1 && objects.includes(path[0]!) && !path.includes("");
  return { path: isPath ? path : ["data", column], kind: "text" };
}

export interface TableOptions {
  readonly seed: string;
  readonly defaults: Defaults;
  readonly delimiter: string;
  readonly columns: readonly string[];
  /** The line of the record that names the columns; absent: no record does. */
  readonly headLine?: number | undefined;
  readonly mapping: ReadonlyMap<string, Target>;
  /** Whether columns without a mapping are left out. */
  readonly onlyMapped: boolean;
  /** Whether the table is an export, with columns that only stored events have. */
  readonly exported: boolean;
}

/**
 * Reads a table. An empty field counts as absent.
 * @throws UsageError where the mapping names a missing column
 */
export function tableReader(options: TableOptions): EventReader {
  const { seed, defaults, delimiter, columns, headLine, mapping, onlyMapped, exported } = options;
  const absent = [...mapping.keys()].filter((name) => !columns.includes(name));
  if (absent.length > 0) {
    throw new UsageError(`no column ${absent.join(", ")}; there are ${columns.join(", ")}`);
  }
  const targets = columns.map((name) => {
    if (exported && onlyStored.includes(name)) return undefined;
    return mapping.get(name) ?? (onlyMapped ? undefined : usualTarget(name));
  });
  return {
    read(text, line) {
      if (text === "" || line === headLine) return undefined;
      const fields = fieldsOf(text, delimiter);
      if (fields === undefined) return { problem: "its quotes do not fit" };
      if (fields.length !== columns.length) {
        return { problem: `it has ${fields.length} fields, the table ${columns.length}` };
      }
      return eventOf(fields, targets, { ...defaults, id: derivedId(seed, line, text) });
    },
  };
}

function eventOf(
  fields: readonly string[],
  targets: readonly (Target | undefined)[],
  defaults: Readonly<Record<string, string | undefined>>,
): EventReading {
  const event: Record<string, unknown> = {};
  for (const [i, target] of targets.entries()) {
    const text = fields[i]!;
    if (target === undefined || text === "") continue;
    const value = valueOf(text, target);
    if (value === undefined)
      return { problem: `${target.path.join(".")}: ${text} is no ${target.kind}` };
    const fault = target.kind === "json" ? faultIn(text) : undefined;
    if (fault !== undefined) {
      return { problem: fault.message, pointer: pointerTo(target.path) + fault.pointer };
    }
    if (!put(event, target.path, value.is)) {
      return { problem: `${target.path.join(".")} has two columns that do not fit together` };
    }
  }
  const missing = Object.entries(defaults).filter(([name]) => !Object.hasOwn(event, name));
  return { json: JSON.stringify({ ...event, ...Object.fromEntries(missing) }) };
}

const digits = /^-?\d+$/;
const decimal = /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i;

/**
 * Reads a text as a kind of value; `undefined` where it is not of this kind, or a number that would
 * not stay the same.
 */
function valueOf(text: string, { path, kind }: Target): { readonly is: unknown } | undefined {
  switch (kind) {
    case "text":
      // Epoch milliseconds must be sent as a number.
      return { is: path[0] === "timestamp" && digits.test(text) ? Number(text) : text };
    case "number": {
      const number = decimal.test(text) ? Number(text) : NaN;
      return Number.isFinite(number) && staysSame(text) ? { is: number } : undefined;
    }
    case "boolean":
      if (/^(true|yes|1)$/i.test(text)) return { is: true };
      return /^(false|no|0)$/i.test(text) ? { is: false } : undefined;
    case "seconds": {
      const instant = decimal.test(text) ? Math.round(Number(text) * 1_000) : NaN;
      return Number.isSafeInteger(instant) ? { is: instant } : undefined;
    }
    case "json":
      try {
        return { is: JSON.parse(text) as unknown };
      } catch {
        return undefined;
      }
  }
}

/** @returns false where another value is in the way */
function put(event: Record<string, unknown>, path: readonly string[], value: unknown): boolean {
  let at = event;
  for (const key of path.slice(0, -1)) {
    if (!Object.hasOwn(at, key)) define(at, key, {});
    const next = at[key];
    if (typeof next !== "object" || next === null || Array.isArray(next)) return false;
    at = next as Record<string, unknown>;
  }
  const last = path.at(-1)!;
  if (Object.hasOwn(at, last)) return false;
  define(at, last, value);
  return true;
}

/** Sets an own property, even one called `__proto__`. */
function define(at: object, key: string, value: unknown): void {
  Object.defineProperty(at, key, { value, enumerable: true, configurable: true, writable: true });
}
