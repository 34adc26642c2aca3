import { ServiceError } from "../../errors.ts";
import { isZone } from "../../counting/calendar.ts";
import { readInstant, readText, type Findings, type Raw } from "./parameters.ts";
import type { OpenRange } from "../../event/filter.ts";

/**
 * Read the body of a question: an object with known keys only.
 * @param read takes what it knows from the body and adds a finding for each thing that is wrong
 * @throws ServiceError VALIDATION with all findings, their pointers into the body (RFC 6901)
 */
export function readBody<T>(
  body: unknown,
  known: readonly string[],
  read: (body: Raw, findings: Findings) => T,
): T {
  const findings: Findings = [];
  const question = read(readObject(body, "", known, findings) ?? {}, findings);
  if (findings.length > 0) throw new ServiceError("VALIDATION", undefined, { errors: findings });
  return question;
}

/** An object of the body, with known keys only; `undefined`, with a finding, where it is none. */
export function readObject(
  value: unknown,
  pointer: string,
  known: readonly string[],
  findings: Findings,
): Raw | undefined {
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    const message = `this must be an object with ${known.join(", ")}`;
    findings.push({ pointer, code: "object", message });
    return undefined;
  }
  for (const key of Object.keys(value)) {
    if (known.includes(key)) continue;
    const message = `there is nothing of this name here; known are ${known.join(", ")}`;
    findings.push({ pointer: `${pointer}/${escaped(key)}`, code: "unknown_field", message });
  }
  return value as Raw;
}

/** Findings of a reader of parameters, whose pointers are names, as findings about a part of the body. */
export function within<T>(pointer: string, findings: Findings, read: (inner: Findings) => T): T {
  const inner: Findings = [];
  const value = read(inner);
  findings.push(
    ...inner.map((finding) => ({ ...finding, pointer: `${pointer}/${escaped(finding.pointer)}` })),
  );
  return value;
}

/** `"range": {"from", "to"}`: both optional, RFC 3339 or epoch milliseconds. */
export function readRange(body: Raw, findings: Findings): OpenRange {
  if (body["range"] === undefined) return {};
  const range = readObject(body["range"], "/range", ["from", "to"], findings) ?? {};
  const [from, to] = within("/range", findings, (inner) => [
    readInstant(range, "from", inner),
    readInstant(range, "to", inner),
  ]);
  if (from !== undefined && to !== undefined && from >= to) {
    findings.push({ pointer: "/range/to", code: "range", message: "to must be later than from" });
  }
  return { from, to };
}

/** `"timezone"`: an IANA name; UTC where it is absent. */
export function readZone(body: Raw, findings: Findings): string {
  const zone = within("", findings, (inner) => readText(body, "timezone", inner)) ?? "UTC";
  if (isZone(zone)) return zone;
  const message = "timezone must be an IANA zone, such as Europe/Berlin";
  findings.push({ pointer: "/timezone", code: "zone", message });
  return "UTC";
}

/** A part of the body that is true or false. */
export function readFlag(raw: Raw, name: string, otherwise: boolean, findings: Findings): boolean {
  const value = raw[name];
  if (value === undefined) return otherwise;
  if (typeof value === "boolean") return value;
  findings.push({ pointer: `/${name}`, code: "boolean", message: `${name} is true or false` });
  return otherwise;
}

/** A key as a pointer's segment (RFC 6901, 3). */
function escaped(key: string): string {
  return key.replaceAll("~", "~0").replaceAll("/", "~1");
}
