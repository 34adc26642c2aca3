/** The kinds of a property's value, in the order in which answers list them. */
export const valueKinds = ["text", "number", "boolean", "null", "object", "list"] as const;
export type ValueKind = (typeof valueKinds)[number];

/** The kind of a value of JSON. */
export function valueKindOf(value: unknown): ValueKind {
  if (value === null) return "null";
  if (Array.isArray(value)) return "list";
  const type = typeof value;
  if (type === "string") return "text";
  return type === "number" || type === "boolean" ? type : "object";
}
