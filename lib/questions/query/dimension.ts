import type { PropertyPath } from "../../event/property-path.ts";
import type { Column } from "../fold.ts";

/**
 * A dimension by which events are grouped: a field or property, or the period that contains them.
 */
export type Dimension = { readonly path: PropertyPath } | { readonly time: true };

/** The column that a dimension reads. */
export function columnOfDimension(dimension: Dimension): Column {
  if ("time" in dimension) return { field: "timestamp" };
  const [top, ...inner] = dimension.path;
  return inner.length === 0 && (top === "type" || top === "source" || top === "correlationId")
    ? { field: top }
    : { path: dimension.path };
}
