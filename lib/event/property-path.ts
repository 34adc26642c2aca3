/** A path's segment that stands for each element of a list. */
export const each = null;

const maxSegments = 16;
/** The longest name that is read, in code units. */
export const maxNameLength = 1_024;
const first = /[^.[\]]+/y;

/** `.plan`, `[]` or `["http.status"]`. */
const next = /\.([^.[\]]+)|\[("(?:[^"\\]|\\.)*")?\]/sy;

/**
 * Reads a path from its name: keys joined by dots, `data.a.b`. A key that has a dot or a bracket,
 * or is empty, is written as JSON writes a text, `data["http.status"]`; `data.tags[]` stands for
 * each element of a list, `data.items[].sku` for a property of each element. `undefined` where the
 * name is none of these, or too long.
 */
export function readPath(name: string): PropertyPath | undefined {
  if (name.length > maxNameLength || !name.isWellFormed()) return undefined;
  first.lastIndex = 0;
  const top = first.exec(name)?.[0];
  if (top === undefined) return undefined;
  const inner: Segment[] = [];
  for (let at = top.length; at < name.length; at = next.lastIndex) {
    next.lastIndex = at;
    const found = next.exec(name);
    const segment = found && segmentOf(found[1], found[2]);
    if (!found || segment === undefined || inner.length === maxSegments) return undefined;
    inner.push(segment);
  }
  return [top, ...inner];
}

/** The name of a path, which `readPath` reads back, also within a list of names. */
export function nameOf([top, ...inner]: PropertyPath): string {
  return top + inner.map(written).join("");
}

/** Whether a path may lead to several values: to elements of lists. */
export function hasElements(path: PropertyPath): boolean {
  return path.includes(each);
}

/** Splits a list of names by commas; a comma within a key's quotes is part of the name. */
export function splitNames(text: string): readonly string[] {
  const names: string[] = [];
  let start = 0;
  let isQuoted = false;
  for (let at = 0; at < text.length; at++) {
    if (isQuoted && text[at] === "\\") at += 1;
    else if (text[at] === '"') isQuoted = !isQuoted;
    else if (text[at] === "," && !isQuoted) {
      names.push(text.slice(start, at));
      start = at + 1;
    }
  }
  return [...names, text.slice(start)].map((name) => name.trim());
}

function segmentOf(bare: string | undefined, quoted: string | undefined): Segment | undefined {
  if (bare !== undefined) return bare;
  if (quoted === undefined) return each;
  try {
    return JSON.parse(quoted) as string;
  } catch {
    return undefined;
  }
}

function written(segment: Segment): string {
  if (segment === each) return "[]";
  const isPlain = /^[^.[\]",\s]+$/.test(segment) && segment.isWellFormed();
  return isPlain ? `.${segment}` : `[${JSON.stringify(segment)}]`;
}

/**
 * Segments from the event's top, for example `["data", "plan"]`. Never empty; a key may hold any
 * character. With `null` the path leads to every element of the list that stands there: `["data",
 * "items", null, "sku"]`.
 */
export type PropertyPath = readonly [string, ...Segment[]];

export type Segment = string | null;
