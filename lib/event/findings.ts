import type { Finding } from "../errors.ts";
import type { BrokenRule } from "../schema/rule.ts";
import { firstInstant, maxInstantLength, misdated, rfc3339 } from "./instant.ts";
import { maxAheadMs, maxEventBytes, maxFindings, maxNesting } from "./limits.ts";
import {
  findNotPlain,
  isPlainJson,
  isPlainObject,
  notExactNumber,
  pointerTo,
} from "./plain-json.ts";
import { eventProperties, maxLength, metadataProperties, reservedIds } from "./event-schema.ts";

const known: readonly string[] = Object.keys(eventProperties);
const maxNameShown = 64;

/**
 * Lists everything that is wrong with a refused event, so that a person can mend it at once; at
 * most `maxFindings`. Pointers start at the event.
 * @param broken the rules that the validator found broken
 * @param now epoch milliseconds
 */
export function findingsOf(input: unknown, broken: readonly BrokenRule[], now: number): Finding[] {
  if (!isPlainObject(input)) {
    return [{ pointer: "", code: "type", message: "an event must be a JSON object" }];
  }
  const findings: Finding[] = [];
  const fields = input as Row;
  for (const rule of broken) addBrokenRule(rule, fields, findings);
  addUnknownFields(fields, findings);
  addTimestamp(fields["timestamp"], now, findings);
  findNotPlain(input, maxNesting + 1, "", findings);
  addSize(fields, findings);
  const distinct = new Map(findings.map((found) => [`${found.code} ${found.pointer}`, found]));
  return [...distinct.values()].slice(0, maxFindings);
}

/** Bytes of the event's compact JSON, in UTF-8. */
export function eventBytes(input: unknown): number {
  return Buffer.byteLength(JSON.stringify(input));
}

function addBrokenRule({ field, type, actual }: BrokenRule, input: Row, findings: Finding[]): void {
  // Unknown fields get findings of their own.
  if (field === undefined) return;
  const pointer = `/${field.replaceAll(".", "/")}`;
  const finding = { pointer, ...explain(field, type, actual, input) };
  // Where a field may be a string or a number the validator reports it twice; the last report says
  // more.
  if (findings.at(-1)?.pointer === pointer) findings.pop();
  findings.push(finding);
}

function explain(field: string, rule: string, actual: unknown, input: Row): Explanation {
  if (rule === "required" && actual === undefined) {
    return { code: "required", message: `${field} is required` };
  }
  if (rule === "stringPattern") return explainText(field, actual);
  if (rule === "numberMin" || rule === "numberMax" || actual === Infinity || actual === -Infinity) {
    return {
      code: "out_of_range",
      message: notExactNumber,
    };
  }
  if (field === "timestamp" && typeof input["timestamp"] === "number") {
    return { code: "type", message: "timestamp as a number must be whole milliseconds" };
  }
  return { code: "type", message: `${field} must be ${expectedOf(field)}` };
}

function expectedOf(field: string): string {
  if (field === "metadata") return "an object";
  if (field === "timestamp") return "an RFC 3339 string or epoch milliseconds";
  return field.endsWith("userId") || field.endsWith("anonymousId")
    ? "a string or a number"
    : "a string";
}

/** Explains why a name or a label fails its pattern. */
function explainText(field: string, actual: unknown): Explanation {
  const text = actual as string;
  if (!text.isWellFormed()) {
    return { code: "not_well_formed", message: `${field} holds half of a surrogate pair` };
  }
  const max = maxLength[field as keyof typeof maxLength];
  const length = Array.from(text.slice(0, 2 * max + 1)).length;
  if (length < 1 || length > max) {
    return { code: "length", message: `${field} must have 1 to ${max} characters` };
  }
  if (field === "id" && reservedIds.includes(text)) {
    const message = `an event cannot be called ${reservedIds.join(", ")}: no path would lead to it`;
    return { code: "reserved", message };
  }
  return { code: "pattern", message: `${field} ${allowedIn[field] ?? noControls}` };
}

const noControls = "must not hold control characters";
const allowedIn: Readonly<Record<string, string>> = {
  id: "may hold only A-Z a-z 0-9 . _ : @ / + -",
  type: "may hold only letters, digits and marks of any script, . _ : @ / + - and single spaces inside",
};

function addUnknownFields(input: Row, findings: Finding[]): void {
  for (const name of Object.keys(input)) {
    if (findings.length >= maxFindings) return;
    if (known.includes(name) || input[name] === undefined) continue;
    const shown = name.length > maxNameShown ? `${name.slice(0, maxNameShown)}...` : name;
    findings.push({
      pointer: pointerTo("", name),
      code: "unknown_field",
      message: Object.hasOwn(metadataProperties, name)
        ? `${name} belongs into metadata`
        : `an event has no field ${JSON.stringify(shown)}; what is yours belongs into data`,
    });
  }
}

function addTimestamp(timestamp: unknown, now: number, findings: Finding[]): void {
  const explanation = explainTimestamp(timestamp, now);
  if (explanation !== undefined) findings.push({ pointer: "/timestamp", ...explanation });
}

function explainTimestamp(timestamp: unknown, now: number): Explanation | undefined {
  let instant: number;
  if (typeof timestamp === "string") {
    if (timestamp.length > maxInstantLength) {
      return {
        code: "length",
        message: `timestamp has more than ${maxInstantLength} characters`,
      };
    }
    instant = rfc3339(timestamp);
    if (Number.isNaN(instant)) {
      return {
        code: "format",
        message: "timestamp must be RFC 3339 with an offset, such as 2026-01-31T10:20:30.123Z",
      };
    }
  } else if (Number.isInteger(timestamp)) {
    instant = timestamp as number;
  } else {
    return undefined;
  }
  if (instant < firstInstant) {
    return { code: "past", message: "timestamp lies before the year 1" };
  }
  if (instant > now + maxAheadMs) {
    return {
      code: "future",
      message: "timestamp lies more than 5 minutes ahead of the clock here",
    };
  }
  const fault = misdated(instant, now);
  return fault && { code: `${fault}_time`, message: misdatedAs[fault] };
}

const misdatedAs = {
  zero: "timestamp is the zero of a clock, which tells that no time was set: leave it out where it is not known",
  seconds:
    "timestamp lies in January 1970: these are seconds that were taken for milliseconds, multiply them by 1000",
};

function addSize(input: Row, findings: Finding[]): void {
  // A value that is not plain JSON has no size, and may be nested too deep to be serialized.
  if (!isPlainJson(input, maxNesting + 1)) return;
  const sizeBytes = eventBytes(input);
  if (sizeBytes <= maxEventBytes) return;
  // It goes first, so that it is among the findings that are reported.
  findings.unshift({
    pointer: "",
    code: "too_large",
    message: `the event has ${sizeBytes} bytes of JSON; the limit is ${maxEventBytes} bytes for one event`,
  });
}

type Row = Readonly<Record<string, unknown>>;
type Explanation = Omit<Finding, "pointer">;
