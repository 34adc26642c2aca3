import { randomUUID } from "node:crypto";

/*
 * V8 since 13.6 (every Node from 24.0 on, seen up to 26.10) may read the key of an object that is one
 * escape, such as `"\n"` or `"\u540d"`, as a backslash: where an object with the same keys before it
 * had a backslash for its next one, whoever sent that. Some senders escape all that is no ASCII, so
 * any key of one letter can be changed in this way, and counts under such names can be mixed up.
 * Values, other keys, and Node up to 22 are right.
 */

const parse = JSON.parse;

/**
 * Follows each key of a text with such keys while it is parsed, with a number behind it, so that
 * keys that come twice keep their order. Random, so that no text holds it.
 */
const mark = randomUUID();

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
    const marked = markedKeys(json);
    try {
      return unmarked(parse(marked));
    } catch {
      // No JSON: the error is to be about the text itself.
      return parse(json);
    }
  };
}

/** The text with a mark at the end of each key. */
function markedKeys(json: string): string {
  let marked = "";
  let from = 0;
  let marks = 0;
  for (let start = json.indexOf('"'); start >= 0;) {
    const end = endOfString(json, start);
    if (end < 0) break;
    if (isKey(json, end)) {
      marked += json.slice(from, end) + mark + String(marks++);
      from = end;
    }
    start = json.indexOf('"', end + 1);
  }
  return marked + json.slice(from);
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

/** Removes the marks. Changes the value that it is given; does not recurse, however deep it is. */
function unmarked(value: unknown): unknown {
  const open = [value];
  while (open.length > 0) {
    const one = open.pop();
    if (typeof one !== "object" || one === null) continue;
    if (!Array.isArray(one)) rename(one as Record<string, unknown>);
    for (const inner of Object.values(one)) if (typeof inner === "object") open.push(inner);
  }
  return value;
}

/** Renames the keys of an object, in their order; of two alike the last counts. */
function rename(object: Record<string, unknown>): void {
  const entries = Object.entries(object);
  for (const [key] of entries) delete object[key];
  for (const [key, value] of entries) {
    const [name] = key.split(mark) as [string];
    Object.defineProperty(object, name, {
      value,
      writable: true,
      enumerable: true,
      configurable: true,
    });
  }
}
