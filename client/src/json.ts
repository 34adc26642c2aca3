/**
 * A value as JSON that means the same. `JSON.stringify` writes `null` for a number that is not
 * finite, for an invalid Date and for `undefined` in a list, and `null` means that there is nothing.
 * @throws TypeError for these, for a BigInt and for an object that contains itself
 */
export function jsonText(value: object): string {
  const text = JSON.stringify(value);
  // Looking at each value costs several times as much as writing it.
  if (text.includes("null")) JSON.stringify(value, refuseUnwritable);
  return text;
}

/** @param this the object that has the member */
function refuseUnwritable(this: unknown, name: string, value: unknown): unknown {
  const given = (this as Readonly<Record<string, unknown>>)[name];
  if (given instanceof Date && Number.isNaN(given.getTime())) {
    throw new TypeError(`${name} is an invalid Date`);
  }
  if (Array.isArray(this) && ["undefined", "function", "symbol"].includes(typeof value)) {
    throw new TypeError(`${name} of a list is ${String(value)}, which JSON cannot carry`);
  }
  if (typeof value === "number" && !Number.isFinite(value)) {
    throw new TypeError(`${name} is ${value}, which JSON cannot carry`);
  }
  return value;
}
