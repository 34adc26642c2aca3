import { ServiceError } from "../errors.ts";
import type { IncomingHttpHeaders } from "node:http";
import type { Precondition } from "../questions/saved.ts";

/**
 * Chooses the media type that an `Accept` header prefers (RFC 9110, 12.5.1), the first of several
 * that it prefers equally; `undefined` where it accepts none. Without a header every type is
 * accepted. Unreadable parts are skipped.
 * @param offered media types without parameters, in lower case
 */
export function preferred<Offered extends string>(
  accept: string | undefined,
  offered: readonly Offered[],
): Offered | undefined {
  if (accept === undefined || accept.trim() === "") return offered[0];
  const ranges = accept.toLowerCase().split(",").map(readRange);
  let best: Offered | undefined;
  let bestWeight = 0;
  for (const type of offered) {
    const weight = weightOf(type, ranges);
    if (weight > bestWeight) [best, bestWeight] = [type, weight];
  }
  return best;
}

interface MediaRange {
  readonly range: string;
  readonly weight: number;
}

function readRange(text: string): MediaRange {
  const [range = "", ...parameters] = text.split(";").map((part) => part.trim());
  const quality = parameters.find((parameter) => /^q\s*=/.test(parameter));
  const weight = quality === undefined ? 1 : Number(quality.replace(/^q\s*=\s*/, ""));
  return { range, weight: weight >= 0 && weight <= 1 ? weight : 0 };
}

/** The most specific range that matches decides. */
function weightOf(type: string, ranges: readonly MediaRange[]): number {
  const group = `${type.slice(0, type.indexOf("/"))}/*`;
  for (const fitting of [type, group, "*/*"]) {
    const found = ranges.find(({ range }) => range === fitting);
    if (found !== undefined) return found.weight;
  }
  return 0;
}

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

/**
 * Whether `If-None-Match` of a read names the entity tag that would be answered. Compares weakly, as
 * RFC 9110, 13.1.2 demands: proxies that compress weaken tags.
 */
export function namesTag(noneMatch: string | undefined, tag: string): boolean {
  if (noneMatch === undefined) return false;
  return noneMatch.split(",").some((one) => [tag, `W/${tag}`, "*"].includes(one.trim()));
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
