import type { IncomingHttpHeaders } from "node:http";
import { ServiceError } from "../errors.ts";
import type { Precondition } from "../questions/saved.ts";

const entityTag = /^(W\/)?"([\x21\x23-\x7e\x80-\xff]*)"$/;

/**
 * The condition of a write, from `If-Match` and `If-None-Match` (RFC 9110, 13.1). A weak tag
 * matches no `If-Match`; of `If-None-Match` only `*` makes sense for a write.
 * @throws ServiceError MALFORMED
 */
export function preconditionOf(headers: IncomingHttpHeaders): Precondition {
  const match = headers["if-match"];
  const noneMatch = headers["if-none-match"];
  if (match !== undefined && noneMatch !== undefined) {
    throw new ServiceError("MALFORMED", "Send If-Match or If-None-Match, not both");
  }
  if (noneMatch !== undefined) {
    if (noneMatch.trim() === "*") return "absent";
    throw new ServiceError("MALFORMED", "If-None-Match of a write can only be *");
  }
  if (match === undefined) return "any";
  return match.trim() === "*" ? "present" : { versions: match.split(",").flatMap(strongTag) };
}

/** A version as a strong entity tag. */
export function entityTagOf(version: string): string {
  return `"${version}"`;
}

function strongTag(text: string): readonly string[] {
  const [, weak, tag] = entityTag.exec(text.trim()) ?? [];
  if (tag === undefined) {
    throw new ServiceError("MALFORMED", 'If-Match must be * or entity tags in quotes, such as "x"');
  }
  return weak === undefined ? [tag] : [];
}
