import { ServiceError } from "../../errors.ts";
import type { Values, Fields, Findings, Raw } from "./field.ts";

/** Parameters whose names follow a pattern. */
export interface Open {
  isKnown(name: string): boolean;
  /** The names of all parameters in error texts, also those of `Fields`. */
  readonly names: readonly string[];
}

/**
 * Reads the parameters of a question. An unknown one is refused, never ignored.
 * @param finish makes the question from its parts, and adds a finding for each fault that concerns
 *   several of them
 * @param open parameters that `finish` reads itself
 * @throws ServiceError VALIDATION naming each parameter that is wrong and what is allowed
 */
export function readParameters<F extends Fields, T>(
  raw: Raw,
  fields: F,
  finish: (values: Values<F>, findings: Findings, raw: Raw) => T,
  open?: Open,
): T {
  const findings: Findings = [];
  refuseUnknown(raw, fields, findings, open);
  const question = finish(valuesOf(raw, fields, findings), findings, raw);
  if (findings.length > 0) throw new ServiceError("VALIDATION", undefined, { errors: findings });
  return question;
}

/** Reads the parameters of these names. */
export function valuesOf<F extends Fields>(raw: Raw, fields: F, findings: Findings): Values<F> {
  return Object.fromEntries(
    Object.entries(fields).map(([name, field]) => [
      name,
      field.read(raw[name], { pointer: name, name }, findings),
    ]),
  ) as Values<F>;
}

function refuseUnknown(raw: Raw, fields: Fields, findings: Findings, open?: Open): void {
  const names = open?.names ?? Object.keys(fields);
  for (const name of Object.keys(raw)) {
    if (Object.hasOwn(fields, name) || open?.isKnown(name)) continue;
    findings.push({
      pointer: name,
      code: "unknown_parameter",
      message: `there is no parameter of this name; known are ${names.join(", ")}`,
    });
  }
}
