import { randomBytes } from "node:crypto";

/*
 * V8 since 13.6 (every Node from 24.0 on, seen up to 26.10) may read the key of an object that is one
 * escape, such as `"\n"` or `"\u540d"`, as a backslash: where an object with the same keys before it
 * had a backslash for its next one, whoever sent that. Some senders escape all that is no ASCII, so
 * any key of one letter can be changed in this way, and counts under such names can be mixed up.
 * Values, other keys, and Node up to 22 are right.
 */

const parse = JSON.parse;

/** Follows a key while its text is parsed. Random, so that no text holds it. */
const mark = randomBytes(9).toString("base64url");

/** A string of one escape before a colon; it may also stand within a longer string. */
const oneEscape = /"\\(?:u[\da-fA-F]{4}|[^u])"[\t\n\r ]*:/;

/** Replaces `JSON.parse` of this thread by one that reads such keys right. */
export function mendJsonParse(): void {
  JSON.parse = (text: unknown, reviver?: Parameters<typeof parse>[1]): unknown => {
    const json = String(text);
    // Most texts have no escape, which is looked for faster.
    if (reviver !== undefined || !json.includes("\\") || !oneEscape.test(json)) {
      return parse(json, reviver);
    }
    const written = withoutOneEscapes(json);
    try {
      const value: unknown = parse(written);
      return written.includes(mark) ? unmarked(value) : value;
    } catch {
      // No JSON: the error is to be about the text itself.
      return parse(json);
    }
  };
}

/**
 * The text with the character itself for each key that is one escape, or with a mark behind the
 * escape where JSON has no other way to write it.
 */
function withoutOneEscapes(json: string): string {
  const parts: string[] = [];
  let from = 0;
  for (let start = json.indexOf('"'); start >= 0;) {
    const end = endOfString(json, start);
    if (end < 0) break;
    const escape = json.slice(start + 1, Math.min(end, start + 8));
    if (escape.startsWith("\\") && isOneEscape(escape) && isKey(json, end)) {
      parts.push(json.slice(from, start + 1), otherwise(escape));
      from = end;
    }
    start = json.indexOf('"', end + 1);
  }
  return parts.join("") + json.slice(from);
}

function isOneEscape(text: string): boolean {
  return /^\\(?:u[\da-fA-F]{4}|[^u])$/.test(text);
}

/** Another way to write an escape as a key. */
function otherwise(escape: string): string {
  const unit = escape[1] === "u" ? parseInt(escape.slice(2), 16) : undefined;
  if (escape === "\\/") return "/";
  // A backslash is what it is read as.
  if (escape === "\\\\" || unit === 0x5c) return escape;
  const mustBeEscaped = unit === undefined || unit < 0x20 || unit === 0x22;
  return mustBeEscaped ? escape + mark : String.fromCharCode(unit);
}

/** The place of the quote that ends a string; -1 where there is none. */
function endOfString(json: string, start: number): number {
  for (let end = json.indexOf('"', start + 1); end >= 0; end = json.indexOf('"', end + 1)) {
    let escapes = end;
    while (json[escapes - 1] === "\\") escapes -= 1;
    if ((end - escapes) % 2 === 0) return end;
  }
  return -1;
}

function isKey(json: string, end: number): boolean {
  let at = end + 1;
  while ("\t\n\r ".includes(json[at] ?? "-")) at += 1;
  return json[at] === ":";
}

/**
 * A value without the marks; other objects stand for those that had some. Does not recurse, however
 * deep it is.
 */
function unmarked(value: unknown): unknown {
  const root = [value];
  const open: Record<string, unknown>[] = [root as never];
  for (let holder = open.pop(); holder !== undefined; holder = open.pop()) {
    for (const key of Object.keys(holder)) {
      let inner = holder[key];
      if (typeof inner !== "object" || inner === null) continue;
      if (!Array.isArray(inner) && Object.keys(inner).some(isMarked)) {
        inner = renamed(inner as Record<string, unknown>);
        put(holder, key, inner);
      }
      open.push(inner as Record<string, unknown>);
    }
  }
  return root[0];
}

function isMarked(key: string): boolean {
  return key.length === mark.length + 1 && key.endsWith(mark);
}

/** The object with the keys that were meant, in their order. */
function renamed(object: Record<string, unknown>): Record<string, unknown> {
  const meant: Record<string, unknown> = {};
  for (const key of Object.keys(object)) put(meant, isMarked(key) ? key[0]! : key, object[key]);
  return meant;
}

function put(object: Record<string, unknown>, key: string, value: unknown): void {
  if (key !== "__proto__") object[key] = value;
  else {
    const property = { value, writable: true, enumerable: true, configurable: true };
    Object.defineProperty(object, key, property);
  }
}
