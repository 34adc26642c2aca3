import type { JsonObject, StoredEvent } from "../event.ts";
import { isPlainObject } from "../plain-json.ts";

/** The depth of an inferred schema stays within the bounds of schemas. */
const maxLevels = 8;
const maxProperties = 100;

/** The values that were seen at one place. */
interface Seen {
  /** The number of values, and of each kind. */
  count: number;
  readonly kinds: Map<string, number>;
  readonly properties: Map<string, Seen>;
  items: Seen | undefined;
}

/**
 * Infers a schema that all given events keep, no narrower than what they have in common: the kinds
 * of values, and the properties that all of them have. Values, lengths and unknown properties stay
 * free: the result is a proposal for a person to tighten.
 */
export function inferSchema(events: readonly StoredEvent[]): JsonObject {
  const parts = newSeen();
  for (const { data, metadata } of events) {
    look(
      { ...(data !== undefined && { data }), ...(metadata !== undefined && { metadata }) },
      parts,
      0,
    );
  }
  return { type: "object", ...schemaOfObject(parts) };
}

function newSeen(): Seen {
  return { count: 0, kinds: new Map(), properties: new Map(), items: undefined };
}

function look(value: unknown, seen: Seen, level: number): void {
  const kind = kindOf(value);
  seen.count += 1;
  seen.kinds.set(kind, (seen.kinds.get(kind) ?? 0) + 1);
  if (level === maxLevels) return;
  if (kind === "array") {
    seen.items ??= newSeen();
    for (const item of value as readonly unknown[]) look(item, seen.items, level + 1);
  }
  if (kind !== "object") return;
  for (const [name, member] of Object.entries(value as object)) {
    // A schema cannot describe it (`findUnbounded`).
    if (name === "__proto__") continue;
    let known = seen.properties.get(name);
    if (known === undefined) {
      if (seen.properties.size === maxProperties) continue;
      seen.properties.set(name, (known = newSeen()));
    }
    look(member, known, level + 1);
  }
}

function kindOf(value: unknown): string {
  if (value === null) return "null";
  if (Array.isArray(value)) return "array";
  if (isPlainObject(value)) return "object";
  return Number.isInteger(value) ? "integer" : typeof value;
}

function schemaOf(seen: Seen): JsonObject {
  const kinds = [...seen.kinds.keys()].sort();
  const types = kinds.includes("number") ? kinds.filter((kind) => kind !== "integer") : kinds;
  return {
    ...(types.length > 0 && { type: types.length === 1 ? types[0]! : types }),
    ...(kinds.includes("object") && schemaOfObject(seen)),
    ...(seen.items !== undefined && seen.items.count > 0 && { items: schemaOf(seen.items) }),
  };
}

function schemaOfObject({ kinds, properties }: Seen): JsonObject {
  if (properties.size === 0) return {};
  const all = kinds.get("object");
  const entries = [...properties].sort(([a], [b]) => (a < b ? -1 : 1));
  const required = entries.filter(([, { count }]) => count === all).map(([name]) => name);
  return {
    properties: Object.fromEntries(entries.map(([name, member]) => [name, schemaOf(member)])),
    ...(required.length > 0 && { required }),
  };
}
