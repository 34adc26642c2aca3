import { parseInstant } from "../../event/instant.ts";
import type { Finding } from "../../errors.ts";

/** Parameters as they came: from a query string all are texts, from another node they are typed. */
export type Raw = Readonly<Record<string, unknown>>;
export type Findings = Finding[];

const maxListItems = 100;

/** Code units: a source has up to 512 characters. */
const maxTextLength = 1_024;

/**
 * Several texts: a parameter that is repeated, or an array. Absent where the parameter is.
 * @param split how one text lists several; as it stands it is one
 */
export function readList(
  raw: Raw,
  name: string,
  findings: Findings,
  split: (text: string) => readonly string[] = (text) => [text],
): readonly string[] | undefined {
  const value = raw[name];
  if (value === undefined) return undefined;
  const given: readonly unknown[] = Array.isArray(value) ? value : [value];
  const items = given.flatMap((item): readonly unknown[] =>
    typeof item === "string" ? split(item) : [item],
  );
  if (items.length > 0 && items.length <= maxListItems && items.every(isShortText)) {
    return [...new Set(items)];
  }
  findings.push({
    pointer: name,
    code: "list",
    message: `${name} must be 1 to ${maxListItems} texts of 1 to ${maxTextLength} characters`,
  });
  return undefined;
}

/** Types of events, also by comma: a type has none, nor a space at either end. */
export function readTypes(raw: Raw, findings: Findings): readonly string[] | undefined {
  return readList(raw, "type", findings, (text) => text.split(",").map((type) => type.trim()));
}

export function readText(raw: Raw, name: string, findings: Findings): string | undefined {
  const value = raw[name];
  if (value === undefined || isShortText(value)) return value;
  findings.push({
    pointer: name,
    code: "text",
    message: `${name} must be a text of 1 to ${maxTextLength} characters`,
  });
  return undefined;
}

/** RFC 3339 or epoch milliseconds, also as digits in a text. */
export function readInstant(raw: Raw, name: string, findings: Findings): number | undefined {
  const value = raw[name];
  if (value === undefined) return undefined;
  const instant = parseInstant(
    typeof value === "string" && /^-?\d+$/.test(value) ? Number(value) : value,
  );
  if (instant !== undefined) return instant;
  findings.push({
    pointer: name,
    code: "instant",
    message: `${name} must be RFC 3339, such as 2026-01-31T00:00:00Z (in a URL a + is written %2B), or epoch milliseconds`,
  });
  return undefined;
}

export function readChoice<T extends string>(
  raw: Raw,
  name: string,
  allowed: readonly T[],
  findings: Findings,
): T | undefined {
  const value = raw[name];
  if (value === undefined || allowed.some((choice) => choice === value))
    return value as T | undefined;
  findings.push({
    pointer: name,
    code: "choice",
    message: `${name} must be one of ${allowed.join(", ")}`,
  });
  return undefined;
}

export function readInteger(
  raw: Raw,
  name: string,
  bounds: { readonly min: number; readonly max: number; readonly otherwise: number },
  findings: Findings,
): number {
  const value = raw[name];
  if (value === undefined) return bounds.otherwise;
  const number = typeof value === "string" && /^\d{1,15}$/.test(value) ? Number(value) : value;
  if (Number.isInteger(number) && Number(number) >= bounds.min && Number(number) <= bounds.max) {
    return Number(number);
  }
  findings.push({
    pointer: name,
    code: "integer",
    message: `${name} must be a whole number from ${bounds.min} to ${bounds.max}`,
  });
  return bounds.otherwise;
}

/** A finding for each parameter that is not known: it is never ignored. */
export function refuseUnknown(
  raw: Raw,
  isKnown: (name: string) => boolean,
  names: readonly string[],
  findings: Findings,
): void {
  for (const name of Object.keys(raw)) {
    if (isKnown(name)) continue;
    findings.push({
      pointer: name,
      code: "unknown_parameter",
      message: `there is no parameter of this name; known are ${names.join(", ")}`,
    });
  }
}

function isShortText(value: unknown): value is string {
  return (
    typeof value === "string" &&
    value.length > 0 &&
    value.length <= maxTextLength &&
    value.isWellFormed()
  );
}
