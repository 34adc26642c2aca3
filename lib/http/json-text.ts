import { isUtf8 } from "node:buffer";
import { ServiceError, type Finding } from "../errors.ts";
import { parseJson } from "../event/json.ts";
import { maxNesting } from "../event/limits.ts";
import { findNotPlain, isPlainJson } from "../event/plain-json.ts";

const byteOrderMark = 0xfeff;

/**
 * The text of a body, without a byte order mark.
 * @throws ServiceError `MALFORMED` where it is not UTF-8, or holds nothing but white space
 */
export function textOf(bytes: Buffer): string {
  if (!isUtf8(bytes)) throw new ServiceError("MALFORMED", "The body is not UTF-8");
  const text = bytes.toString();
  const start = text.charCodeAt(0) === byteOrderMark ? 1 : 0;
  if (/^\s*$/.test(text.slice(start, start + 64)) && text.trim() === "") {
    throw new ServiceError("MALFORMED", "The body is empty");
  }
  return start === 0 ? text : text.slice(start);
}

/**
 * The JSON value of a body, of any depth. Own properties may be called `__proto__`; of a repeated
 * name the last value counts. A number beyond a double's range is `Infinity` or `NaN` (`parseJson`).
 * @throws ServiceError `MALFORMED`
 */
export function jsonOf(bytes: Buffer): unknown {
  const text = textOf(bytes);
  try {
    return parseJson(text);
  } catch (error) {
    throw new ServiceError("MALFORMED", `The body is not JSON: ${syntaxError(error)}`);
  }
}

/**
 * The JSON value of a body that goes on to an action as it is: one that the way to another node carries unchanged, so that a
 * cluster answers as one process does.
 * @throws ServiceError `MALFORMED`; `VALIDATION` where it is nested too deep or has numbers that would not stay the same
 */
export function plainJsonOf(bytes: Buffer): unknown {
  const value = jsonOf(bytes);
  if (isPlainJson(value, maxNesting)) return value;
  const errors: Finding[] = [];
  findNotPlain(value, maxNesting, "", errors);
  throw new ServiceError("VALIDATION", undefined, { errors });
}

/** What the parser says, which may quote some twenty characters of the text. */
export function syntaxError(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
