import type { Body } from "../rows.ts";
import type { PropertyPath } from "../../event/property-path.ts";
import type { Scalar } from "../../event/filter.ts";

/**
 * An event's body in a form that MongoDB can query: each property of it, at any depth, under a name
 * of its own (`data/plan`), so that no path leads through an array and no key is an operator.
 * Texts, numbers and booleans stay themselves; `null`, objects and arrays become marks that no text
 * begins with. A text that begins with a dollar gets a mark in front: mongo-java-server reads
 * `$plan` in an answer as the name of a field.
 */
export type Properties = Readonly<Record<string, string | number | boolean>>;

export const nothing = "\u0001";
export const composite = "\u0002";
const dollar = "\u0003";

/** More properties would make the document much larger than the event. */
const maxProperties = 256;

/** Characters of names and texts together. */
const maxLength = 16_384;

/**
 * @returns undefined where there are too many, or where BSON has no such text: only the body has
 *   them then
 */
export function propertiesOf({ data, metadata, context }: Body): Properties | undefined {
  const properties = Object.create(null) as Record<string, string | number | boolean>;
  let count = 0;
  let length = 0;

  function add(name: string, value: unknown): boolean {
    length += name.length;
    if (++count > maxProperties || length > maxLength) return false;
    if (typeof value === "string") {
      length += value.length;
      if (length > maxLength) return false;
    }
    if (typeof value === "object" && value !== null) {
      properties[name] = composite;
      return Array.isArray(value) || addAll(`${name}/`, value);
    }
    const [scalar] = toProperty(value as Scalar);
    if (scalar === undefined) return false;
    properties[name] = scalar;
    return true;
  }

  function addAll(prefix: string, object: object): boolean {
    return Object.entries(object).every(([key, value]) => {
      if (value === undefined) return true;
      return key.isWellFormed() && add(prefix + named(key), value);
    });
  }

  return addAll("", { data, metadata, context }) ? properties : undefined;
}

/**
 * The name of the field that holds a property; `undefined` for elements, and where no event need
 * have it.
 */
export function propertyField(path: PropertyPath): string | undefined {
  const keys = path.filter((segment) => segment?.isWellFormed());
  return keys.length < path.length
    ? undefined
    : `properties.${(keys as readonly string[]).map(named).join("/")}`;
}

/** The stored form of a value; empty where no document can hold it. */
export function toProperty(value: Scalar | undefined): readonly (string | number | boolean)[] {
  if (value === undefined) return [];
  if (value === null) return [nothing];
  // -0 is 0 in JSON.
  if (typeof value === "number") return Number.isFinite(value) ? [value + 0] : [];
  if (typeof value === "boolean") return [value];
  // A text that begins below the last mark might look like one.
  if (!value.isWellFormed() || (value !== "" && value[0]! <= dollar)) return [];
  return [value.startsWith("$") ? dollar + value : value];
}

/** A property in its original form, except for the content of objects and arrays. */
export function fromProperty(value: string | number | boolean): Scalar | object {
  if (value === nothing) return null;
  if (value === composite) return Object.create(null) as object;
  return typeof value === "string" && value.startsWith(dollar) ? value.slice(1) : value;
}

/** Caches the names of keys, which are few and come with each event again. */
const names = new Map<string, string>();
const maxNames = 1_000;

function named(key: string): string {
  let name = names.get(key);
  if (name === undefined) {
    name = encodeURIComponent(key).replaceAll(".", "%2E");
    if (names.size < maxNames && key.length <= 64) names.set(key, name);
  }
  return name;
}
