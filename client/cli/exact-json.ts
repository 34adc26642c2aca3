/** A place in a JSON text that would not be the same once it is read and written again. */
interface Fault {
  /** RFC 6901. */
  readonly pointer: string;
  readonly message: string;
}

/** More levels than anything that the service takes has; few enough to be written again. */
const maxLevels = 500;

const numberText = /-?\d[\d.eE+-]*/y;

/** The smallest normal double: below it doubles have fewer digits, down to none. */
const leastNormal = 2 ** -1_022;

/**
 * Whether the service takes the double of a decimal number for that number: it is no larger than
 * 2^53 - 1, and not too small for a double.
 */
export function staysSame(decimal: string): boolean {
  const size = Math.abs(Number(decimal));
  if (size >= leastNormal) return size <= Number.MAX_SAFE_INTEGER;
  return !/^[+-]?[\d.]*[1-9]/.test(decimal);
}

/** The first fault of a text that is JSON: a number that would change, or what is nested too deep. */
export function faultIn(text: string): Fault | undefined {
  /** The places that lead to the present one: names as they are written, and indexes. */
  const path: (string | number)[] = [];
  let lastText = "";
  for (let at = 0; at < text.length; at += 1) {
    const character = text[at]!;
    if (character === '"') {
      const end = endOfString(text, at);
      lastText = text.slice(at, end);
      at = end - 1;
    } else if (character === ":") path[path.length - 1] = lastText;
    else if (character === ",") path[path.length - 1] = next(path.at(-1)!);
    else if (character === "]" || character === "}") path.pop();
    else if (character === "[" || character === "{") {
      if (path.length === maxLevels) return faultAt(path, "arrays and objects are nested too deep");
      path.push(character === "[" ? 0 : "");
    } else if (character === "-" || (character >= "0" && character <= "9")) {
      numberText.lastIndex = at;
      const [number = ""] = numberText.exec(text) ?? [];
      if (!staysSame(number)) return faultAt(path, changed(number));
      at += number.length - 1;
    }
  }
  return undefined;
}

function next(place: string | number): string | number {
  return typeof place === "number" ? place + 1 : place;
}

/** The place behind a string that begins at a quotation mark. */
function endOfString(text: string, start: number): number {
  let at = start + 1;
  while (text[at] !== '"') at += text[at] === "\\" ? 2 : 1;
  return at + 1;
}

function faultAt(path: readonly (string | number)[], message: string): Fault {
  const names = path.map((place) => String(typeof place === "number" ? place : JSON.parse(place)));
  return { pointer: pointerTo(names), message };
}

const maxPointerLength = 256;

/** The RFC 6901 pointer to a place; to the nearest around it where it would be very long. */
export function pointerTo(path: readonly string[]): string {
  let pointer = "";
  for (const name of path) {
    const within = `${pointer}/${name.replaceAll("~", "~0").replaceAll("/", "~1")}`;
    if (within.length > maxPointerLength) break;
    pointer = within;
  }
  return pointer;
}

const maxShown = 40;

function changed(number: string): string {
  const shown = number.length > maxShown ? `${number.slice(0, maxShown)}...` : number;
  return `the number ${shown} is beyond 2^53 or too small for a double, and would not stay the same: send it as a string`;
}
